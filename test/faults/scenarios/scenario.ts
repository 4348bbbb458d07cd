/** What every scenario has in common: its bounds, what it found, and a way to run one in an enterprise of its own. */

import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Seconds } from '../../../src/protocol/ports.ts'
import type { Presentation } from '../checker/history.ts'
import type { Counts } from '../checker.ts'
import { generatorNow, lasting } from '../rig/clock.ts'
import { type EnterpriseOptions, type FaultEnterprise, faultEnterprise, type Names } from '../rig/enterprise.ts'
import type { Instance } from '../rig/instance.ts'

/** How slow is too slow. */
export interface Bounds {
  /** After the end of a fault, until 5xx is wrong again. */
  grace: Seconds
  /** Until a request is answered whose dependency hangs. */
  answer: Seconds
  /** From the start of a process to its first answer. */
  ready: Seconds
  /** The part of all requests that may be answered 503 without a fault, because the machine is too slow. */
  slowness: number
}

/** The figures of the goals. */
export const goalBounds: Bounds = { grace: 2, answer: 0.5, ready: 2, slowness: 0 }
/** For machines that are busy with something else: wrong only when the promise is surely broken. */
export const generousBounds: Bounds = { grace: 20, answer: 10, ready: 40, slowness: 0.25 }

export interface ScenarioOptions {
  seed: number
  bounds: Bounds
  /** How much of the goal's full length: 1 is all of it. */
  share: number
  progress(text: string): void
}

export interface Scenario {
  /** Of the table of goals. */
  goal: string
  name: string
  title: string
  needsRedis: boolean
  /** What else it takes; without it, `run` gives undefined. */
  needs?: string
  run(options: ScenarioOptions): Promise<Outcome | undefined>
}

/** Something that does not hold: an invariant by its number, or a bound by its goal. */
export interface Objection {
  rule: string
  says: string
}

export interface Outcome {
  counts: Counts
  /** What was tried beside requests: kills, rounds, failovers. */
  tried: { [what: string]: number }
  /** The largest of each, by a name with its unit. */
  measured: { [what: string]: number }
  objections: Objection[]
  /** Times without an answer or with 5xx only, and the longest of them. */
  outages: { count: number; longest: Seconds }
}

/** Where a scenario writes down what it sees. */
export interface Notes {
  tried(what: string, count?: number): void
  /** Keeps the largest, and objects to what is over the bound. */
  measured(what: string, value: number, bound: number): void
  objects(says: string): void
}

/** Runs a script in an enterprise, and has what is left of it judged. A history that is objected to is kept in a file. */
export async function judged(
  goal: string,
  { seed, bounds, ...rest }: Pick<ScenarioOptions, 'seed' | 'bounds'> & Omit<EnterpriseOptions, 'seed' | 'grace'>,
  script: (enterprise: FaultEnterprise, notes: Notes) => Promise<void>,
): Promise<Outcome> {
  const enterprise = await faultEnterprise({ ...rest, seed, grace: bounds.grace })
  const tried: Outcome['tried'] = {}
  const measured: Outcome['measured'] = {}
  const objections: Objection[] = []
  const notes: Notes = {
    tried: (what, count = 1) => {
      tried[what] = (tried[what] ?? 0) + count
    },
    measured(what, value, bound) {
      measured[what] = Math.max(measured[what] ?? 0, value)
      if (value > bound) objections.push({ rule: goal, says: `${what}: ${value.toFixed(2)}, allowed ${bound}` })
    },
    objects: (says) => void objections.push({ rule: goal, says }),
  }
  try {
    await script(enterprise, notes)
    const { violations, counts } = await enterprise.verdict()
    const slow = violations.filter(({ mayBeSlowness }) => mayBeSlowness === true)
    const excused = slow.length <= bounds.slowness * counts.presentations
    if (slow.length > 0) notes.tried('503 without a fault', slow.length)
    for (const one of violations)
      if (!(excused && one.mayBeSlowness === true)) objections.push({ rule: one.invariant, says: one.says })
    if (objections.length > 0) objections.push({ rule: 'see', says: await keep(enterprise) })
    return { counts, tried, measured, objections, outages: outagesOf(enterprise.log) }
  } catch (cause) {
    const says = cause instanceof Error ? cause.message : String(cause)
    throw new Error(`${says}; ${await keep(enterprise)}`, { cause })
  } finally {
    await enterprise.close()
  }
}

async function keep(enterprise: FaultEnterprise): Promise<string> {
  const { presentations, ...rest } = await enterprise.history()
  const folder = await mkdtemp(join(tmpdir(), 'xaa-fault-history-'))
  const lines = presentations.map((one) => `${JSON.stringify(one)}\n`)
  await writeFile(join(folder, 'client.jsonl'), lines.join(''))
  for (const { instance, text } of rest.audits) await writeFile(join(folder, `${instance}.audit.jsonl`), text)
  for (const { instance, text } of rest.logs) await writeFile(join(folder, `${instance}.log`), text)
  await writeFile(join(folder, 'faults.json'), JSON.stringify(rest.faults, null, 2))
  return `the history is in ${folder}`
}

/** Spans in which nothing but trouble was answered; a second without trouble ends one. */
export function outagesOf(log: readonly Presentation[]): Outcome['outages'] {
  const trouble = log.filter(({ status }) => status === undefined || status >= 500).map(({ ended }) => ended)
  let count = 0
  let longest = 0
  let from = Number.NEGATIVE_INFINITY
  let last = Number.NEGATIVE_INFINITY
  for (const at of trouble.sort((one, other) => one - other)) {
    if (at - last > 1) {
      count += 1
      from = at
    }
    last = at
    longest = Math.max(longest, last - from)
  }
  return { count, longest }
}

/** An issuer whose clock is as far ahead as is allowed: what it mints now is not behind a fence that rose just now. */
export const farAhead: Seconds = 29.9

/** Seconds until each of the instances has granted a new ID-JAG, to whoever is named. Throws after a minute. */
export async function recovered(
  enterprise: FaultEnterprise,
  instances: readonly Instance[] = enterprise.instances,
  ahead: Seconds = farAhead,
  names: Names = {},
): Promise<Seconds> {
  const start = generatorNow()
  await Promise.all(
    instances.map(async (instance) => {
      for (;;) {
        const [minted] = await enterprise.mint(1, ahead, names)
        if (minted === undefined) throw new Error('nothing was minted')
        const { status, code } = await enterprise.redeem({ minted, instance })
        if (status === 200) return
        if (generatorNow() - start > 60)
          throw new Error(`${instance.name} still answers ${status} ${code} after a minute`)
        await lasting(0.05)
      }
    }),
  )
  return generatorNow() - start
}

/** Asks each instance, twenty times a second, until it says so. Gives the seconds until the last one did; throws after half a minute. */
export async function everywhere(
  instances: readonly Instance[],
  what: string,
  isSo: (instance: Instance) => Promise<boolean>,
): Promise<Seconds> {
  const start = generatorNow()
  await Promise.all(
    instances.map(async (instance) => {
      while (!(await isSo(instance))) {
        if (generatorNow() - start > 30) throw new Error(`waited 30 s in vain: ${what}, at ${instance.name}`)
        await lasting(0.05)
      }
    }),
  )
  return generatorNow() - start
}

/** How long the slowest 503 took. */
export function slowestRefusal(log: readonly Presentation[]): Seconds {
  return Math.max(0, ...log.filter(({ status }) => status === 503).map(({ sent, ended }) => ended - sent))
}

/** At least one, however short the run is to be. */
export function atLeastOnce(count: number): number {
  return Math.max(1, Math.round(count))
}
