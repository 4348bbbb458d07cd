import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { type DocumentFetchOptions, documentFetch } from '../../src/outbound/document.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

async function serve(listener: RequestListener): Promise<{ url: string; port: number; requests: () => number }> {
  let requests = 0
  const server = createServer((request, response) => {
    requests++
    listener(request, response)
  })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/jwks.json`, port, requests: () => requests }
}

const development: DocumentFetchOptions = { allowLoopback: true, allowAddresses: [] }
const production: DocumentFetchOptions = { allowLoopback: false, allowAddresses: [] }
const limits = { maxBytes: 1000 }
const refused = (reason: string) => expect.objectContaining({ name: 'FetchError', reason })

describe('documents of other servers', () => {
  it('are given with their status, whatever it is', async () => {
    const { url } = await serve((_, response) => response.writeHead(404).end('{"no":1}'))
    const { status, body } = await documentFetch(development)(url, limits)
    expect(status).toBe(404)
    expect(Buffer.from(body).toString()).toBe('{"no":1}')
  })

  it('are asked for without a cookie or credential, and unencoded', async () => {
    const seen: unknown[] = []
    const { url } = await serve((request, response) => {
      seen.push(request.headers)
      response.setHeader('set-cookie', 'a=1').end('{}')
    })
    const fetchDocument = documentFetch(development)
    await fetchDocument(url, limits)
    await fetchDocument(url, limits)
    for (const headers of seen) {
      expect(headers).toMatchObject({ 'accept-encoding': 'identity', accept: 'application/json' })
      expect(headers).not.toHaveProperty('cookie')
      expect(headers).not.toHaveProperty('authorization')
    }
  })

  it('may be exactly as large as the limit, and not one byte larger [ATK-117]', async () => {
    const { url } = await serve((request, response) =>
      response.end('x'.repeat(request.url === '/jwks.json' ? 1000 : 1001)),
    )
    expect((await documentFetch(development)(url, limits)).body).toHaveLength(1000)
    await expect(documentFetch(development)(`${url}?more`, limits)).rejects.toEqual(refused('fetch_failed'))
  })

  it('are cut off when they do not end [ATK-117]', async () => {
    const { url } = await serve((_, response) => {
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(500)));
      }
      response.on('drain', more)
      more()
    })
    await expect(documentFetch(development)(url, limits)).rejects.toThrow('larger than 1000 bytes')
  })

  it.each([
    ['never answers', () => {}],
    ['sends its head and no body', (response: { flushHeaders(): void }) => response.flushHeaders()],
  ] as const)('are given up when the server %s [ATK-117]', async (_, answer) => {
    const { url } = await serve((_request, response) => answer(response))
    const fetchDocument = documentFetch({ ...development, deadline: 0.1 })
    await expect(fetchDocument(url, limits)).rejects.toThrow('did not answer within 0.1 s')
  })

  it.each([301, 302, 303, 307, 308])('are not looked for elsewhere after a %i [ATK-116]', async (status) => {
    const { url, requests } = await serve((_, response) => response.writeHead(status, { location: '/other' }).end())
    await expect(documentFetch(development)(url, limits)).rejects.toEqual(refused('fetch_failed'))
    expect(requests()).toBe(1)
  })

  it('are refused in an encoding that was not asked for [ATK-117]', async () => {
    const { url } = await serve((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(100_000))),
    )
    await expect(documentFetch(development)(url, limits)).rejects.toThrow('encoding that was not asked for')
  })

  it('are refused when the connection breaks in the middle', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half', () => response.destroy())
    })
    await expect(documentFetch(development)(url, limits)).rejects.toEqual(refused('fetch_failed'))
  })

  it('are not believed over TLS from a server that cannot speak it', async () => {
    const { url } = await serve((_, response) => response.end('{}'))
    await expect(documentFetch(development)(url.replace('http:', 'https:'), limits)).rejects.toEqual(
      refused('fetch_failed'),
    )
  })

  it('are fetched a few at a time; the others wait for their turn', async () => {
    const open: (() => void)[] = []
    let most = 0
    const { url } = await serve((_, response) => {
      open.push(() => response.end('{}'))
      most = Math.max(most, open.length)
      if (open.length === 2) for (const end of open.splice(0)) end()
    })
    const fetchDocument = documentFetch({ ...development, atOnce: 2 })
    const all = await Promise.all(Array.from({ length: 6 }, () => fetchDocument(url, limits)))
    expect(all).toHaveLength(6)
    expect(most).toBe(2)
  })
})

describe('addresses that may not be asked', () => {
  it.each([
    ['http://idp.example/jwks', 'is not an https address'],
    ['http://127.0.0.1:1/jwks', 'is not an https address'],
    ['file:///etc/passwd', 'is not an https address'],
    ['not a url', 'is not a URL'],
    ['https://user:secret-word@idp.example/', 'holds a credential'],
  ])('%s is refused', async (url, words) => {
    const attempt = documentFetch(production)(url, limits)
    await expect(attempt).rejects.toEqual(refused('fetch_blocked'))
    await expect(attempt).rejects.toThrow(words)
    await expect(attempt).rejects.not.toThrow('secret-word')
  })

  it.each([
    '127.0.0.1',
    '127.9.9.9',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '0.0.0.0',
    '10.0.0.1',
    '100.64.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '[::]',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:a9fe:a9fe]',
    '[64:ff9b::7f00:1]',
    '[fe80::1]',
    '[fd00::1]',
    '[ff02::1]',
    '[2001:db8::1]',
    '[2002:7f00:1::]',
  ])('https://%s is refused before anything is sent [ATK-114]', async (host) => {
    await expect(documentFetch(production)(`https://${host}/jwks`, limits)).rejects.toEqual(refused('fetch_blocked'))
  })

  it('are refused behind a name as well [ATK-114]', async () => {
    const resolve = async () => [{ address: '169.254.169.254', family: 4 }]
    const fetchDocument = documentFetch({ ...production, resolve })
    await expect(fetchDocument('https://idp.example/jwks', limits)).rejects.toEqual(refused('fetch_blocked'))
  })

  it('are refused when they stand beside a public one', async () => {
    const resolve = async () => [
      { address: '93.184.215.14', family: 4 },
      { address: '::1', family: 6 },
    ]
    const fetchDocument = documentFetch({ ...production, resolve })
    await expect(fetchDocument('https://idp.example/jwks', limits)).rejects.toEqual(refused('fetch_blocked'))
  })

  it('stay refused when http goes to a local name that is not local', async () => {
    const resolve = async () => [{ address: '93.184.215.14', family: 4 }]
    const fetchDocument = documentFetch({ ...development, resolve })
    await expect(fetchDocument('http://localhost:1/jwks', limits)).rejects.toEqual(refused('fetch_blocked'))
  })

  it('can be opened by the operator, by range', async () => {
    const { port, requests } = await serve((_, response) => response.end('{}'))
    const resolve = async () => [{ address: '127.0.0.1', family: 4 }]
    const url = `https://idp.example:${port}/jwks`
    const closed = documentFetch({ ...production, resolve })
    await expect(closed(url, limits)).rejects.toEqual(refused('fetch_blocked'))
    const open = documentFetch({ ...production, resolve, allowAddresses: ['127.0.0.0/8'] })
    // The server speaks no TLS: that the handshake failed shows that it was connected to.
    await expect(open(url, limits)).rejects.toEqual(refused('fetch_failed'))
    expect(requests()).toBe(0)
  })

  it('cannot be opened by something that is no range', () => {
    expect(() => documentFetch({ ...production, allowAddresses: ['10.0.0.0'] })).toThrow(TypeError)
  })

  it('are not reached by a second answer of the resolver: the first is what is connected to [ATK-115]', async () => {
    const { port, requests } = await serve((_, response) => response.end('{"from":"loopback"}'))
    const asked: string[] = []
    const resolve = async (hostname: string) => {
      asked.push(hostname)
      return [{ address: asked.length === 1 ? '127.0.0.1' : '10.0.0.1', family: 4 }]
    }
    const fetchDocument = documentFetch({ ...development, resolve })
    const { body } = await fetchDocument(`http://localhost:${port}/`, limits)
    expect(Buffer.from(body).toString()).toBe('{"from":"loopback"}')
    expect(asked).toEqual(['localhost'])
    await expect(fetchDocument(`http://localhost:${port}/`, limits)).rejects.toEqual(refused('fetch_blocked'))
    expect(requests()).toBe(1)
  })
})
