/** An API on Fastify behind the guard: the guard as docs/examples/resource.ts has it, the API as that of the floor. */

import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import {
  defaultAlgorithms,
  documentFetch,
  issuerKeys,
  memoryStore,
  principalOf,
  resourcePlugin,
  statusLists,
} from 'xaa-broker'
import { fileAudit } from '../../src/server/audit.ts'
import { systemNow as now, systemId, systemPorts } from '../../src/server/ports.ts'

const [issuer = '', resource = '', scope = '', auditFile = ''] = process.argv.slice(2)
const warn = (message: string) => console.error(message)
const audit =
  auditFile === '' ? { record: async () => {} } : await fileAudit(auditFile, { instance: systemId(), now, warn })
const fetchDocument = documentFetch({ allowLoopback: true, allowAddresses: [] })
const app = Fastify()
await app.register(resourcePlugin, {
  resource,
  authorizationServer: issuer,
  keys: issuerKeys({ issuer, fetchDocument, now, warn }),
  algorithms: defaultAlgorithms,
  scopes: [scope],
  skew: 30,
  maxLifetime: 3600,
  revocation: statusLists({ fetchDocument }),
  ports: systemPorts(audit, memoryStore({ now }), resource),
  requiredScopes: () => [scope],
  routes(api) {
    api.get('/mcp', (request, reply) => {
      const { account, client } = principalOf(request)
      reply.send({ you: account, through: client })
    })
  },
})
await app.listen({ port: 0, host: '127.0.0.1' })
console.log(`listening http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
process.once('SIGINT', () => void app.close().then(() => process.exit(0)))
