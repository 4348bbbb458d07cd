/** A token endpoint as a listener of node:http, on a real socket: what the fetch API hides from a handler. */

import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { toNodeListener } from '../../../src/adapters/fetch/node-listener.ts'
import { type TestPorts, testPorts } from '../../fixture/ports.ts'
import { rawRequest } from '../../fixture/raw-request.ts'
import { authorization, endpointOf, formType } from './endpoint.ts'

let world: TestPorts
let server: Server
let port: number
let reported: unknown[]
const listen = async (listener: RequestListener) => {
  server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
}
beforeEach(async () => {
  world = testPorts()
  reported = []
  await listen(toNodeListener(endpointOf(), world.ports, (error) => reported.push(error)))
})
afterEach(() => {
  server.close()
})

const head = (lines: readonly string[] = [], method = 'POST') => [
  `${method} /token HTTP/1.1`,
  'Host: a',
  `Content-Type: ${formType}`,
  `Authorization: ${authorization}`,
  ...lines,
]
const body = 'grant_type=g'
const length = `Content-Length: ${body.length}`

it('a good request is granted', async () => {
  const answer = await rawRequest(port, head([length]), body)
  expect([answer.status, JSON.parse(answer.body).token_type]).toEqual([200, 'N_A'])
  expect(answer.headers.get('x-correlation-id')).toBe(world.audit[0]?.correlationId)
})

it.each([
  ['a second Authorization header', head([length, `authorization: ${authorization}`]), 400, 'malformed_auth'],
  ['a second Host header', head([length, 'Host: b']), 400, 'malformed'],
  ['a second Content-Type header', head([length, 'Content-Type: application/json']), 415, 'content_type'],
  ['TRACE', head([], 'TRACE'), 405, 'method_not_allowed'],
  ['an empty query', [`POST /token? HTTP/1.1`, ...head([length]).slice(1)], 400, 'query_parameters'],
])('%s is refused, in one audit line', async (_, lines, status, reason) => {
  const answer = await rawRequest(port, lines, lines[0]?.startsWith('TRACE') ? '' : body)
  expect([answer.status, JSON.parse(answer.body).error]).toEqual([status, 'invalid_request'])
  expect(world.audit).toMatchObject([{ outcome: 'refused', reason }])
})

it('[ATK-089] 65 KiB in chunks are 413, and the connection ends', async () => {
  const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`
  const lines = head(['Transfer-Encoding: chunked'])
  const answer = await rawRequest(port, lines, chunk.repeat(17))
  expect([answer.status, JSON.parse(answer.body).error]).toEqual([413, 'invalid_request'])
  expect(answer.headers.get('connection')).toBe('close')
  expect(world.audit).toMatchObject([{ reason: 'too_large' }])
})

it('a body that somebody read before is the host’s mistake: 500, reported', async () => {
  server.close()
  const listener = toNodeListener(endpointOf(), world.ports, (error) => reported.push(error))
  await listen(async (request, response) => {
    for await (const _ of request);
    await listener(request, response)
  })
  expect((await rawRequest(port, head([length]), body)).status).toBe(500)
  expect(reported).toMatchObject([{ message: expect.stringContaining('before body parsers') }])
})
