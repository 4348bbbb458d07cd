/** A second server, or an administrator, on the store of a configuration: a process of its own, driven by messages. */

import { readConfig } from '../../src/server/config.ts'
import { administration } from '../../src/server/policy/administration.ts'
import { systemNow, systemPorts } from '../../src/server/ports.ts'
import { startServers } from '../../src/server/server.ts'
import { lmdbStore } from '../../src/store/lmdb.ts'

const [file = '', directory = ''] = process.argv.slice(2)

if (directory === '') {
  const { roles, administration: admin = '' } = await startServers(await readConfig(file, process.env), {
    stdout: process.stdout,
    log: (line) => process.stderr.write(line),
    portsOver: (audit, store, issuer) => ({ ...systemPorts(audit, store, issuer), fence: () => 0 }),
  })
  process.send?.([...roles.map(({ listens }) => listens), admin])
} else {
  const store = await lmdbStore({ directory, now: systemNow, skew: 30 })
  const admin = administration(store.records, systemNow)
  process.on('message', async ([act, what]: ['block' | 'unblock' | 'purgeIssuerKeys', never]) => {
    process.send?.(await admin[act](what, { by: 'operator@example' }).catch(String))
  })
  process.send?.('ready')
}
process.on('disconnect', () => process.exit(0))
