/** ID-JAGs that are signed and then encrypted: made by the identity provider, opened by the one they are for, and refused otherwise. */

import type { JWK } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { usualBranches } from '../../src/protocol/branches.ts'
import {
  contentEncryptions,
  decryptionKeysOf,
  keyManagementAlgorithms,
  recipientKeyOf,
} from '../../src/protocol/encryption-keys.ts'
import { publicPartOf } from '../../src/protocol/keys.ts'
import { recipientKeys } from '../../src/protocol/recipient-keys.ts'
import { acme, chat } from '../fixture/addresses.ts'
import { fetchDocumentOf } from '../fixture/chat-vendor.ts'
import { type Enterprise, enterprise, exchange, idJagClaims, idTokenClaims, redeem } from '../fixture/enterprise.ts'
import { encryptionJwk, nested } from '../fixture/nested.ts'
import { expectExchangeRefused, expectRedemptionRefused, type Refusal } from '../fixture/refusal.ts'
import { base64url, headerOf, signed } from '../fixture/tokens.ts'

const on = { ...usualBranches, 'jwe-support': true }
let world: Enterprise
let key: JWK

async function open(required = false): Promise<void> {
  const keys = await decryptionKeysOf({
    keys: [key, await encryptionJwk('e2', 'RSA-OAEP-256'), await encryptionJwk('e3', 'ECDH-ES')],
  })
  world = await enterprise({ branches: on, encryption: { keys, required } })
  world.idp.provider.branches = on
  const encryptionKey = recipientKeys({
    issuer: chat,
    fetchDocument: fetchDocumentOf(world.chat.app),
    now: () => world.clock.now,
    warn: () => {},
  })
  for (const server of world.idp.servers) if (server.issuer === chat) server.encryptionKey = encryptionKey
}
beforeEach(async () => {
  key = await encryptionJwk('e1')
  await open()
})

/** The public part of one of the server's keys, as anybody can have it. */
const published = async (kid = 'e1'): Promise<JWK> => {
  const { keys } = (await world.chat.app.inject('/jwks')).json() as { keys: JWK[] }
  return keys.find((one) => one.kid === kid) ?? {}
}
const goodJag = (claims: object = {}) =>
  signed({ typ: 'oauth-id-jag+jwt' }, { ...idJagClaims(world), ...claims }, world.idp.keys.current())

describe('an ID-JAG of the identity provider', () => {
  it('[FL-JWE-01] is signed and then encrypted, says so, and is redeemed by the server it is for', async () => {
    const answer = (await exchange(world)).json()
    expect(headerOf(answer.access_token)).toEqual({
      alg: 'ECDH-ES+A256KW',
      enc: 'A256GCM',
      kid: 'e1',
      cty: 'JWT',
      typ: 'oauth-id-jag+jwt',
      epk: expect.objectContaining({ crv: 'P-256' }),
    })
    expect(answer).toMatchObject({
      issued_token_type: expect.stringMatching(/id-jag$/),
      token_type: 'N_A',
      expires_in: 300,
    })
    expect((await redeem(world, { token: answer.access_token })).json()).toMatchObject({
      token_type: 'Bearer',
      scope: 'chat.read',
    })
    expect((await redeem(world, { token: answer.access_token })).json()).toMatchObject({ error: 'invalid_grant' })
    expect(world.audit.at(-1)).toMatchObject({ reason: 'replay' })
  })

  it('[FL-JWE-01] is in the clear while the branch is off, and to whoever wants it so', async () => {
    world.idp.provider.branches = usualBranches
    const clear = (await exchange(world)).json().access_token
    expect(headerOf(clear)).not.toHaveProperty('enc')
    expect((await redeem(world, { token: clear })).statusCode).toBe(200)
    world.idp.provider.branches = on
    for (const server of world.idp.servers) delete server.encryptionKey
    expect(headerOf((await exchange(world)).json().access_token)).not.toHaveProperty('enc')
  })

  it('[FL-JWE-03] is not issued where it cannot be encrypted, and nothing is spent', async () => {
    const { idp } = world
    const server = idp.servers.find(({ issuer }) => issuer === chat)
    const good = server?.encryptionKey
    if (server === undefined || good === undefined) throw new Error('no server')
    server.encryptionKey = async () => undefined
    const spent = world.spent.length
    const refused = await exchange(world)
    expect(refused.json()).toMatchObject({
      error: 'invalid_target',
      error_description: expect.stringContaining('encrypted'),
    })
    expect([world.audit.at(-1)?.reason, world.spent.length]).toEqual(['key_unusable', spent])
    server.encryptionKey = good
    expect((await exchange(world)).statusCode).toBe(200)
    const foreign = { claims: { sub: 'mallory' } }
    await expectExchangeRefused(world, foreign, { error: 'invalid_grant', reason: 'subject_disabled' })
  })
})

describe('an encrypted assertion', () => {
  it.each(
    [
      ['e1', 'ECDH-ES+A256KW'],
      ['e2', 'RSA-OAEP-256'],
      ['e3', 'ECDH-ES'],
    ].flatMap(([kid = '', alg]) => contentEncryptions.map((enc) => [kid, alg, enc] as const)),
  )('[FL-JWE-01] is opened with the key %s by %s and %s', async (kid, _alg, enc) => {
    const token = await nested(goodJag(), await published(kid), { enc })
    expect((await redeem(world, { token })).json()).toMatchObject({ token_type: 'Bearer' })
  })

  it.each<[string, Record<string, unknown>]>([
    ['without typ', { typ: undefined }],
    ['with typ JWT', { typ: 'JWT' }],
    ['with the whole media type', { typ: 'application/oauth-id-jag+jwt' }],
    ['with a small cty', { cty: 'jwt' }],
    ['with a member that means nothing here', { jku: 'https://evil.example/keys', x: 1 }],
  ])('is opened %s', async (_, header) => {
    expect((await redeem(world, { token: await nested(goodJag(), await published(), header) })).statusCode).toBe(200)
  })

  const closed = (reason: Refusal['reason']): Refusal => ({
    error: 'invalid_grant',
    reason,
    description: /^assertion: cannot be decrypted$/,
  })
  const withHeader = (change: (header: Record<string, unknown>) => unknown) => async () => {
    const [header = '', ...rest] = (await nested(goodJag(), await published())).split('.')
    const members = JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<string, unknown>
    const changed = change(members)
    return [base64url(typeof changed === 'string' ? changed : JSON.stringify(changed)), ...rest].join('.')
  }
  const withSegment = (at: number, change: (segment: string) => string) => async () =>
    (await nested(goodJag(), await published()))
      .split('.')
      .map((segment, index) => (index === at ? change(segment) : segment))
      .join('.')
  const flipped = (segment: string) => `${segment.startsWith('A') ? 'B' : 'A'}${segment.slice(1)}`

  it.each<[string, () => Promise<string>, Refusal['reason']]>([
    ['whose tag is another', withSegment(4, flipped), 'malformed'],
    ['whose content is another', withSegment(3, flipped), 'malformed'],
    ['whose key is another', withSegment(1, flipped), 'malformed'],
    [
      'whose tag is cut short',
      withSegment(4, (tag) => base64url(Buffer.from(tag, 'base64url').subarray(0, 8))),
      'malformed',
    ],
    ['[ATK-023] with padding', withSegment(3, (segment) => `${segment}=`), 'malformed'],
    [
      '[ATK-023] with a character of another alphabet',
      withSegment(4, (segment) => `${segment.slice(0, -1)}+`),
      'malformed',
    ],
    ['whose header is no JSON', withHeader(() => '{'), 'malformed'],
    [
      '[ATK-024] whose header has alg twice',
      withHeader((header) => `{"alg":"dir",${JSON.stringify(header).slice(1)}`),
      'malformed',
    ],
    [
      '[ATK-022] that would have to be unpacked',
      withHeader((header) => ({ ...header, zip: 'DEF' })),
      'header_unsupported',
    ],
    [
      '[ATK-022] with a password',
      withHeader((header) => ({ ...header, alg: 'PBES2-HS256+A128KW', p2c: 10_000_000, p2s: 'AAAAAAAAAAA' })),
      'header_unsupported',
    ],
    [
      '[ATK-022] with a password and no count',
      withHeader((header) => ({ ...header, alg: 'PBES2-HS256+A128KW' })),
      'alg_not_allowed',
    ],
    ['with an extension', withHeader((header) => ({ ...header, crit: ['exp'] })), 'header_unsupported'],
    ['without cty', withHeader(({ cty: _, ...header }) => header), 'header_unsupported'],
    ['with another cty', withHeader((header) => ({ ...header, cty: 'json' })), 'header_unsupported'],
    ['of another type', withHeader((header) => ({ ...header, typ: 'at+jwt' })), 'typ_mismatch'],
    ['whose type is a number', withHeader((header) => ({ ...header, typ: 1 })), 'typ_mismatch'],
    ['without kid', withHeader(({ kid: _, ...header }) => header), 'key_unknown'],
    ['with the kid of a signing key', withHeader((header) => ({ ...header, kid: 'chat-1' })), 'key_unknown'],
    ['by an old padding', withHeader((header) => ({ ...header, alg: 'RSA1_5', kid: 'e2' })), 'alg_not_allowed'],
    ['by no key at all', withHeader((header) => ({ ...header, alg: 'dir' })), 'alg_not_allowed'],
    ['by the algorithm of another key', withHeader((header) => ({ ...header, kid: 'e2' })), 'alg_not_allowed'],
    ['without authentication', withHeader((header) => ({ ...header, enc: 'A256CBC' })), 'alg_not_allowed'],
    ['with an enc that is no text', withHeader((header) => ({ ...header, enc: ['A256GCM'] })), 'alg_not_allowed'],
    [
      'to the key of somebody else',
      async () =>
        await nested(goodJag(), { ...publicPartOf(await encryptionJwk('other')), alg: 'ECDH-ES+A256KW', kid: 'e1' }),
      'malformed',
    ],
    [
      'that is too large',
      async () => `${(await nested(goodJag(), await published())).slice(0, -1)}${'A'.repeat(25_000)}`,
      'too_large',
    ],
  ])('[FL-JWE-03] %s is refused in the same words as every other', async (_, token, reason) => {
    await expectRedemptionRefused(world, { token: await token() }, closed(reason))
  })

  it.each<[string, () => string | Promise<string>]>([
    ['bare claims', () => JSON.stringify(idJagClaims(world))],
    [
      'an unsigned token',
      () => `${base64url('{"alg":"none","typ":"oauth-id-jag+jwt"}')}.${base64url(JSON.stringify(idJagClaims(world)))}.`,
    ],
    [
      'a token by a shared secret',
      () => `${base64url('{"alg":"HS256"}')}.${base64url(JSON.stringify(idJagClaims(world)))}.AAAA`,
    ],
    ['another encrypted token', async () => await nested(goodJag(), await published())],
    ['nothing', () => ''],
  ])('[ATK-021] with %s inside is not signed by anybody', async (_, content) => {
    const token = await nested(await content(), await published())
    await expectRedemptionRefused(
      world,
      { token },
      { error: 'invalid_grant', reason: 'inner_not_signed', description: /holds no signed token/ },
    )
  })

  it.each<[string, () => string, Refusal['reason']]>([
    ['[ATK-021] an ID Token', () => signed({}, idTokenClaims(world), world.idp.keys.current()), 'typ_mismatch'],
    ['the ID-JAG of another client', () => goodJag({ client_id: 'evil' }), 'client_mismatch'],
    ['an ID-JAG of an issuer that nobody trusts', () => goodJag({ iss: `${acme}.evil` }), 'issuer_unknown'],
    ['an ID-JAG under the wrong signature', () => `${goodJag().slice(0, -8)}AAAAAAAA`, 'signature_invalid'],
    ['an expired ID-JAG', () => goodJag({ exp: world.clock.now - 60, iat: world.clock.now - 120 }), 'expired'],
  ])('[FL-JWE-03] with %s inside is judged as in the clear', async (_, inner, reason) => {
    const token = await nested(inner(), await published())
    await expectRedemptionRefused(world, { token }, { error: 'invalid_grant', reason })
  })
})

describe('a server', () => {
  it('[FL-JWE-03] that demands encryption refuses an assertion in the clear', async () => {
    await open(true)
    const answer = await redeem(world)
    expect([answer.statusCode, answer.json().error, world.audit.at(-1)?.reason]).toEqual([
      400,
      'invalid_grant',
      'alg_not_allowed',
    ])
    expect(world.spent).toEqual([])
    expect((await redeem(world, { token: await nested(goodJag(), await published()) })).statusCode).toBe(200)
  })

  it.each<[string, Parameters<typeof enterprise>[0]]>([
    ['with the branch off', { branches: usualBranches, encryption: { keys: [], required: true } }],
    ['without keys', { branches: on }],
  ])('%s takes them in the clear, and calls an encrypted one malformed', async (_, change) => {
    const token = await nested(goodJag(), await published())
    world = await enterprise(change)
    await expectRedemptionRefused(world, { token }, { error: 'invalid_grant', reason: 'malformed' })
    expect(
      JSON.stringify((await world.chat.app.inject('/.well-known/oauth-authorization-server')).json()),
    ).not.toContain('encryption')
  })

  it('[FL-JWE-02] says what it takes, and publishes its keys beside those for signatures', async () => {
    const metadata = async (which: 'idp' | 'chat') =>
      (await world[which].app.inject('/.well-known/oauth-authorization-server')).json()
    expect(await metadata('chat')).toMatchObject({
      id_jag_encryption_alg_values_supported: ['ECDH-ES+A256KW', 'RSA-OAEP-256', 'ECDH-ES'],
      id_jag_encryption_enc_values_supported: contentEncryptions,
      id_jag_encryption_required: false,
    })
    const { keys } = (await world.chat.app.inject('/jwks')).json() as { keys: JWK[] }
    expect(keys.map(({ kid, use }) => [kid, use])).toEqual([
      ['chat-1', 'sig'],
      ['e1', 'enc'],
      ['e2', 'enc'],
      ['e3', 'enc'],
    ])
    for (const jwk of keys) for (const member of ['d', 'p', 'q', 'k']) expect(jwk).not.toHaveProperty(member)
    expect(await metadata('idp')).not.toHaveProperty('id_jag_encryption_alg_values_supported')
    const encrypting = await encryptingProvider()
    expect((await encrypting.inject('/.well-known/oauth-authorization-server')).json()).toMatchObject({
      id_jag_encryption_alg_values_supported: keyManagementAlgorithms,
      id_jag_encryption_enc_values_supported: contentEncryptions,
    })
  })
})

async function encryptingProvider() {
  const { default: Fastify } = await import('fastify')
  const { idpPlugin } = await import('../../src/http/idp-plugin.ts')
  const app = Fastify()
  const { provider, clients } = world.idp
  const findClient = async (id: string) => clients.entries.get(id)
  await app.register(idpPlugin, { identityProvider: { ...provider, branches: on }, findClient, ports: world.ports })
  return app
}

describe('the key of a recipient', () => {
  const found = (documents: { [path: string]: unknown }, statuses: { [path: string]: number } = {}) => {
    const asked: string[] = []
    const warned: string[] = []
    const clock = { now: 1000 }
    const find = recipientKeys({
      issuer: chat,
      async fetchDocument(url) {
        const path = new URL(url).pathname
        asked.push(path)
        const document = documents[path]
        return {
          status: statuses[path] ?? (document === undefined ? 404 : 200),
          body: Buffer.from(JSON.stringify(document ?? {})),
        }
      },
      now: () => clock.now,
      warn: (message) => warned.push(message),
    })
    return { find, asked, warned, clock, documents, statuses }
  }
  const wellKnown = '/.well-known/oauth-authorization-server'
  const metadata = { issuer: chat, jwks_uri: `${chat}/jwks` }

  it('[FL-JWE-02] is fetched once for requests at the same time, used for 300 s, and then asked for again', async () => {
    const { find, asked, clock, documents } = found({ [wellKnown]: metadata, '/jwks': { keys: [await published()] } })
    const all = await Promise.all([find(), find(), find()])
    expect(all.map((one) => one?.kid)).toEqual(['e1', 'e1', 'e1'])
    expect(asked).toEqual([wellKnown, '/jwks'])
    clock.now += 299
    await find()
    expect(asked).toHaveLength(2)
    documents['/jwks'] = { keys: [] }
    clock.now += 1
    expect(await find()).toBeUndefined()
    expect(asked).toHaveLength(4)
  })

  it('is 503 while it cannot be known, is asked for again after 15 s, and the operator is told', async () => {
    const { find, asked, warned, clock, statuses } = found(
      { [wellKnown]: metadata, '/jwks': { keys: [await published()] } },
      { '/jwks': 500 },
    )
    await expect(find()).rejects.toMatchObject({ code: 'temporarily_unavailable', reason: 'jwks_unavailable' })
    await expect(find()).rejects.toMatchObject({ code: 'temporarily_unavailable' })
    expect([asked.length, warned]).toEqual([2, [expect.stringContaining(`${chat}/jwks answered 500`)]])
    delete statuses['/jwks']
    clock.now += 15
    expect(await find()).toMatchObject({ kid: 'e1' })
  })

  it.each<[string, { [path: string]: unknown }]>([
    ['metadata without a key set', { [wellKnown]: { issuer: chat } }],
    ['metadata of another issuer', { [wellKnown]: { ...metadata, issuer: acme } }],
    ['no metadata', {}],
    ['a key set that is none', { [wellKnown]: metadata, '/jwks': { keys: 1 } }],
  ])('is not known by %s', async (_, documents) => {
    await expect(found(documents).find()).rejects.toMatchObject({ code: 'temporarily_unavailable' })
  })

  it('is unknown when what is thrown is no error, too', async () => {
    const find = recipientKeys({
      issuer: chat,
      fetchDocument: () => Promise.reject('gone'),
      now: () => 0,
      warn: () => {},
    })
    await expect(find()).rejects.toMatchObject({ detail: expect.stringContaining('unknown') })
  })

  it('goes with what the metadata announce', async () => {
    const jwks = { keys: [await published(), await published('e2')] }
    const announced = {
      ...metadata,
      id_jag_encryption_alg_values_supported: ['RSA-OAEP-256'],
      id_jag_encryption_enc_values_supported: ['A128GCM'],
    }
    expect(await found({ [wellKnown]: announced, '/jwks': jwks }).find()).toMatchObject({ kid: 'e2', enc: 'A128GCM' })
    expect(await recipientKeyOf(jwks)).toMatchObject({ kid: 'e1' })
  })
})
