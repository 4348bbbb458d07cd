import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import Fastify from 'fastify'
import { afterEach, expect, it } from 'vitest'
import { tokenRoute } from '../../src/http/token-route.ts'

const app = Fastify()
afterEach(() => app.close())

it('requests that come at once are all read before the first is worked on', async () => {
  const steps: string[] = []
  await tokenRoute(app, {
    path: '/token',
    endpoint: {
      role: 'idp',
      issuer: 'https://idp.example',
      action: 'exchange',
      grants: {},
      findClient() {
        steps.push('is worked on')
        return undefined
      },
      skew: 0,
      policyVersion: () => '1',
    },
    // What only the connection knows is read first: it may end meanwhile.
    certificateOf() {
      steps.push('is read')
      return undefined
    },
    ports: { now: () => 0, newId: () => 'id', fence: () => 0, once: () => true, record: async () => {} },
    report: () => {},
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const sockets = Array.from({ length: 4 }, () => connect(port, '127.0.0.1'))
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  const body = 'grant_type=any&client_id=one&client_secret=two'
  const request = `POST /token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  // A machine that was busy may have let some come late.
  const orders: string[][] = []
  for (let attempt = 0; attempt < 10; attempt++) {
    steps.length = 0
    const answered = sockets.map((socket) => once(socket, 'data'))
    for (const socket of sockets) socket.write(request)
    expect((await Promise.all(answered)).every(([data]) => String(data).startsWith('HTTP/1.1 401'))).toBe(true)
    orders.push([...steps])
  }
  for (const socket of sockets) socket.destroy()
  const each = (step: string) => Array.from({ length: 4 }, () => step)
  expect(orders).toContainEqual([...each('is read'), ...each('is worked on')])
})
