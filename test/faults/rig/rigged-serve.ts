/** An entry point for tests alone: the server of a configuration, with failpoints at which it kills itself and a clock that can be set. */

import { ServerResponse } from 'node:http'
import type { Ports } from '../../../src/protocol/ports.ts'
import { readConfig } from '../../../src/server/config.ts'
import { systemPorts } from '../../../src/server/ports.ts'
import { type StartOptions, startServers } from '../../../src/server/server.ts'
import type { Failpoint, Order } from './orders.ts'

let armed: Failpoint | undefined
let ahead = 0

/** SIGKILL to itself: nothing after this line is run, nothing that waits is written. */
function passing(point: Failpoint): void {
  if (point === armed) process.kill(process.pid, 'SIGKILL')
}

// Stands for libfaketime: everything in this process that asks for the time is told the other one, the store's driver too.
const realNow = Date.now.bind(Date)
Date.now = () => realNow() + ahead * 1000

const writeHead = ServerResponse.prototype.writeHead
ServerResponse.prototype.writeHead = function (this: ServerResponse, ...args: unknown[]) {
  if (args[0] === 200 && this.req.method === 'POST') passing('before-answer')
  return Reflect.apply(writeHead, this, args) as ServerResponse
} as typeof writeHead

const portsOver: NonNullable<StartOptions['portsOver']> = (...parts) => {
  const ports: Ports = systemPorts(...parts)
  return {
    ...ports,
    async once(key, until) {
      passing('before-consume')
      const first = await ports.once(key, until)
      passing('after-consume')
      return first
    },
    async record(event) {
      if (event.outcome !== 'granted') return await ports.record(event)
      const recorded = ports.record(event)
      // The write has begun, and nobody has heard of its end.
      setImmediate(passing, 'while-audit')
      await recorded
      passing('after-audit')
    },
  }
}

const config = await readConfig(process.argv.at(-1) ?? '', process.env)
const servers = await startServers(config, {
  stdout: process.stdout,
  log: (line) => void process.stderr.write(line),
  portsOver,
})
process.on('message', (order: Order) => {
  if ('dieAt' in order) armed = order.dieAt
  else ahead = order.clockAhead
  process.send?.('done')
})
for (const signal of ['SIGTERM', 'SIGINT'] as const)
  process.once(signal, async () => {
    process.disconnect()
    await servers.close()
  })
