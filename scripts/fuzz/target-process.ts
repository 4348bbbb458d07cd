/** The process under fuzzing: both roles of one configuration as `xaa serve` starts them, and what can be measured from inside. */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Writable } from 'node:stream'
import { readConfig } from '../../src/server/config.ts'
import { systemPorts } from '../../src/server/ports.ts'
import { startServers } from '../../src/server/server.ts'
import type { Collected, Measures } from './target.ts'

let auditLines = 0
const failures: string[] = []
const stdout = new Writable({
  write(chunk: Buffer, _encoding, done) {
    for (const byte of chunk) if (byte === 0x0a) auditLines += 1
    done()
  },
})
const servers = await startServers(await readConfig(process.argv[2] ?? '', process.env), {
  stdout,
  log(line) {
    // Warnings are about the documents of others; the rest is about failures of our own.
    if (!line.includes('"warning"')) failures.push(line.slice(0, 2000))
  },
  // The store is as young as the run: nothing can have been spent before it.
  portsOver: (...parts) => ({ ...systemPorts(...parts), fence: () => 0 }),
})
const resolution = 10
const delay = monitorEventLoopDelay({ resolution })
delay.enable()
const milliseconds = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolution)
/** Nobody waits for it: no request is under way, and the delay that it is itself is not counted. */
function collected(): Collected {
  if (globalThis.gc === undefined) throw new TypeError('the server process runs without --expose-gc')
  delay.disable()
  // Twice: what a finaliser lets go of in the first is gone only after the second.
  globalThis.gc()
  globalThis.gc()
  delay.enable()
  const { heapUsed, external, rss } = process.memoryUsage()
  return { kept: heapUsed + external, taken: rss }
}
function measured(): Measures {
  return {
    rss: process.memoryUsage.rss(),
    delayP99: milliseconds(delay.percentile(99)),
    delayMax: milliseconds(delay.max),
    auditLines,
    failures: failures.splice(0),
  }
}
process.on('message', (message) => {
  process.send?.(message === 'collect' ? collected() : measured())
  if (message === 'reset') delay.reset()
})
process.once('disconnect', () => void servers.close())
process.send?.('ready')
