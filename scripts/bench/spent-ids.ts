/** Fills the store in memory with spent ids, in a process of its own with --expose-gc, and prints what they take as JSON. */

import { onceKey } from '../../src/protocol/ports.ts'
import { systemId, systemNow, systemPorts } from '../../src/server/ports.ts'
import { memoryStore } from '../../src/store/memory.ts'

/** What is printed. */
export interface SpentIds {
  /** Bytes for each id: of the objects alone, and of the whole process. */
  heap: number
  resident: number
  /**
   * The longest that one insert took, in milliseconds, with the collections of garbage that fell into it: of the clock's time and the
   * processor's the shorter one, as what the machine gave to others meanwhile is no matter of ours.
   */
  worstPause: number
  /** The mean of all, in microseconds. */
  insert: number
}

const count = Number(process.argv[2])
const now = systemNow
const store = memoryStore({ now, newId: systemId })
const ports = systemPorts({ record: async () => {} }, store, 'https://auth.chat.example')
const key = (at: number) => onceKey('id-jag', 'https://id.acme.example', null, `id-${at}`)

// What is measured is compiled before it is, by a processor that the compiler would else share, and the space for what the calls throw
// away is touched.
for (let at = 0; at < 200_000; at++) await ports.once(key(-1 - at), now() + 630)
globalThis.gc?.()
const before = process.memoryUsage()
let [worstPause, total] = [0, 0]
for (let at = 0; at < count; at++) {
  const one = key(at)
  const processor = process.cpuUsage()
  const start = performance.now()
  const spent = ports.once(one, now() + 630)
  const clock = performance.now() - start
  const { user, system } = process.cpuUsage(processor)
  const took = Math.min(clock, (user + system) / 1000)
  if (!(await spent)) throw new Error('an id was spent before')
  total += took
  worstPause = Math.max(worstPause, took)
}
globalThis.gc?.()
const after = process.memoryUsage()
const heapOf = ({ heapUsed, external }: NodeJS.MemoryUsage) => heapUsed + external
const report: SpentIds = {
  heap: (heapOf(after) - heapOf(before)) / count,
  resident: (after.rss - before.rss) / count,
  worstPause,
  insert: (total * 1000) / count,
}
// The store must live until it was measured.
if (await ports.once(key(0), now() + 1)) throw new Error('an id was forgotten')
console.log(JSON.stringify(report))
