/** The process that is measured: the server of a configuration, which tells what processor time it used when it is asked. */

import { readConfig } from '../../src/server/config.ts'
import { systemPorts } from '../../src/server/ports.ts'
import { startServers } from '../../src/server/server.ts'

const [file = '', audit] = process.argv.slice(2)
const servers = await startServers(await readConfig(file, process.env), {
  stdout: process.stdout,
  log: (line) => void process.stderr.write(line),
  portsOver: (...parts) => ({
    ...systemPorts(...parts),
    // The store is as young as the measurement: nothing can have been spent before it.
    fence: () => 0,
    ...(audit === 'off' ? { record: async () => {} } : {}),
  }),
})
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.(user + system)
})
process.once('disconnect', () => void servers.close())
process.send?.(servers.roles[0]?.listens)
