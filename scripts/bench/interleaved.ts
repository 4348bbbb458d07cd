/** Rounds in which every target of a table is loaded after the other, forwards and backwards, and what each request cost its server. */

import { canPin, type PinnedProcess, pinGenerator, unpinGenerator } from './pinned-process.ts'
import { saturate, TooBusyError } from './saturation.ts'
import { median, sum } from './statistics.ts'
import { type Effort, portion, type Row } from './subject.ts'
import type { Requests } from './token-requests.ts'

/** A server and what it is loaded with. */
export interface Target {
  name: string
  process: PinnedProcess
  requests: Requests
}

/** Of one target; one value for each round. */
export interface Measured {
  name: string
  /** Microseconds of processor time for each request. */
  cpu: number[]
  perSecond: number[]
  /** Answers 503 in each round: where there are any, the machine was too busy to be measured on. */
  unavailable: number[]
}

/** How long one target is loaded in one round, in seconds. */
const roundLength = 1.2
/** So many requests at least: fewer may take less than a step of the kernel's clock. */
const least = 200

/** What every table says about its measurement. */
export const interleavedMethod = `All servers are alive at once and are loaded one after the other, in turn forwards and backwards; ${
  canPin
    ? 'servers on one processor, generator on another'
    : 'NOT pinned, for want of taskset or of a second processor: the figures are worth less'
}; 32 keep-alive connections with one request each; every answer is checked. CPU is user and system time of the whole process tree for each request; ratios are taken within each round; each figure is the median of the rounds. `

/** The generator has a processor of its own unless `pinned` is false. */
export interface RoundOptions {
  rounds?: number
  pinned?: boolean
  connections?: number
}

/** Measures so many rounds (7 at the full length). Throws for a wrong answer, naming the target. */
export async function interleaved(
  targets: readonly Target[],
  effort: Effort,
  { rounds = portion(7, effort, 2), pinned = true, connections = 32 }: RoundOptions = {},
): Promise<Measured[]> {
  const measured = new Map(targets.map((target): [Target, Measured] => [target, newMeasured(target)]))
  const counts = new Map<Target, number>()
  if (pinned) pinGenerator()
  try {
    for (const target of targets) {
      effort.progress(`warming up: ${target.name}`)
      counts.set(target, await warmUp(target, effort, connections))
    }
    for (let round = 0; round < rounds; round++) {
      effort.progress(`round ${round + 1} of ${rounds}`)
      for (const target of round % 2 === 0 ? targets : targets.toReversed()) {
        const { cpu, perSecond, unavailable } = await load(target, counts.get(target) ?? 0, connections)
        const of = measured.get(target)
        of?.cpu.push(cpu)
        of?.perSecond.push(perSecond)
        of?.unavailable.push(unavailable)
      }
    }
    return [...measured.values()]
  } finally {
    unpinGenerator()
  }
}

function newMeasured({ name }: Target): Measured {
  return { name, cpu: [], perSecond: [], unavailable: [] }
}

/** Until the code is compiled, and it is known how many requests fill a round; gives that number. */
async function warmUp(target: Target, effort: Effort, connections: number): Promise<number> {
  const atLeast = portion(10_000, effort, least)
  const { perSecond } = await load(target, atLeast, connections)
  const seconds = roundLength * Math.min(1, effort.share)
  const again = await load(target, Math.max(atLeast, Math.round(perSecond * seconds)), connections)
  return Math.max(least, Math.round(again.perSecond * seconds))
}

interface Loaded {
  cpu: number
  perSecond: number
  unavailable: number
}

/** Loads it; again, five times at most, when the machine was too busy for it. */
async function load(target: Target, count: number, connections: number, attempt = 1): Promise<Loaded> {
  const { name, process, requests } = target
  const prepared = requests(count)
  const before = process.processorTime()
  try {
    const { seconds, unavailable } = await saturate({ port: process.port, requests: prepared, count, connections })
    return { cpu: (process.processorTime() - before) / count, perSecond: count / seconds, unavailable }
  } catch (cause) {
    if (cause instanceof TooBusyError && attempt < 5) return await load(target, count, connections, attempt + 1)
    throw new Error(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

/** The one of this name. Throws where there is none. */
export function measuredAs(name: string, measured: readonly Measured[]): Measured {
  const found = measured.find((one) => one.name === name)
  if (found === undefined) throw new Error(`nothing was measured as ${name}`)
  return found
}

/** The figures that every row of such a table ends with. */
export function costOf({ cpu, perSecond, unavailable }: Measured): Row['figures'] {
  const late = sum(unavailable)
  return {
    CPU: { value: median(cpu), unit: 'µs' },
    requests: { value: median(perSecond), unit: '/s' },
    ...(late > 0 ? { 'answers 503': { value: late, unit: '' } } : {}),
  }
}
