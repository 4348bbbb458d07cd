/** What only bytes on a real socket can say: headers twice, bodies in chunks, requests cut short. */

import { afterEach, beforeEach, expect, it } from 'vitest'
import { basic } from '../fixture/clients.ts'
import { type Enterprise, enterprise, exchangeCall } from '../fixture/enterprise.ts'
import { listening, rawRequest } from '../fixture/raw-request.ts'
import { encode } from '../fixture/requests.ts'

let world: Enterprise
let port: number
let authorization: string
beforeEach(async () => {
  world = await enterprise()
  port = await listening(world.idp.app)
  authorization = basic(world.idp.clients.basic).headers?.authorization ?? ''
})
afterEach(async () => await world.idp.app.close())

const form = 'Content-Type: application/x-www-form-urlencoded'
const ask = async (lines: readonly string[], body = encode(exchangeCall(world).form)) =>
  await rawRequest(
    port,
    ['POST /token HTTP/1.1', 'Host: a', `Content-Length: ${Buffer.byteLength(body)}`, ...lines],
    body,
  )

it('[T-01] one of each header is granted', async () => {
  const answer = await ask([form, `Authorization: ${authorization}`])
  expect(answer.status).toBe(200)
  expect(JSON.parse(answer.body)).toMatchObject({ token_type: 'N_A' })
})

it('[ATK-070] two Authorization headers are refused, even when they are the same', async () => {
  const answer = await ask([form, `Authorization: ${authorization}`, `authorization: ${authorization}`])
  expect(answer.status).toBe(400)
  expect(JSON.parse(answer.body)).toMatchObject({ error: 'invalid_request' })
  expect(world.audit).toMatchObject([{ reason: 'malformed_auth' }])
})

it('[ATK-086] two Content-Type headers are refused', async () => {
  const answer = await ask([form, 'Content-Type: application/json', `Authorization: ${authorization}`])
  expect(answer.status).toBe(415)
  expect(world.audit).toMatchObject([{ reason: 'content_type' }])
})

it('[ATK-094] two Host headers are refused', async () => {
  const answer = await ask([form, 'Host: b', `Authorization: ${authorization}`])
  expect(answer.status).toBe(400)
  expect(JSON.parse(answer.body)).toMatchObject({ error: 'invalid_request' })
  expect(world.audit).toMatchObject([{ reason: 'malformed' }])
})

it('[ATK-078] two DPoP headers are refused like one', async () => {
  const answer = await ask([form, `Authorization: ${authorization}`, 'DPoP: a', 'DPoP: b'])
  expect(JSON.parse(answer.body)).toMatchObject({ error: 'invalid_dpop_proof' })
})

it('[ATK-089] 65 KiB in chunks are 413', async () => {
  const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`
  const lines = ['POST /token HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked', form]
  const answer = await rawRequest(port, lines, `${chunk.repeat(17)}0\r\n\r\n`)
  expect(answer.status).toBe(413)
  expect(JSON.parse(answer.body)).toMatchObject({ error: 'invalid_request' })
  expect(world.audit).toMatchObject([{ reason: 'too_large' }])
})

it('a small form in chunks is granted', async () => {
  const body = encode(exchangeCall(world).form)
  const half = body.length >> 1
  const chunks = [body.slice(0, half), body.slice(half), ''].map((one) => `${one.length.toString(16)}\r\n${one}\r\n`)
  const lines = [
    'POST /token HTTP/1.1',
    'Host: a',
    'Transfer-Encoding: chunked',
    form,
    `Authorization: ${authorization}`,
  ]
  expect((await rawRequest(port, lines, chunks.join(''))).status).toBe(200)
})

it.each([
  ['[ATK-094] a length and chunks', ['Content-Length: 3', 'Transfer-Encoding: chunked']],
  ['[ATK-094] two lengths', ['Content-Length: 3', 'Content-Length: 4']],
  ['[ATK-094] a blank before the colon', ['Content-Length : 3']],
  ['[ATK-094] a folded header', ['X: a', ' b', 'Content-Length: 3']],
])('%s are 400, and nothing else', async (_, lines) => {
  const answer = await rawRequest(port, ['POST /token HTTP/1.1', 'Host: a', form, ...lines], 'a=b')
  expect(answer.status).toBe(400)
  expect(answer.body.match(/HTTP\/1\.1/g)).toBeNull()
  expect(world.audit.filter(({ outcome }) => outcome === 'granted')).toEqual([])
})

it('a two-faced Bearer header at the protected resource is 400', async () => {
  const api = await listening(world.chat.api)
  const answer = await rawRequest(api, [
    'GET /mcp HTTP/1.1',
    'Host: a',
    'Authorization: Bearer a',
    'Authorization: Bearer b',
  ])
  await world.chat.api.close()
  expect(answer.status).toBe(400)
  expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_request", resource_metadata="/)
})

it('[ATK-070] a second Authorization header behind a thousand other lines, where Node hides it, is refused', async () => {
  const many = Array.from({ length: 1000 }, () => 'x:')
  const lines = [form, `Authorization: ${authorization}`, ...many, 'Authorization: Basic bWFsbG9yeTp4']
  expect((await ask([form, `Authorization: ${authorization}`, ...many.slice(0, 900)])).status).toBe(200)
  const answer = await ask(lines)
  expect(answer.status).toBe(431)
  expect(JSON.parse(answer.body)).toMatchObject({ error: 'invalid_request' })
  // From Node 24 on, Node itself refuses them, before any endpoint is asked.
  expect(world.audit.slice(1)).toMatchObject(
    Number(process.versions.node.split('.')[0]) < 24 ? [{ reason: 'too_large' }] : [],
  )
})
