/** What it costs to follow the policy while nothing happens. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { administration } from '../../src/server/policy/administration.ts'
import { followPolicy } from '../../src/server/policy/policy-feed.ts'
import { systemNow } from '../../src/server/ports.ts'
import { skew } from '../../src/server/surroundings.ts'
import { lmdbStore } from '../../src/store/lmdb.ts'
import { memoryStore } from '../../src/store/memory.ts'
import type { Store } from '../../src/store/store.ts'
import { oneRedis } from '../../test/faults/rig/redis.ts'
import { openRedis } from '../../test/store/redis/open-redis.ts'
import { patiently } from './patience.ts'
import { median } from './statistics.ts'
import { type Effort, portion, type Row, type Subject, withoutRedis } from './subject.ts'

/** A store that nothing else uses, and how many commands its server had so far. */
interface Place {
  store: Store
  commands?(): Promise<number>
}

export const policyFeed: Subject = {
  name: 'policy-feed',
  title: 'What following the policy costs at idle',
  method:
    'Processor time of this process with the feed less that without, in turn; the store keeps its own watch in both. The feed asks 100 times a second, so that it stands out, and a fiftieth of that is what its 2 questions a second cost. The policy holds as many blocks as the row says, and none changes.',
  async run(effort) {
    const blocks = portion(200, effort, 5)
    const measure = async (name: string, place: Place) => {
      effort.progress(name)
      return await follow(name, place, blocks, effort)
    }
    const rows = [await measure('memory', { store: memoryStore({ now: systemNow }) })]
    const folder = await mkdtemp(join(tmpdir(), 'xaa-bench-'))
    try {
      const store = await lmdbStore({ directory: join(folder, 'state'), now: systemNow, skew })
      rows.push(await measure('lmdb', { store }).finally(() => store.close()))
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
    if (!effort.redis) return { rows: [...rows, withoutRedis('redis')], broken: [] }
    const { server } = await oneRedis()
    try {
      const store = await patiently(() => openRedis(server.address))
      const stats = async () => String(await server.ask('INFO', 'stats'))
      const commands = async () => Number(/total_commands_processed:(\d+)/.exec(await stats())?.[1])
      rows.push(await measure('redis', { store, commands }).finally(() => store.close()))
    } finally {
      await server.remove()
    }
    return { rows, broken: [] }
  },
}

/** Milliseconds between two questions while it is measured, and in a server. */
const intervals = { measured: 10, usual: 500 }

/** Of one stretch of idleness, for each second of it. */
interface Second {
  /** Microseconds. */
  cpu: number
  commands: number
}

async function follow(name: string, { store, commands }: Place, blocks: number, effort: Effort): Promise<Row> {
  const admin = administration(store.records, systemNow)
  for (let at = 0; at < blocks; at++) await patiently(() => admin.block({ user: `person-${at}` }, { by: 'bench' }))
  const without: Second[] = []
  const within: Second[] = []
  for (let round = 0; round < portion(5, effort, 2); round++) {
    without.push(await idle(commands, effort))
    const options = { records: store.records, now: systemNow, say: () => {}, interval: intervals.measured }
    const feed = await patiently(() => followPolicy(options))
    within.push(await idle(commands, effort))
    feed.close()
  }
  const cost = (member: keyof Second) =>
    (median(within.map((second, round) => second[member] - (without[round]?.[member] ?? Number.NaN))) *
      intervals.measured) /
    intervals.usual
  return {
    name,
    figures: {
      blocks: { value: blocks, unit: '' },
      CPU: { value: cost('cpu'), unit: 'µs' },
      'of a core': { value: cost('cpu') / 1e4, unit: '%' },
      ...(commands === undefined ? {} : { commands: { value: cost('commands'), unit: '/s' } }),
    },
  }
}

/** Does nothing for a while. */
async function idle(commands: (() => Promise<number>) | undefined, effort: Effort): Promise<Second> {
  const before = (await commands?.()) ?? 0
  const start = performance.now()
  const used = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, portion(1000, effort, 300)))
  const { user, system } = process.cpuUsage(used)
  const seconds = (performance.now() - start) / 1000
  return { cpu: (user + system) / seconds, commands: (((await commands?.()) ?? 0) - before) / seconds }
}
