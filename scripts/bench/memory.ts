/** What a million spent ids take, how long the longest insert takes, and how much memory a server has idle and under load. */

import { spawnSync } from 'node:child_process'
import { type Broker, newBroker } from './broker.ts'
import { canPin, pinGenerator, programOf, serverCore, unpinGenerator } from './pinned-process.ts'
import { saturate, TooBusyError } from './saturation.ts'
import type { SpentIds } from './spent-ids.ts'
import { median } from './statistics.ts'
import { type Effort, judged, portion, type Row, type Subject } from './subject.ts'
import { makerFor, recipient } from './token-path-targets.ts'

export const memory: Subject = {
  name: 'memory',
  title: 'Memory',
  method:
    'Spent ids: a million by the memory store’s own call, in a process of its own, after 200,000 that compile it, medians of five; the bytes are those of the process (resident), and of its objects; the pause is the longest single insert with the collections of garbage that fell into it, by the clock or in processor time, whichever is less. Resident memory of xaa serve, as a resource authorization server with a memory store, an audit file and metrics: after its start, and the most that was seen while it redeemed 50,000 ID-JAGs.',
  async run(effort) {
    const broker = await newBroker()
    try {
      return { rows: [...spentIds(effort), ...(await resident(broker, effort))], broken: [] }
    } finally {
      await broker.close()
    }
  },
}

function spentIds(effort: Effort): Row[] {
  const count = portion(1_000_000, effort, 1000)
  const runs = Array.from({ length: portion(5, effort, 1) }, (_, run) => {
    effort.progress(`${count} spent ids, run ${run + 1}`)
    // The space for young objects has its full size from the start, and is no part of what an id takes.
    const flags = ['--expose-gc', '--min-semi-space-size=16']
    const command = [process.execPath, ...flags, ...programOf('spent-ids.ts'), String(count)]
    const [first = '', ...rest] = canPin ? ['taskset', '-c', serverCore ?? '0', ...command] : command
    const { status, stdout, stderr } = spawnSync(first, rest, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`the spent ids could not be measured: ${stderr}`)
    return JSON.parse(stdout) as SpentIds
  })
  const middle = (member: keyof SpentIds) => median(runs.map((run) => run[member]))
  return [
    rowOf('a spent id, resident', { value: middle('resident'), unit: 'B' }, 64),
    rowOf('a spent id, objects', { value: middle('heap'), unit: 'B' }),
    rowOf('the worst pause of an insert', { value: middle('worstPause'), unit: 'ms' }, 3),
    rowOf('an insert', { value: middle('insert'), unit: 'µs' }),
  ]
}

async function resident(broker: Broker, effort: Effort): Promise<Row[]> {
  const server = await broker.serve('resourceAs')
  const requests = makerFor(broker).redemption(recipient(server), 'basic')
  const megabytes = () => server.process.memory() / 1e6
  const idle = megabytes()
  let most = idle
  const watch = setInterval(() => {
    most = Math.max(most, megabytes())
  }, 50)
  pinGenerator()
  try {
    for (let part = 0; part < 10; part++) {
      effort.progress(`under load, part ${part + 1} of 10`)
      const count = portion(5000, effort, 20)
      await saturate({ port: server.process.port, requests: requests(count), count }).catch((cause: unknown) => {
        // What a busy machine refuses takes memory, too.
        if (!(cause instanceof TooBusyError)) throw cause
      })
      most = Math.max(most, megabytes())
    }
  } finally {
    clearInterval(watch)
    unpinGenerator()
  }
  return [
    rowOf('xaa serve, idle', { value: idle, unit: 'MB' }, 75),
    rowOf('xaa serve, under load', { value: most, unit: 'MB' }, 120),
  ]
}

function rowOf(name: string, figure: Row['figures'][string], must?: number): Row {
  const { figures, verdict } = judged('figure', figure, must === undefined ? undefined : { must, less: true })
  return { name, figures, ...(verdict === undefined ? {} : { verdict }) }
}
