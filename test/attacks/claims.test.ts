/** ID-JAGs with a genuine signature and a claim that is not as it must be, at a running resource authorization server. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt } from 'jose'
import { afterAll, describe, expect, it } from 'vitest'
import { basic } from '../fixture/clients.ts'
import { signerOf } from '../fixture/keys.ts'
import { sendTo } from '../fixture/requests.ts'
import { claimsOf, signedBytes } from '../fixture/tokens.ts'
import { type Change, now, type Place, type Refusal, signerOfFile, underAttack } from './stage.ts'

const stage = await underAttack()
const { world } = stage
afterAll(stage.close)
const { issuer: idp } = world.idp
const { chat, files } = world.resourceAs
const { mcp, api } = world.resources

type Claims = Record<string, unknown>
type Reason = Refusal['reason']
const ig = (reason: Reason): Refusal => ({ error: 'invalid_grant', reason, description: /^assertion: / })
const refused = async (change: Change, reason: Reason, at: Place = 'chat') =>
  await stage.refused(at, change, ig(reason))
const accountOf = async (change: Change = {}, at: Place = 'chat') =>
  decodeJwt((await stage.granted(at, change)).json().access_token).sub

describe('an ID-JAG is refused', () => {
  const other = (text: string) => text.replace('127.0.0.1', '127.0.0.2')

  it.each<[string, Claims, Reason]>([
    ['[ATK-030] iss is an array', { iss: [idp] }, 'malformed'],
    ['[ATK-030] iss is an array of two', { iss: [idp, 'https://evil.example'] }, 'malformed'],
    ['[ATK-030] [T03] there is no iss', { iss: undefined }, 'malformed'],
    ['[ATK-030] iss is an object', { iss: { issuer: idp } }, 'malformed'],
    ['[ATK-031] [T14] [T65] iss has a slash', { iss: `${idp}/` }, 'issuer_unknown'],
    ['[ATK-031] iss has more behind it', { iss: `${idp}x` }, 'issuer_unknown'],
    ['[ATK-031] iss is a part of a trusted one', { iss: idp.slice(0, -1) }, 'issuer_unknown'],
    ['[ATK-031] [T65] iss is in other case', { iss: idp.toUpperCase() }, 'issuer_unknown'],
    ['[ATK-031] [T65] iss has the port spelt otherwise', { iss: idp.replace(/:(\d+)$/, ':0$1') }, 'issuer_unknown'],
    ['[ATK-031] iss has a blank', { iss: `${idp} ` }, 'issuer_unknown'],
    [
      '[ATK-031] [T65] iss is by another name of the host',
      { iss: idp.replace('127.0.0.1', 'localhost') },
      'issuer_unknown',
    ],
    ['[ATK-031] iss has a user', { iss: idp.replace('//', '//x@') }, 'issuer_unknown'],
    ['[ATK-028] iss is an issuer of subject tokens alone', { iss: world.upstream.issuer }, 'issuer_unknown'],
    ['[ATK-033] aud is the other server', { aud: files.issuer }, 'aud_mismatch'],
    ['[ATK-033] [T13] aud is the token endpoint', { aud: chat.tokenEndpoint }, 'aud_mismatch'],
    ['[ATK-033] aud is the metadata', { aud: `${chat.issuer}/.well-known/oauth-authorization-server` }, 'aud_mismatch'],
    ['[ATK-033] aud is the resource', { aud: mcp }, 'aud_mismatch'],
    ['[ATK-033] aud is the client', { aud: stage.chatClient.id }, 'aud_mismatch'],
    ['[ATK-034] [T11] aud is two, ours first', { aud: [chat.issuer, files.issuer] }, 'aud_mismatch'],
    ['[ATK-034] [T11] aud is two, ours last', { aud: [files.issuer, chat.issuer] }, 'aud_mismatch'],
    ['[ATK-034] aud is twice ours', { aud: [chat.issuer, chat.issuer] }, 'aud_mismatch'],
    ['[ATK-034] aud is empty', { aud: [] }, 'aud_mismatch'],
    ['[ATK-034] aud is empty text', { aud: '' }, 'aud_mismatch'],
    ['[ATK-034] aud is null', { aud: null }, 'aud_mismatch'],
    ['[ATK-034] aud holds an array', { aud: [[chat.issuer]] }, 'aud_mismatch'],
    ['[ATK-034] there is no aud', { aud: undefined }, 'aud_mismatch'],
    ['[ATK-035] [T12] aud has a longer host', { aud: `${chat.issuer}.evil.example` }, 'aud_mismatch'],
    ['[ATK-035] [T12] aud has a path', { aud: `${chat.issuer}/x` }, 'aud_mismatch'],
    ['[ATK-035] aud has a slash', { aud: `${chat.issuer}/` }, 'aud_mismatch'],
    ['[ATK-035] aud is another host', { aud: other(chat.issuer) }, 'aud_mismatch'],
    [
      '[ATK-036] [T31] client_id is another client',
      { client_id: world.clients.notebook.resourceAs.id },
      'client_mismatch',
    ],
    [
      '[ATK-036] [T30] client_id is the client’s id at the identity provider',
      { client_id: stage.idpClient.id },
      'client_mismatch',
    ],
    ['[ATK-037] there is no client_id', { client_id: undefined }, 'client_mismatch'],
    ['[ATK-037] client_id is in other case', { client_id: stage.chatClient.id.toUpperCase() }, 'client_mismatch'],
    ['[ATK-037] client_id is an array', { client_id: [stage.chatClient.id] }, 'client_mismatch'],
    ['[ATK-037] client_id is null', { client_id: null }, 'client_mismatch'],
    ['[ATK-037] client_id has a blank', { client_id: `${stage.chatClient.id} ` }, 'client_mismatch'],
    [
      '[ATK-037] azp names the client, and client_id another',
      { azp: stage.chatClient.id, client_id: 'x' },
      'client_mismatch',
    ],
    ['[ATK-038] [T77] it has a tenant that nobody expects', { tenant: 't1' }, 'tenant_mismatch'],
    ['[ATK-038] tenant is an array', { tenant: ['t1'] }, 'tenant_mismatch'],
    ['[ATK-038] tenant is empty', { tenant: '' }, 'tenant_mismatch'],
    ['[ATK-038] tenant is null', { tenant: null }, 'tenant_mismatch'],
    ['[ATK-039] it has a tenant of a server without tenants', { aud_tenant: 't1' }, 'tenant_mismatch'],
    ['[T03] there is no sub', { sub: undefined }, 'malformed'],
    ['[ATK-043] sub is a number', { sub: 42 }, 'malformed'],
    ['[ATK-043] sub is empty', { sub: '' }, 'malformed'],
    ['[ATK-043] sub is null', { sub: null }, 'malformed'],
    ['[ATK-043] sub is an array', { sub: ['alice'] }, 'malformed'],
    ['[ATK-043] sub has 256 characters', { sub: 'x'.repeat(256) }, 'malformed'],
    ['[ATK-043] sub holds NUL', { sub: 'alice\0' }, 'malformed'],
    ['[ATK-043] sub holds a line break', { sub: 'alice\nbob' }, 'malformed'],
    ['[ATK-043] sub holds half a character', { sub: 'alice\ud800' }, 'malformed'],
    ['[ATK-044] sub_id has no format', { sub_id: { issuer: 'https://saml.example' } }, 'sub_id_untrusted'],
    ['[ATK-044] sub_id is text', { sub_id: 'x' }, 'sub_id_untrusted'],
    ['[ATK-047] scope is an array', { scope: ['chat.read'] }, 'scope_denied'],
    ['[ATK-047] scope is an object', { scope: {} }, 'scope_denied'],
    [
      '[ATK-048] [T17] resource is one the server does not govern',
      { resource: 'https://evil.example/mcp' },
      'resource_denied',
    ],
    [
      '[ATK-048] [T18] one resource among others is foreign',
      { resource: [mcp, 'https://evil.example/mcp'] },
      'resource_denied',
    ],
    ['[ATK-048] [T15] resource has a slash more', { resource: `${mcp}/` }, 'resource_denied'],
    ['[ATK-048] [T20] resource has a query', { resource: `${mcp}?x=1` }, 'resource_denied'],
    ['[ATK-048] resource is empty', { resource: '' }, 'resource_denied'],
    ['[ATK-050] [T06] it is over', { exp: now - 32, iat: now - 100 }, 'expired'],
    ['[ATK-050] [T03] there is no exp', { exp: undefined }, 'malformed'],
    ['[ATK-050] exp is text', { exp: String(now + 60) }, 'malformed'],
    ['[ATK-050] exp is null', { exp: null }, 'malformed'],
    ['[ATK-050] exp is an array', { exp: [now + 60] }, 'malformed'],
    ['[ATK-050] exp is true', { exp: true }, 'malformed'],
    ['[ATK-050] exp is negative', { exp: -1 }, 'expired'],
    ['[ATK-050] exp is 0', { exp: 0 }, 'expired'],
    ['[ATK-051] exp is in milliseconds', { exp: (now + 60) * 1000 }, 'lifetime_too_long'],
    ['[ATK-051] exp is 100 years ahead', { exp: now + 3_153_600_000 }, 'lifetime_too_long'],
    ['[ATK-052] [T05] it lives longer than the cap', { exp: now + 601 }, 'lifetime_too_long'],
    ['[ATK-052] it lives longer than the cap by a part of a second', { exp: now + 600.5 }, 'lifetime_too_long'],
    ['[ATK-053] [T03] there is no iat', { iat: undefined }, 'iat_invalid'],
    ['[ATK-053] iat is text', { iat: String(now) }, 'iat_invalid'],
    ['[ATK-053] iat is null', { iat: null }, 'iat_invalid'],
    ['[ATK-053] [T02] [T04] iat is ahead', { iat: now + 35, exp: now + 90 }, 'iat_invalid'],
    ['[ATK-053] [T02] iat is 60 s ahead', { iat: now + 60, exp: now + 90 }, 'iat_invalid'],
    ['[ATK-053] iat is an hour ahead', { iat: now + 3600, exp: now + 3660 }, 'iat_invalid'],
    ['[ATK-053] iat is negative', { iat: -1 }, 'iat_invalid'],
    ['[ATK-053] iat is older than any life', { iat: now - 632, exp: now + 1 }, 'iat_invalid'],
    ['[ATK-053] iat is behind its own end', { iat: now + 20, exp: now - 20 }, 'iat_invalid'],
    ['[ATK-054] nbf is ahead', { nbf: now + 35 }, 'not_yet_valid'],
    ['[ATK-054] nbf is text', { nbf: String(now) }, 'not_yet_valid'],
    ['[ATK-054] nbf is null', { nbf: null }, 'not_yet_valid'],
    ['[ATK-058] [T03] there is no jti', { jti: undefined }, 'malformed'],
    ['[ATK-058] jti is empty', { jti: '' }, 'malformed'],
    ['[ATK-058] [T08] jti is a number', { jti: 7 }, 'malformed'],
    ['[ATK-058] [T08] jti is an object', { jti: { a: 1 } }, 'malformed'],
    ['[ATK-058] [T08] jti is an array', { jti: ['a'] }, 'malformed'],
    ['[ATK-058] jti is null', { jti: null }, 'malformed'],
    ['[ATK-058] jti has 257 characters', { jti: 'j'.repeat(257) }, 'malformed'],
    ['[ATK-058] [T08] jti has 10 000 characters', { jti: 'j'.repeat(10_000) }, 'malformed'],
    ['[ATK-058] jti holds NUL', { jti: 'j\0' }, 'malformed'],
    ['[ATK-076] [T76] it is bound to a key and comes without a proof', { cnf: { jkt: 'x'.repeat(43) } }, 'pop_missing'],
    ['[ATK-076] it is bound to a certificate', { cnf: { 'x5t#S256': 'x' } }, 'pop_unsupported'],
    ['[ATK-076] it is bound to nothing', { cnf: {} }, 'pop_unsupported'],
    ['[ATK-076] it is bound to a key by value', { cnf: { jwk: {} } }, 'pop_unsupported'],
    ['[ATK-076] it is bound by null', { cnf: null }, 'pop_unsupported'],
    ['[ATK-076] it is bound to a key that is a number', { cnf: { jkt: 7 } }, 'pop_unsupported'],
  ])('when %s', async (_, claims, reason) => {
    await refused({ claims }, reason)
  })

  it.each([
    ['exp', '1e400', 'lifetime_too_long'],
    ['exp', '-1e400', 'expired'],
    ['iat', '1e400', 'iat_invalid'],
    ['iat', '-1e400', 'iat_invalid'],
  ] as const)('[ATK-051] when %s is %s', async (claim, value, reason) => {
    const token = (good: string) => {
      const text = JSON.stringify({ ...claimsOf(good), [claim]: 'HERE' }).replace('"HERE"', value)
      return signedBytes({ typ: 'oauth-id-jag+jwt' }, text, stage.signer)
    }
    const answer = await stage.ask('chat', { token })
    expect([answer.statusCode, answer.json().error]).toEqual([400, 'invalid_grant'])
    expect([reason, 'malformed', 'iat_invalid']).toContain(world.audit.at(-1)?.reason)
  })

  it('[ATK-028] [T64] when its issuer is nobody’s, though it answers, and nobody asks it', async () => {
    const keys = await signerOfFile(world.upstream.signingKeyFile)
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.end('{}')
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const iss = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    for (const one of [iss, 'http://169.254.169.254', 'file:///etc/passwd', 'x'.repeat(2000)])
      await refused({ claims: { iss: one }, signer: keys }, 'issuer_unknown')
    expect(asked).toEqual([])
    server.close()
  })

  it('[ATK-032] when another issuer’s key signed it, under each kid', async () => {
    const upstream = await signerOfFile(world.upstream.signingKeyFile)
    await refused({ signer: upstream }, 'key_unknown')
    await refused({ signer: await signerOf('b1'), header: { kid: stage.signer.kid } }, 'signature_invalid')
  })

  it('[ATK-041] [ATK-042] [T70] [T71] when nobody has its sub, whatever address it brings', async () => {
    const email = world.users.find(({ name }) => name === 'alice')?.email ?? ''
    const [name = '', domain = ''] = email.split('@')
    const addresses = [
      email,
      `${name}@${domain}@evil.example`,
      `"${email}" <x@evil.example>`,
      email.toUpperCase(),
      `${email}.`,
      `${name}@${domain.replace('a', '\u0430')}`,
      `${name}+x@${domain}`,
      ` ${email}`,
      `${email}\u200b`,
    ]
    const { sub } = stage.idJagClaims()
    for (const one of addresses)
      for (const email_verified of [true, false, undefined, 'true', 1])
        await refused({ claims: { sub: 'stranger', email: one, email_verified } }, 'subject_unknown', 'files')
    await refused({ claims: { sub: email } }, 'subject_unknown', 'files')
    expect(await accountOf({ claims: { sub } }, 'files')).toBe('files-alice')
  })

  it('[ATK-043] when its sub is another spelling of a known one', async () => {
    const sub = String(stage.idJagClaims().sub)
    for (const one of [
      sub.toUpperCase(),
      `${sub} `,
      ` ${sub}`,
      sub.replace('a', 'a\u0301'),
      `${sub}\u00ad`,
      encodeURIComponent(`${sub}%`),
    ])
      await refused({ claims: { sub: one } }, 'subject_unknown', 'files')
  })

  it('[ATK-036] [T31] for the client that redeems it, and is good for its own afterwards', async () => {
    const { notebook } = world.clients
    const claims = { client_id: notebook.resourceAs.id, jti: 'of-the-notebook' }
    const own = { claims, as: basic(notebook.resourceAs) }
    const answer = await stage.ask('chat', { claims })
    expect(answer.json()).toMatchObject({ error: 'invalid_grant' })
    await stage.granted('chat', own)
  })
})

describe('an ID-JAG is redeemed', () => {
  it.each<[string, Claims]>([
    ['[ATK-034] [T10] with aud as an array of one', { aud: [chat.issuer] }],
    ['[ATK-050] over, within the skew', { iat: now - 100, exp: now - 25 }],
    ['[ATK-050] over, within the skew, with the iat of now', { exp: now - 25 }],
    ['[ATK-052] with an exp that has a fraction', { exp: now + 60.5 }],
    ['[ATK-052] that lives exactly as long as the cap', { exp: now + 600 }],
    ['[T01] 31 s old', { iat: now - 31 }],
    ['[T01] 120 s old', { iat: now - 120 }],
    ['[T01] 290 s old', { iat: now - 290, exp: now + 10 }],
    ['[T04] issued 5 s ahead', { iat: now + 5 }],
    ['[T04] issued 30 s ahead', { iat: now + 30 }],
    ['[ATK-046] [T75] with an actor, and one behind it', { act: { sub: 'admin', act: { sub: 'root' } } }],
    ['[T17] [T39] without a resource', { resource: undefined }],
    ['[T18] with resource as an array of one', { resource: [mcp] }],
    [
      'with a sub_id that no entry here is about, which decides nothing',
      { sub_id: { format: 'saml-nameid', issuer: 'https://saml.example', nameid: 'bob' } },
    ],
    ['[T78] with a jti of odd characters', { jti: 'a|b:c/d é' }],
  ])('%s, as alice', async (_, claims) => {
    const answer = await stage.granted('chat', { claims })
    const token = claimsOf(answer.json().access_token)
    expect(token).toMatchObject({ sub: 'chat-alice' })
    expect(token).not.toHaveProperty('act')
  })

  it('[ATK-047] [T43] [T45] for no more than its scope, the client’s and what was asked', async () => {
    const scopeOf = async (change: Change) => (await stage.granted('chat', change)).json().scope
    expect(await scopeOf({ claims: { scope: 'chat.read admin' } })).toBe('chat.read')
    expect(await scopeOf({ claims: { scope: 'chat.read' }, form: { scope: 'chat.read chat.write' } })).toBe('chat.read')
    const notebook = world.clients.notebook.resourceAs
    const wide = { scope: 'chat.read chat.write', client_id: notebook.id }
    expect(await scopeOf({ claims: wide, as: basic(notebook) })).toBe('chat.read')
    await stage.refused(
      'chat',
      { claims: { scope: undefined }, form: { scope: 'admin' } },
      { error: 'invalid_scope', reason: 'scope_denied' },
    )
    await stage.refused('chat', { claims: { scope: 'admin' } }, { error: 'invalid_scope', reason: 'scope_denied' })
  })

  it.each([undefined, '', 'chat.read'])(
    '[T41] [T42] with scope %j in the request, and the token has the scope of the ID-JAG',
    async (scope) => {
      expect((await stage.granted('chat', { form: { scope } })).json().scope).toBe('chat.read')
    },
  )

  it('[ATK-048] for the resource of the request that the claim names, and no other', async () => {
    const refusal: Refusal = { error: 'invalid_target', reason: 'resource_denied' }
    for (const resource of [api, 'https://evil.example', `${mcp}/`, `${mcp}#x`, 'mcp', `${mcp}?`])
      await stage.refused('chat', { form: { resource } }, refusal)
    expect((await stage.granted('chat', { form: { resource: mcp } })).json().resource).toBe(mcp)
  })

  it('[ATK-040] [T54] [T79] into one account for each issuer and sub', async () => {
    const first = await accountOf({ claims: { sub: 'somebody' } })
    expect(await accountOf({ claims: { sub: 'somebody' } })).toBe(first)
    for (const sub of ['Somebody', 'somebody ', 'some:body', 'some|body', 'некто', `${idp}:somebody`])
      expect(await accountOf({ claims: { sub } })).not.toBe(first)
  })

  it('[T53] [ATK-060] after it was refused for what another sent, or for the rest of the request', async () => {
    const claims = { jti: 'refused-first' }
    const { notebook } = world.clients
    const wrong: Change[] = [
      { as: basic({ ...stage.chatClient, secret: 'wrong' }) },
      { as: basic(notebook.resourceAs) },
      { headers: { dpop: 'broken' } },
      { form: { scope: 'unknown' } },
      { form: { resource: 'https://evil.example' } },
      { headers: { 'content-type': 'application/json' } },
    ]
    for (const change of wrong) expect((await stage.ask('chat', { ...change, claims })).statusCode).toBeGreaterThan(399)
    await stage.granted('chat', { claims })
  })

  it('[ATK-056] [ATK-057] [T50] [T55] once, of sixty at the same time and of all that come later', async () => {
    const claims = { jti: 'sixty' }
    const answers = await Promise.all(Array.from({ length: 60 }, () => stage.ask('chat', { claims })))
    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1)
    for (const answer of answers.filter(({ statusCode }) => statusCode !== 200))
      expect([answer.statusCode, answer.json().error]).toEqual([400, 'invalid_grant'])
    expect((await stage.ask('chat', { claims })).json()).toMatchObject({ error: 'invalid_grant' })
    expect(world.audit.at(-1)).toMatchObject({ reason: 'replay' })
  })

  it('[T56] by many at once for a person who is new, into one account', async () => {
    const accounts = await Promise.all(Array.from({ length: 20 }, () => accountOf({ claims: { sub: 'newcomer' } })))
    expect(new Set(accounts).size).toBe(1)
  })
})

it('[T16] [ATK-095] the names a proxy or a caller gives the server change no audience', async () => {
  const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' }
  await refused({ headers, claims: { aud: 'http://evil.example' } }, 'aud_mismatch')
  const document = await sendTo(`${chat.issuer}/.well-known/oauth-authorization-server`, {
    method: 'GET',
    headers,
    body: '',
  })
  expect(document.json()).toMatchObject({ issuer: chat.issuer, token_endpoint: chat.tokenEndpoint })
})
