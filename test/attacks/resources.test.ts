/** Access tokens that are not as the server issued them, at the API of the running enterprise. */

import { createHmac } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { signerOf } from '../fixture/keys.ts'
import { sendTo } from '../fixture/requests.ts'
import { base64url, signed } from '../fixture/tokens.ts'
import { underAttack } from './stage.ts'

const stage = await underAttack()
const { world } = stage
afterAll(stage.close)
const claims = { resource: world.resources.api }
const token: string = (await stage.granted('chat', { claims })).json().access_token
const [head = '', payload = '', signature = ''] = token.split('.')
type Members = Record<string, unknown>
const membersOf = (segment: string): Members => JSON.parse(Buffer.from(segment, 'base64url').toString())
const headWith = (change: Members) => base64url(JSON.stringify({ ...membersOf(head), ...change }))
const payloadWith = (change: Members) => base64url(JSON.stringify({ ...membersOf(payload), ...change }))
const attacker = await signerOf('attacker')
const jwks = await (await fetch(`${world.resourceAs.chat.issuer}/jwks`)).text()

const call = async (headers: Record<string, string>, query = '') =>
  await sendTo(`${world.messagesUrl}${query}`, { method: 'GET', headers, body: '' })

/** 401 and nothing told, one audit event that keeps nothing of it; the good token still opens the API. */
async function refused(headers: Record<string, string>, query = ''): Promise<void> {
  const before = world.audit.length
  const answer = await call(headers, query)
  expect([answer.statusCode, answer.headers['cache-control']]).toEqual([401, 'no-store'])
  expect(answer.headers['www-authenticate']).toMatch(/^Bearer .*resource_metadata="/)
  const told = JSON.stringify([answer.payload, answer.headers, world.audit.slice(before)])
  expect(told).not.toContain(signature)
  expect(told).not.toMatch(/node_modules|fastify|chat-alice|assistant-/)
  expect(world.audit.slice(before).map(({ outcome }) => outcome)).toEqual(['refused'])
  expect((await call({ authorization: `Bearer ${token}` })).statusCode).toBe(200)
}

describe('an access token opens nothing', () => {
  const byHmac = (secret: string) => {
    const input = `${headWith({ alg: 'HS256' })}.${payload}`
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  }

  it.each<[string, string]>([
    ['[ATK-009] with alg none', `${headWith({ alg: 'none' })}.${payload}.`],
    ['[ATK-009] with alg NONE and its signature', `${headWith({ alg: 'NONE' })}.${payload}.${signature}`],
    ['[ATK-010] by HMAC under the published keys', byHmac(jwks)],
    ['[ATK-010] by HMAC under nothing', byHmac('\0')],
    ['[ATK-012] by a key it brings', signed({ ...membersOf(head), jwk: {} }, membersOf(payload), attacker)],
    ['[ATK-014] by a key at a path', `${headWith({ kid: '../../../dev/null' })}.${payload}.${signature}`],
    ['[ATK-016] with crit', `${headWith({ crit: ['x'] })}.${payload}.${signature}`],
    ['[ATK-018] by another’s key', signed(membersOf(head), membersOf(payload), attacker)],
    ['[ATK-018] with a signature of zeros', `${head}.${payload}.${base64url(Buffer.alloc(64))}`],
    ['[ATK-020] of two segments', `${head}.${payload}`],
    ['[ATK-020] of four segments', `${token}.e30`],
    ['[ATK-020] of dots', '..'],
    ['[ATK-020] of nothing', ''],
    ['[ATK-023] with padding', `${token}=`],
    ['[ATK-025] whose claims are an array', `${head}.${base64url('[]')}.${signature}`],
    ['[ATK-026] of 12 000 characters', 'x'.repeat(12_000)],
    ['with more scope', `${head}.${payloadWith({ scope: 'chat.read chat.write' })}.${signature}`],
    ['for somebody else', `${head}.${payloadWith({ sub: 'chat-bob' })}.${signature}`],
    ['for longer', `${head}.${payloadWith({ exp: 4_000_000_000 })}.${signature}`],
    ['[ATK-007] of the typ of an ID-JAG', `${headWith({ typ: 'oauth-id-jag+jwt' })}.${payload}.${signature}`],
    ['with a second one behind it', `${token}, ${token}`],
    ['with a word behind it', `${token} x`],
  ])('%s', async (_, text) => {
    await refused({ authorization: `Bearer ${text}` })
  })

  it.each(['Basic', 'MAC', 'DPoP', 'Bearer\u00a0', 'Bear'])('[ATK-070] behind the scheme %s', async (scheme) => {
    await refused({ authorization: `${scheme} ${token}` })
  })

  it('[ATK-087] in the query, where nobody looks for it', async () => {
    await refused({}, `?access_token=${token}`)
    await refused({ 'x-access-token': token, cookie: `access_token=${token}` })
  })
})
