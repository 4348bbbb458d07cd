/** What each store costs a redemption, beside the store in memory: as fast as it goes, and at a fixed rate. */

import { oneRedis } from '../../test/faults/rig/redis.ts'
import { newBroker } from './broker.ts'
import { costOf, interleaved, interleavedMethod, type Target } from './interleaved.ts'
import { pinGenerator, unpinGenerator } from './pinned-process.ts'
import { atFixedRate } from './saturation.ts'
import { median, medianRatio } from './statistics.ts'
import { type Effort, type Goal, judged, portion, type Row, type Subject, withoutRedis } from './subject.ts'
import { makerFor, recipient } from './token-path-targets.ts'

const rate = 3000
const kinds = ['memory', 'lmdb', 'redis'] as const

const goals: { [table: string]: { [store: string]: Goal } } = {
  saturated: { lmdb: { must: 0.85, aim: 0.95 }, redis: { must: 0.95, aim: 1 } },
  fixed: { redis: { must: 0.8, aim: 0.87 } },
}

/** Of one store; one value for each round. */
type Rounds = Map<string, { cpu: number[]; others: Row['figures'] }>

export const stores: Subject = {
  name: 'stores',
  title: 'What each store costs a redemption',
  method: `${interleavedMethod}× is the processor time with the store in memory, divided by that with this one: more is better. That of redis-server is not in it: it runs elsewhere in earnest.`,
  async run(effort) {
    const redis = effort.redis ? (await oneRedis()).server : undefined
    const broker = await newBroker()
    try {
      const present = kinds.filter((kind) => kind !== 'redis' || redis !== undefined)
      const targets = await Promise.all(
        present.map(async (name): Promise<Target> => {
          const server = await broker.serve('resourceAs', { store: name === 'redis' ? (redis?.address ?? '') : name })
          return { name, process: server.process, requests: makerFor(broker).redemption(recipient(server), 'basic') }
        }),
      )
      const measured = await interleaved(targets, effort)
      const saturated: Rounds = new Map(measured.map((one) => [one.name, { cpu: one.cpu, others: costOf(one) }]))
      const fixed = await atRate(targets, effort)
      const rows = kinds.flatMap((kind) => [
        rowOf(kind, 'as fast as it goes', saturated, goals.saturated?.[kind]),
        rowOf(kind, `at ${rate} a second`, fixed, goals.fixed?.[kind]),
      ])
      return { rows, broken: [] }
    } finally {
      await broker.close()
      await redis?.remove()
    }
  },
}

async function atRate(targets: readonly Target[], effort: Effort): Promise<Rounds> {
  const rounds = portion(7, effort, 2)
  const cpu = new Map(targets.map(({ name }): [string, number[]] => [name, []]))
  pinGenerator()
  try {
    for (let round = 0; round < rounds; round++) {
      effort.progress(`at ${rate} a second, round ${round + 1} of ${rounds}`)
      for (const { name, process, requests } of round % 2 === 0 ? targets : targets.toReversed()) {
        const prepared = requests(portion(rate * 2, effort, 200))
        const before = process.processorTime()
        await atFixedRate({ port: process.port, requests: prepared, rate })
        cpu.get(name)?.push((process.processorTime() - before) / prepared.length)
      }
    }
  } finally {
    unpinGenerator()
  }
  return new Map([...cpu].map(([name, values]) => [name, { cpu: values, others: cpuOf(values) }]))
}

function cpuOf(values: readonly number[]): Row['figures'] {
  return { CPU: { value: median(values), unit: 'µs' } }
}

function rowOf(kind: (typeof kinds)[number], how: string, rounds: Rounds, goal: Goal | undefined): Row {
  const name = `${kind}, ${how}`
  const [own, base] = [rounds.get(kind), rounds.get('memory')]
  if (own === undefined || base === undefined) return withoutRedis(name)
  const { figures, verdict } = judged('ratio', { value: medianRatio(base.cpu, own.cpu), unit: '×' }, goal)
  return { name, figures: { ...figures, ...own.others }, ...(verdict === undefined ? {} : { verdict }) }
}
