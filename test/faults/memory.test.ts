/** What bad requests and bad documents take of a server's memory, measured from outside: the process itself is asked nothing. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { grantType, jwtType } from '../../src/protocol/names.ts'
import { signingKeysOf } from '../../src/protocol/own-keys.ts'
import { type Issuer, issuer, type Serve, serve } from '../cli/serve-process.ts'
import { signed } from '../fixture/tokens.ts'
import { environment, exampleFolder, type Folder, newKey } from '../server/example.ts'
import { type BadDocuments, badDocuments } from './rig/bad-documents.ts'
import { countsResident, growthDuring } from './rig/resident.ts'

const audience = 'http://127.0.0.1:4001'
const client = { client_id: 'assistant-at-chat', client_secret: environment.CHAT_SECRET }
let folder: Folder
let good: Issuer
let bad: BadDocuments
let server: Serve
let address: URL
let flows = 0

beforeAll(async () => {
  folder = await exampleFolder()
  ;[good, bad] = await Promise.all([issuer(folder), badDocuments()])
  const { resourceAs, ...config } = good.config as { resourceAs: { trustedIssuers: object[] } }
  const others = bad.names.map(bad.addressOf).map((one) => ({ issuer: one, jwksUri: one, clients: [client.client_id] }))
  const trustedIssuers = [...resourceAs.trustedIssuers, ...others]
  const file = await folder.write({ ...config, resourceAs: { ...resourceAs, trustedIssuers } })
  // V8 gives young objects ever more room while a process is young: with little of it, growth is what is kept.
  server = serve(['--config', file], { NODE_OPTIONS: '--max-semi-space-size=1' })
  address = new URL((await server.said(/listens +(\S+)/))[1] ?? '')
})
afterAll(async () => {
  server.child.kill('SIGINT')
  await Promise.all([server.ended, good.close(), bad.close()])
  await folder.remove()
})

const growth = async (act: () => Promise<void>) => await growthDuring(server.child.pid ?? 0, act)

async function redeem(assertion: string): Promise<string | number> {
  const body = new URLSearchParams({ grant_type: grantType.jwtBearer, assertion, ...client })
  const response = await fetch(new URL('/token', address), { method: 'POST', body })
  return ((await response.json()) as { error?: string }).error ?? response.status
}

/** A machine that is busy may miss the deadline of a store or audit: come again, as every client does. */
const honestFlow = () => expect.poll(async () => await redeem(await good.jag(`honest-${flows++}`))).toBe(200)

describe.runIf(countsResident)('the memory of a server', () => {
  it('[ATK-117] seven bad documents, fetched at the same time, take less than 10 MB of it together', async () => {
    // A server that has done nothing yet has much to fetch, too.
    for (let flow = 0; flow < 20; flow++) await honestFlow()
    const signer = (await signingKeysOf({ keys: [await newKey()] })).current()
    const assertions = bad.names.map((name) => {
      const iat = Math.floor(Date.now() / 1000)
      const claims = { iss: bad.addressOf(name), sub: 'alice', aud: audience, client_id: client.client_id, jti: name }
      return signed({ typ: jwtType.idJag }, { ...claims, iat, exp: iat + 60 }, signer)
    })
    const grown = await growth(async () => {
      const answers = Promise.all(assertions.map(redeem))
      await honestFlow()
      expect(await answers).toEqual(bad.names.map(() => 'temporarily_unavailable'))
    })
    expect([...bad.asked()].sort()).toEqual([...bad.names].sort())
    expect(grown).toBeLessThan(10)
    await honestFlow()
  })

  it.each<[string, number, string, string]>([
    ['too long', 413, 'Content-Length: 66560', 'x'.repeat(66_560)],
    [
      'too long, in chunks',
      413,
      'Transfer-Encoding: chunked',
      `${`1000\r\n${'x'.repeat(4096)}\r\n`.repeat(17)}0\r\n\r\n`,
    ],
    ['of a byte in each chunk', 400, 'Transfer-Encoding: chunked', `${'1\r\nx\r\n'.repeat(4500)}0\r\n\r\n`],
    ['packed', 415, 'Content-Encoding: gzip', gzipSync('x=1&'.repeat(1_000_000)).toString('latin1')],
    ['of 5000 parameters', 413, '', Array.from({ length: 5000 }, (_, at) => `p${at}=1`).join('&')],
    ['as long as may be', 400, '', `x=${'y'.repeat(65_500)}`],
  ])('[ATK-089] a hundred bodies at once that are %s take less than 20 MB of it', async (_, status, line, body) => {
    const framing = /length|chunked/i.test(line) ? [line] : [line, `Content-Length: ${body.length}`]
    const head = ['POST /token HTTP/1.1', 'Host: x', 'Content-Type: application/x-www-form-urlencoded', ...framing]
    const request = `${head.filter(Boolean).join('\r\n')}\r\n\r\n${body}`
    const grown = await growth(async () => {
      const answers = await Promise.all(Array.from({ length: 100 }, () => statusOf(request)))
      expect(new Set(answers)).toEqual(new Set([status]))
    })
    expect(grown).toBeLessThan(20)
    await honestFlow()
  })
})

/** The status of the answer to a request on a connection of its own, also when the server answers before it has read all. */
async function statusOf(request: string): Promise<number> {
  const socket = connect({ port: Number(address.port), host: '127.0.0.1' })
  // The server closes in the middle of a body that it does not read.
  socket.on('error', () => {})
  socket.write(request, 'latin1')
  const [first] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return Number(/^HTTP\/1\.1 (\d{3}) /.exec(first.toString('latin1'))?.[1])
}
