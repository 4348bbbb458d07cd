/** How long a document may be kept, in the words of its server. */

import { once } from 'node:events'
import { createServer, type OutgoingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { documentFetch } from '../../src/outbound/document.ts'

let server: Server
let headers: OutgoingHttpHeaders
beforeAll(async () => {
  server = createServer((_, response) => response.writeHead(200, headers).end('{}')).listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(() => server.close())

describe('a document [CI-03]', () => {
  it.each<[OutgoingHttpHeaders, number | undefined]>([
    [{}, undefined],
    [{ 'cache-control': 'public' }, undefined],
    [{ 'cache-control': 'max-age=60' }, 60],
    [{ 'cache-control': 'public, Max-Age="60"' }, 60],
    [{ 'cache-control': 'max-age=60, max-age=600' }, 60],
    [{ 'cache-control': 'max-age=60', age: '45' }, 15],
    [{ 'cache-control': 'max-age=60', age: '61' }, 0],
    [{ 'cache-control': 'max-age=60', age: '-1000' }, 60],
    [{ 'cache-control': 'max-age=31536000' }, 31_536_000],
    [{ 'cache-control': 'max-age=0' }, 0],
    [{ 'cache-control': 'max-age=60, no-store' }, 0],
    [{ 'cache-control': 'no-cache' }, 0],
    [{ 'cache-control': 'max-age=soon' }, undefined],
    [{ 'cache-control': 'max-age=-1' }, undefined],
    [{ 'cache-control': 'max-age=99999999999999999999' }, undefined],
    [{ 'cache-control': 'x-max-age=60' }, undefined],
  ])('with %j may be kept %s seconds', async (sent, maxAge) => {
    headers = sent
    const { port } = server.address() as AddressInfo
    const fetchDocument = documentFetch({ allowLoopback: true, allowAddresses: [] })
    const { maxAge: found } = await fetchDocument(`http://127.0.0.1:${port}/c.json`, { maxBytes: 100 })
    expect(found).toBe(maxAge)
  })
})
