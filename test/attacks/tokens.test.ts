/** Tokens of the wrong kind, with the wrong signature, or in other bytes than one, at a running resource authorization server. */

import { createHmac, createPublicKey, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CompactEncrypt, type JWK } from 'jose'
import { afterAll, describe, expect, it } from 'vitest'
import { publicPartOf } from '../../src/protocol/keys.ts'
import { byAssertion } from '../fixture/clients.ts'
import { privateJwk, signerOf } from '../fixture/keys.ts'
import { base64url, signed, signedBytes, withRawHeader, withSignature } from '../fixture/tokens.ts'
import { type Change, now, type Refusal, underAttack } from './stage.ts'

const stage = await underAttack()
const { world, signer } = stage
afterAll(stage.close)

const idJag = 'oauth-id-jag+jwt'
const ig = (reason: Refusal['reason']): Refusal => ({ error: 'invalid_grant', reason, description: /^assertion: / })
const refused = async (change: Change, reason: Refusal['reason']) => await stage.refused('chat', change, ig(reason))
const attacker = await signerOf('attacker')
const publishedKey = async (alg: string) => {
  const { keys } = (await (await fetch(`${world.idp.issuer}/jwks`)).json()) as { keys: JWK[] }
  return keys.find((key) => key.alg === alg) ?? {}
}
const segments = (token: string) => token.split('.') as [string, string, string]
const replaced = (at: 0 | 1 | 2, change: (segment: string) => string) => (good: string) =>
  segments(good)
    .map((segment, place) => (place === at ? change(segment) : segment))
    .join('.')

describe('another kind of token', () => {
  it.each([
    undefined,
    'JWT',
    'at+jwt',
    'logout+jwt',
    'secevent+jwt',
    'client-authentication+jwt',
    'dpop+jwt',
    '',
    'oauth-id-jag+jwt ',
    'oauth-id-jag',
    'text/oauth-id-jag+jwt',
    'application/application/oauth-id-jag+jwt',
  ])('[ATK-002] [T32] of typ %j is no ID-JAG', async (typ) => {
    await refused({ header: { typ } }, 'typ_mismatch')
  })

  it.each(['OAUTH-ID-JAG+JWT', 'application/oauth-id-jag+jwt'])('[ATK-002] [T32] %s is an ID-JAG', async (typ) => {
    await stage.granted('chat', { header: { typ } })
  })

  it('[ATK-001] [T32] an ID Token as assertion is refused, also one that was signed in to', async () => {
    await refused({ token: await world.mintIdToken({ user: 'alice', client: 'assistant' }) }, 'typ_mismatch')
  })

  it('[ATK-003] [T73] an access token of the server itself is refused', async () => {
    const issued = (await stage.granted('chat')).json().access_token
    await refused({ token: issued }, 'typ_mismatch')
    await refused({ claims: { iss: world.resourceAs.chat.issuer } }, 'issuer_unknown')
  })

  it('[ATK-004] an ID-JAG as client_assertion is refused, beside itself as assertion', async () => {
    const claims = { ...stage.idJagClaims(), iss: stage.chatClient.id, sub: stage.chatClient.id }
    const token = signed({ typ: idJag }, claims, stage.chatClient.signer)
    const as = byAssertion(stage.chatClient, '', now)
    const refusal: Refusal = { error: 'invalid_client', reason: 'client_assertion_invalid' }
    for (const assertion of [undefined, token])
      await stage.refused(
        'chat',
        { as: { form: { ...as.form, client_assertion: token, ...(assertion && { assertion }) } } },
        refusal,
      )
    await stage.refused('chat', { token: String(as.form?.client_assertion) }, ig('typ_mismatch'))
  })

  it('[ATK-007] an ID-JAG, an ID Token and a token for another resource open nothing at the API', async () => {
    const call = async (token: string) =>
      await fetch(world.messagesUrl, { headers: { authorization: `Bearer ${token}` } })
    const forMcp = (await stage.granted('chat')).json().access_token
    const resource = world.resources.api
    const forApi = (await stage.granted('chat', { claims: { resource } })).json().access_token
    const idToken = await world.mintIdToken({ user: 'alice', client: 'assistant' })
    const shown = signed({ typ: idJag }, { ...stage.idJagClaims(), aud: resource }, signer)
    const asAccessToken = signed({ typ: 'at+jwt' }, { ...stage.idJagClaims(), aud: resource }, signer)
    for (const token of [forMcp, idToken, shown, asAccessToken, 'x', '']) {
      const answer = await call(token)
      expect([token, answer.status]).toEqual([token, 401])
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /)
    }
    expect((await call(forApi)).status).toBe(200)
  })
})

describe('the signature', () => {
  const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')
  const flipped = (good: string) => {
    const bytes = Buffer.from(good, 'base64url')
    bytes[7] = (bytes[7] ?? 0) ^ 1
    return base64url(bytes)
  }
  const zeroed = (from: number) => (good: string) => base64url(Buffer.from(good, 'base64url').fill(0, from, from + 32))
  const der = (good: string) => {
    const bytes = Buffer.from(good, 'base64url')
    const integer = (part: Buffer) => Buffer.concat([Buffer.of(2, 33, 0), part])
    return base64url(Buffer.concat([Buffer.of(48, 70), integer(bytes.subarray(0, 32)), integer(bytes.subarray(32))]))
  }

  it.each<[string, (good: string) => string]>([
    ['64 zero bytes', () => base64url(Buffer.alloc(64))],
    ['r = 0', zeroed(0)],
    ['s = 0', zeroed(32)],
    ['r = s = n', () => base64url(Buffer.concat([order, order]))],
    ['DER', der],
    ['another valid token', () => segments(signed({ typ: idJag }, stage.idJagClaims(), signer))[2]],
    ['one bit flipped', flipped],
    ['one byte too few', (good) => base64url(Buffer.from(good, 'base64url').subarray(1))],
    ['one byte too many', (good) => base64url(Buffer.concat([Buffer.from(good, 'base64url'), Buffer.of(0)]))],
  ])('[ATK-018] of %s is refused', async (_, make) => {
    await refused({ token: withSignature(make) }, 'signature_invalid')
  })

  it.each(['none', 'None', 'NONE', 'nOnE'])('[ATK-009] [T34] of alg %s is refused, empty or genuine', async (alg) => {
    await refused({ header: { alg } }, 'alg_not_allowed')
    await refused({ header: { alg }, token: withSignature('') }, 'alg_not_allowed')
  })

  it.each(['HS256', 'HS384', 'HS512'])(
    '[ATK-010] [T34] by %s under the public key, in each of its spellings, is refused',
    async (alg) => {
      const jwk = await publishedKey('ES256')
      const pem = createPublicKey({ key: { ...jwk }, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
      for (const secret of [pem, String(pem).trim(), JSON.stringify(jwk), JSON.stringify({ keys: [jwk] }), '\0'])
        for (const kid of [signer.kid, undefined]) {
          const token = (good: string) => {
            const input = `${base64url(JSON.stringify({ alg, kid, typ: idJag }))}.${segments(good)[1]}`
            return `${input}.${createHmac(`sha${alg.slice(2)}`, secret)
              .update(input)
              .digest('base64url')}`
          }
          await refused({ token }, 'alg_not_allowed')
        }
    },
  )

  it.each(['RS256', 'PS256', 'ES384', 'EdDSA'] as const)(
    '[ATK-011] by %s with the kid of a key for ES256 is refused',
    async (alg) => {
      await refused({ header: { alg } }, 'alg_not_allowed')
    },
  )

  it('[ATK-011] by ES256 with the kid of an RSA key, and by PS256 where that key says RS256, is refused', async () => {
    const { kid } = await publishedKey('RS256')
    for (const alg of ['ES256', 'PS256']) await refused({ header: { alg, kid } }, 'alg_not_allowed')
  })

  it('[ATK-012] by a key that the header brings is refused', async () => {
    const jwk = publicPartOf(await privateJwk('attacker'))
    for (const kid of [signer.kid, undefined])
      await refused({ signer: attacker, header: { jwk: { ...jwk, kid: signer.kid }, kid } }, 'signature_invalid')
    await refused({ signer: attacker, header: { jwk } }, 'key_unknown')
  })

  it('[ATK-013] by a key that the header points at is refused, and nobody goes there', async () => {
    let visits = 0
    const listener = createServer((_, response) => response.end(String(visits++))).listen(0, '127.0.0.1')
    await new Promise((resolve) => listener.once('listening', resolve))
    const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/jwks`
    for (const header of [
      { jku: url },
      { x5u: url },
      { x5c: ['MIIB'] },
      { jku: url, x5u: url, x5c: ['MIIB'], 'x5t#S256': 'x' },
    ])
      await refused({ signer: attacker, header: { ...header, kid: signer.kid } }, 'signature_invalid')
    expect(visits).toBe(0)
    listener.close()
  })

  it.each([
    '../../../../dev/null',
    '/etc/passwd',
    "' OR 1=1--",
    'k'.repeat(4096),
    1,
    '',
    null,
    ['a'],
    {},
    '__proto__',
    'toString',
  ])('[ATK-014] whose kid is %j is refused', async (kid) => {
    await refused({ header: { kid } }, 'key_unknown')
  })
})

describe('the header', () => {
  it.each<[string, Record<string, unknown>]>([
    ['crit with an unknown extension', { crit: ['urn:x'], 'urn:x': 1 }],
    ['crit with exp', { crit: ['exp'], exp: 1 }],
    ['an empty crit', { crit: [] }],
    ['crit as text', { crit: 'alg' }],
    ['crit null', { crit: null }],
  ])('[ATK-016] with %s is refused', async (_, header) => {
    await refused({ header }, 'header_unsupported')
  })

  it.each<[string, Record<string, unknown>]>([
    ['b64 false', { b64: false, crit: ['b64'] }],
    ['b64 false and no crit', { b64: false }],
    ['b64 true', { b64: true, crit: ['b64'] }],
    ['b64 null', { b64: null }],
    ['zip', { zip: 'DEF' }],
    ['enc', { enc: 'A128GCM' }],
  ])('[ATK-017] with %s is refused', async (_, header) => {
    await refused({ header }, 'header_unsupported')
  })

  it('[ATK-017] with b64 false and a payload as it is is refused', async () => {
    const claims = JSON.stringify({ ...stage.idJagClaims(), iss: 'https://idp.example' }).replaceAll('.', '')
    const header = base64url(JSON.stringify({ alg: 'ES256', kid: signer.kid, typ: idJag, b64: false, crit: ['b64'] }))
    await refused({ token: `${header}.${claims}.${'A'.repeat(86)}` }, 'malformed')
  })

  it('[ATK-022] of a JWE with a costly derivation of its key, or a bomb inside, is refused without a try', async () => {
    const costly = await new CompactEncrypt(randomBytes(16))
      .setProtectedHeader({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 1000 })
      .setKeyManagementParameters({ p2c: 1000 })
      .encrypt(new TextEncoder().encode('password'))
    const [header = '', ...rest] = costly.split('.')
    const members = JSON.parse(Buffer.from(header, 'base64url').toString())
    for (const change of [{ p2c: 10_000_000 }, { zip: 'DEF' }]) {
      const token = [base64url(JSON.stringify({ ...members, ...change })), ...rest].join('.')
      await refused({ token }, 'malformed')
    }
    await refused({ header: { p2c: 10_000_000 } }, 'header_unsupported')
  })

  it.each(['alg', 'kid', 'typ'])('[ATK-024] with %s twice is refused', async (name) => {
    const header = { alg: 'ES256', kid: signer.kid, typ: idJag }
    const claims = JSON.stringify(stage.idJagClaims())
    const twice = JSON.stringify(header).replace('{', `{"${name}":"x",`)
    await refused({ token: withRawHeader(twice, claims, signer) }, 'malformed')
  })

  it.each(['[]', 'null', '"x"', '7', '{', '{}', '{"alg":null}', '\ufeff{"alg":"ES256"}'])(
    '[ATK-025] that is %s is refused',
    async (header) => {
      await refused({ token: withRawHeader(header, JSON.stringify(stage.idJagClaims()), signer) }, 'malformed')
    },
  )
})

describe('the bytes', () => {
  it.each<[string, (good: string) => string]>([
    ['one segment', () => 'x'],
    ['two segments', (good) => good.split('.').slice(0, 2).join('.')],
    ['four segments', (good) => `${good}.e30`],
    ['five segments', (good) => `${good}.e30.e30`],
    ['an empty header', replaced(0, () => '')],
    ['an empty payload', replaced(1, () => '')],
    ['an empty signature', replaced(2, () => '')],
    ['dots alone', () => '..'],
    [
      'flattened JSON',
      (good) =>
        JSON.stringify({ protected: segments(good)[0], payload: segments(good)[1], signature: segments(good)[2] }),
    ],
    [
      'general JSON',
      (good) =>
        JSON.stringify({
          payload: segments(good)[1],
          signatures: [{ protected: segments(good)[0], signature: segments(good)[2] }],
        }),
    ],
  ])('[ATK-020] of %s are no ID-JAG', async (_, token) => {
    await refused({ token }, 'malformed')
  })

  const strayBits = (segment: string) =>
    `${segment.slice(0, -1)}${String.fromCharCode(segment.charCodeAt(segment.length - 1) + 1)}`
  it.each(
    ([0, 1, 2] as const).flatMap((at) => [
      [at, 'padding', (segment: string) => `${segment}=`] as const,
      [at, 'more padding', (segment: string) => `${segment}==`] as const,
      [at, 'a blank', (segment: string) => `${segment} `] as const,
      [at, 'a tab', (segment: string) => `${segment.slice(0, 4)}\t${segment.slice(4)}`] as const,
      [at, 'a plus', (segment: string) => `${segment.slice(0, -2)}+A`] as const,
      [at, 'a slash', (segment: string) => `${segment.slice(0, -2)}/A`] as const,
      [at, 'a character of another script', (segment: string) => `${segment.slice(0, -1)}А`] as const,
      [
        at,
        'a single character more',
        (segment: string) => `${segment}AAAA`.slice(0, segment.length - (segment.length % 4) + 1),
      ] as const,
    ]),
  )('[ATK-023] of a token whose segment %i has %s are refused', async (at, _, change) => {
    await refused({ token: replaced(at, change) }, 'malformed')
  })

  it('[ATK-023] of a token with stray bits at the end of its signature are refused', async () => {
    await refused({ token: replaced(2, strayBits) }, 'malformed')
  })

  it.each(['\n', '\r\n', '\0', '\u000b'])(
    '[ATK-023] [ATK-091] of a form with %j in the assertion are refused',
    async (text) => {
      const refusal: Refusal = { error: 'invalid_request', reason: 'malformed' }
      for (const at of [0, 1, 2] as const)
        await stage.refused(
          'chat',
          { token: replaced(at, (segment) => `${segment.slice(0, 3)}${text}${segment.slice(3)}`) },
          refusal,
        )
    },
  )

  const payloads: [string, (claims: string) => string | Uint8Array][] = [
    ['[ATK-024] aud twice, ours last', (claims) => claims.replace('{', '{"aud":"https://other.example",')],
    ['[ATK-024] aud twice, ours first', (claims) => claims.replace(/}$/, ',"aud":"https://other.example"}')],
    ['[ATK-024] sub twice', (claims) => claims.replace('{', '{"sub":"bob",')],
    ['[ATK-024] client_id twice', (claims) => claims.replace('{', '{"client_id":"x",')],
    ['[ATK-024] a member twice below', (claims) => claims.replace('{', '{"act":{"sub":"a","sub":"b"},')],
    ['[ATK-025] __proto__', (claims) => claims.replace('{', '{"__proto__":{"sub":"bob"},')],
    ['[ATK-025] an array', (claims) => `[${claims}]`],
    ['[ATK-025] a string', () => '"claims"'],
    ['[ATK-025] a number', () => '7'],
    ['[ATK-025] null', () => 'null'],
    ['[ATK-025] bytes after the object', (claims) => `${claims}x`],
    ['[ATK-025] a second object', (claims) => `${claims}${claims}`],
    ['[ATK-025] NUL after the object', (claims) => `${claims}\0`],
    ['[ATK-025] a comma too many', (claims) => claims.replace(/}$/, ',}')],
    ['[ATK-025] NaN', (claims) => claims.replace('{', '{"x":NaN,')],
    ['[ATK-025] a comment', (claims) => claims.replace('{', '{/**/')],
    ['[ATK-025] UTF-16', (claims) => Buffer.from(claims, 'utf16le')],
    ['[ATK-025] a byte order mark', (claims) => `\ufeff${claims}`],
    ['[ATK-025] invalid UTF-8 in sub', (claims) => Buffer.from(claims.replace('"sub":"', '"sub":"\xff'), 'latin1')],
    ['[ATK-025] an overlong NUL', (claims) => Buffer.from(claims.replace('"sub":"', '"sub":"\xc0\x80'), 'latin1')],
    [
      '[ATK-026] a claim 1 000 levels deep',
      (claims) => claims.replace('{', `{"x":${'['.repeat(1000)}${']'.repeat(1000)},`),
    ],
    [
      '[ATK-026] objects 1 000 levels deep',
      (claims) => claims.replace('{', `{"x":${'{"a":'.repeat(1000)}1${'}'.repeat(1000)},`),
    ],
  ]
  it.each(payloads)('of a payload with %s are refused', async (_, change) => {
    const payload = change(JSON.stringify(stage.idJagClaims()))
    await refused({ token: signedBytes({ typ: idJag }, payload, signer) }, 'malformed')
  })

  it.each([
    ['with a claim 20 000 levels deep', '['.repeat(20_000)],
    ['of 17 KiB', 'x'.repeat(17 * 1024)],
    ['of 45 KiB', 'x'.repeat(45 * 1024)],
  ])('[ATK-026] of an ID-JAG %s are too many', async (_, x) => {
    await refused({ claims: { x } }, 'too_large')
  })

  it.each([70, 1024])('[ATK-026] of an ID-JAG of %i KiB are not read', async (kilobytes) => {
    const refusal: Refusal = { error: 'invalid_request', reason: 'too_large', status: 413 }
    await stage.refused('chat', { claims: { x: 'x'.repeat(kilobytes * 1024) } }, refusal)
  })
})
