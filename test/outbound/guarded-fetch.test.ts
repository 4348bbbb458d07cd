import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { type GuardedFetchOptions, guardedFetch } from '../../src/outbound/guarded-fetch.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(listener: RequestListener): Promise<{ url: string; requests: () => number }> {
  let requests = 0
  const server = createServer((request, response) => {
    requests++
    listener(request, response)
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`, requests: () => requests }
}

const development: GuardedFetchOptions = { allowLoopback: true, allowAddresses: [] }
const production: GuardedFetchOptions = { allowLoopback: false, allowAddresses: [] }
const refused = (reason: string) => expect.objectContaining({ name: 'FetchError', reason })

describe('a guarded fetch', () => {
  it('posts a form with the headers it was given, and gives status, headers and body', async () => {
    const seen: unknown[] = []
    const { url } = await serve(async (request, response) => {
      seen.push(request.method, request.headers, await text(request))
      response.writeHead(401, { 'content-type': 'application/json', 'www-authenticate': 'Basic' }).end('{"no":1}')
    })
    const answer = await guardedFetch(development)(url, {
      method: 'POST',
      headers: { authorization: 'Basic abc', accept: 'application/json' },
      body: new URLSearchParams({ grant_type: 'authorization_code' }),
    })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe('Basic')
    expect(await answer.json()).toEqual({ no: 1 })
    expect(seen).toEqual([
      'POST',
      expect.objectContaining({
        authorization: 'Basic abc',
        accept: 'application/json',
        'accept-encoding': 'identity',
        'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
        'content-length': '29',
      }),
      'grant_type=authorization_code',
    ])
  })

  it('gets, by URL object and by Request, and sends no cookie', async () => {
    const { url } = await serve((request, response) => response.end(JSON.stringify(request.headers)))
    const fetch = guardedFetch(development)
    for (const input of [new URL(url), new Request(url)])
      expect(await (await fetch(input, { headers: { cookie: 'a=1', 'x-own': '2' } })).json()).toEqual(
        expect.not.objectContaining({ cookie: 'a=1' }),
      )
  })

  it('gives an answer without a body as one', async () => {
    const { url } = await serve((_, response) => response.writeHead(204).end())
    const answer = await guardedFetch(development)(url)
    expect([answer.status, answer.body]).toEqual([204, null])
  })

  it('refuses another method, and a status that is none', async () => {
    const { url, requests } = await serve((_, response) => response.socket?.end('HTTP/1.1 999 No\r\n\r\n'))
    await expect(guardedFetch(development)(url, { method: 'DELETE' })).rejects.toThrow(TypeError)
    expect(requests()).toBe(0)
    await expect(guardedFetch(development)(url)).rejects.toEqual(refused('fetch_failed'))
  })

  it.each([301, 302, 303, 307, 308])('takes its form nowhere else after a %i [ATK-116]', async (status) => {
    const { url, requests } = await serve((_, response) => response.writeHead(status, { location: '/other' }).end())
    const attempt = guardedFetch(development)(url, { method: 'POST', body: 'secret', redirect: 'follow' })
    await expect(attempt).rejects.toEqual(refused('fetch_failed'))
    expect(requests()).toBe(1)
  })

  it('reads no more than the limit [ATK-117]', async () => {
    const { url } = await serve((request, response) => response.end('x'.repeat(request.url === '/token' ? 100 : 101)))
    const fetch = guardedFetch({ ...development, maxBytes: 100 })
    expect(await (await fetch(url)).text()).toHaveLength(100)
    await expect(fetch(`${url}?more`)).rejects.toThrow('larger than 100 bytes')
  })

  it('waits no longer than its time, nor than the caller does [ATK-117]', async () => {
    const { url } = await serve(() => {})
    await expect(guardedFetch({ ...development, deadline: 0.1 })(url, { method: 'POST', body: 'x' })).rejects.toThrow(
      'did not answer within 0.1 s',
    )
    await expect(guardedFetch(development)(url, { signal: AbortSignal.timeout(50) })).rejects.toEqual(
      refused('fetch_failed'),
    )
  })

  it.each([
    ['http://idp.example/token', 'is not an https address'],
    ['http://127.0.0.1:1/token', 'is not an https address'],
    ['https://10.0.0.1/token', 'may not be asked'],
    ['https://[::ffff:169.254.169.254]/token', 'may not be asked'],
    ['https://user:secret-word@idp.example/', 'holds a credential'],
    ['not a url', 'is not a URL'],
  ])('sends nothing to %s [ATK-114]', async (url, words) => {
    const attempt = guardedFetch(production)(url, { method: 'POST', body: 'x' })
    await expect(attempt).rejects.toEqual(refused('fetch_blocked'))
    await expect(attempt).rejects.toThrow(words)
    await expect(attempt).rejects.not.toThrow('secret-word')
  })

  it('is not led inside by a name, nor by a second answer of the resolver [ATK-114] [ATK-115]', async () => {
    const inside = async () => [{ address: '169.254.169.254', family: 4 }]
    const attempt = guardedFetch({ ...production, resolve: inside })('https://idp.example/token', { method: 'POST' })
    await expect(attempt).rejects.toEqual(refused('fetch_blocked'))
    const asked: string[] = []
    const resolve = async (hostname: string) => {
      asked.push(hostname)
      return [{ address: '127.0.0.1', family: 4 }]
    }
    const { url } = await serve((_, response) => response.end('{}'))
    await guardedFetch({ ...development, resolve })(url.replace('127.0.0.1', 'localhost'), { method: 'POST' })
    expect(asked).toEqual(['localhost'])
  })
})
