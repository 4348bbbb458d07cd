/** Clients that are not who they say, at both servers of the running enterprise, and proofs of possession that prove nothing. */

import { randomBytes } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import { publicPartOf } from '../../src/protocol/keys.ts'
import { clientAssertionType, grantType } from '../../src/protocol/names.ts'
import { type Authentication, basic, byAssertion, post, rawBasic } from '../fixture/clients.ts'
import { privateJwk, rsaJwk, signerOf } from '../fixture/keys.ts'
import { proofFor, proofKeyNamed } from '../fixture/proofs.ts'
import { base64url, signed, withSignature } from '../fixture/tokens.ts'
import { type Change, now, type Refusal, underAttack } from './stage.ts'

const stage = await underAttack()
const { world } = stage
afterAll(stage.close)

const ic = (reason: Refusal['reason']): Refusal => ({
  error: 'invalid_client',
  reason,
  description: /^client authentication failed$/,
})
const ir = (reason: Refusal['reason']): Refusal => ({ error: 'invalid_request', reason })
const attacker = await signerOf('attacker')

describe.each(['idp', 'chat'] as const)('at %s', (at) => {
  const client = at === 'idp' ? stage.idpClient : stage.chatClient
  const other = at === 'idp' ? stage.chatClient : stage.idpClient
  const notebook = world.clients.notebook[at === 'idp' ? 'idp' : 'resourceAs']
  const issuer = at === 'idp' ? world.idp.issuer : world.resourceAs.chat.issuer
  const address = `${issuer}/token`
  const refused = async (as: Authentication, refusal: Refusal) => await stage.refused(at, { as }, refusal)
  const authorization = (value: string) => ({ headers: { authorization: value } })

  describe('credentials', () => {
    it.each<[string, () => Authentication, Refusal]>([
      ['[ATK-066] none', () => ({}), ic('client_unauthenticated')],
      ['[ATK-066] an id alone', () => ({ form: { client_id: client.id } }), ic('client_unauthenticated')],
      ['[ATK-066] an unknown id alone', () => ({ form: { client_id: 'nobody' } }), ic('client_unauthenticated')],
      ['[ATK-067] Basic and a secret in the body', () => ({ ...basic(client), ...post(client) }), ir('multiple_auth')],
      [
        '[ATK-067] Basic and the secret of another in the body',
        () => ({ ...basic(client), ...post(other) }),
        ir('multiple_auth'),
      ],
      [
        '[ATK-067] Basic and an assertion',
        () => ({ ...basic(client), ...byAssertion(client, issuer, now) }),
        ir('multiple_auth'),
      ],
      [
        '[ATK-067] Basic and the type of an assertion',
        () => ({ ...basic(client), form: { client_assertion_type: clientAssertionType } }),
        ir('multiple_auth'),
      ],
      [
        '[ATK-067] [ATK-073] Basic and an unknown client_assertion_type',
        () => ({ ...basic(client), form: { client_assertion_type: 'x' } }),
        ir('multiple_auth'),
      ],
      [
        '[ATK-067] a secret and an assertion',
        () => ({ form: { ...post(client).form, ...byAssertion(client, issuer, now).form } }),
        ir('multiple_auth'),
      ],
      [
        '[ATK-067] [ATK-101] Basic and another client_id',
        () => ({ ...basic(client), form: { client_id: notebook.id } }),
        ir('multiple_auth'),
      ],
      ['[ATK-068] a wrong secret', () => basic({ ...client, secret: 'wrong' }), ic('client_unauthenticated')],
      [
        '[ATK-068] a secret with more behind it',
        () => basic({ ...client, secret: `${client.secret}x` }),
        ic('client_unauthenticated'),
      ],
      ['[ATK-068] an empty secret', () => basic({ ...client, secret: '' }), ic('client_unauthenticated')],
      ['[ATK-068] no secret', () => rawBasic(`${client.id}:`), ic('client_unauthenticated')],
      [
        '[ATK-068] the secret of another client',
        () => basic({ ...client, secret: notebook.secret }),
        ic('client_unauthenticated'),
      ],
      ['[ATK-068] an unknown client', () => basic({ ...client, id: 'nobody' }), ic('client_unauthenticated')],
      ['[ATK-068] the client at the other server', () => basic(other), ic('client_unauthenticated')],
      ['[ATK-068] a client of every object', () => basic({ ...client, id: '__proto__' }), ic('client_unauthenticated')],
      [
        '[ATK-068] an id in other case',
        () => basic({ ...client, id: client.id.toUpperCase() }),
        ic('client_unauthenticated'),
      ],
      [
        '[ATK-069] an id with a colon that is not encoded',
        () => rawBasic(`a:${client.id}:${client.secret}`),
        ic('client_unauthenticated'),
      ],
      ['[ATK-069] a broken escape', () => rawBasic(`${client.id}:%zz`), ic('malformed_auth')],
      ['[ATK-069] no UTF-8', () => rawBasic(Buffer.from(`${client.id}:\xff`, 'latin1')), ic('malformed_auth')],
      ['[ATK-069] an escape that is no UTF-8', () => rawBasic(`${client.id}:%ff`), ic('malformed_auth')],
      ['[ATK-070] Basic that is no base64', () => authorization('Basic a:b'), ic('malformed_auth')],
      ['[ATK-070] Basic without its padding', () => authorization('Basic YWI6Yw'), ic('malformed_auth')],
      ['[ATK-070] Basic with stray bits at its end', () => authorization('Basic YWI6Yx=='), ic('malformed_auth')],
      ['[ATK-070] Basic with padding in the middle', () => authorization('Basic YTo=YTo='), ic('malformed_auth')],
      ['[ATK-070] Basic without a colon', () => rawBasic('wiki'), ic('malformed_auth')],
      [
        '[ATK-070] Basic with a control character',
        () => rawBasic(`${client.id}:${client.secret}\n`),
        ic('malformed_auth'),
      ],
      ['[ATK-070] Basic with NUL', () => rawBasic(`${client.id}\0:${client.secret}`), ic('malformed_auth')],
      ['[ATK-070] Basic alone', () => authorization('Basic'), ic('malformed_auth')],
      [
        '[ATK-070] a scheme that begins like Basic',
        () => authorization(`Basically ${basic(client).headers?.authorization?.slice(6)}`),
        ic('malformed_auth'),
      ],
      ['[ATK-070] Bearer', () => authorization('Bearer abc'), ic('malformed_auth')],
      ['[ATK-070] Digest', () => authorization('Digest username=a'), ic('malformed_auth')],
      ['[ATK-070] nothing', () => authorization(''), ic('malformed_auth')],
      ['[ATK-073] a body where only Basic is agreed', () => post(notebook), ic('auth_method_mismatch')],
      [
        '[ATK-073] a key where only Basic is agreed',
        () => byAssertion({ ...client, id: notebook.id }, issuer, now),
        ic('auth_method_mismatch'),
      ],
      [
        '[ATK-073] an assertion without its type',
        () => ({ form: { ...byAssertion(client, issuer, now).form, client_assertion_type: undefined } }),
        ir('missing_parameter'),
      ],
      [
        '[ATK-073] an assertion of an unknown type',
        () => ({ form: { ...byAssertion(client, issuer, now).form, client_assertion_type: 'x' } }),
        ir('unsupported_type'),
      ],
    ])('%s are refused', async (_, as, refusal) => {
      await refused(as(), refusal)
    })

    it.each<[string, Authentication]>([
      [
        '[ATK-067] [T36] Basic with the same client_id in the body',
        { ...basic(client), form: { client_id: client.id } },
      ],
      ['[T36] a secret in the body', post(client)],
    ])('%s are taken', async (_, as) => {
      await stage.granted(at, { as })
    })

    it('[T36] an assertion is taken, with and without the client_id in the body', async () => {
      await stage.granted(at, { as: byAssertion(client, issuer, now) })
      const { form } = byAssertion(client, issuer, now)
      await stage.granted(at, { as: { form: { ...form, client_id: client.id } } })
    })

    it('[ATK-068] look the same wrong, unknown and of another method, byte for byte', async () => {
      const bodies = new Set<string>()
      for (const as of [
        basic({ ...client, secret: 'wrong' }),
        basic({ ...client, id: 'nobody' }),
        basic(other),
        post(notebook),
        byAssertion({ ...client, signer: attacker }, issuer, now),
        byAssertion({ ...client, id: 'nobody' }, issuer, now),
      ]) {
        const answer = await stage.ask(at, { as })
        bodies.add(`${answer.statusCode} ${answer.payload}`)
      }
      expect(bodies.size).toBe(1)
    })
  })

  describe('a client assertion', () => {
    const made = (claims: Record<string, unknown>, header: Record<string, unknown> = {}) =>
      byAssertion(client, issuer, now, { claims, header })

    it.each<[string, Record<string, unknown>]>([
      ['[ATK-071] for the token endpoint', { aud: address }],
      ['[ATK-071] for two', { aud: [issuer, 'https://x.example'] }],
      ['[ATK-071] for the other server', { aud: at === 'idp' ? world.resourceAs.chat.issuer : world.idp.issuer }],
      ['[ATK-071] for the issuer with a slash', { aud: `${issuer}/` }],
      ['[ATK-071] for nobody', { aud: [] }],
      ['[ATK-071] without aud', { aud: undefined }],
      ['[ATK-071] whose iss is another', { iss: notebook.id }],
      ['[ATK-071] without iss', { iss: undefined }],
      ['[ATK-071] whose sub is no text', { sub: 7 }],
      ['[ATK-071] without exp', { exp: undefined }],
      ['[ATK-071] whose exp is text', { exp: String(now + 60) }],
      ['[ATK-071] that lives longer than an hour', { exp: now + 3601 }],
      ['[ATK-071] that lives for ever', { exp: 1e300 }],
      ['[ATK-071] that is over', { exp: now - 31, iat: now - 60 }],
      ['[ATK-071] from the future', { iat: now + 60 }],
      ['[ATK-071] without jti', { jti: undefined }],
      ['[ATK-071] whose jti is a number', { jti: 7 }],
      ['[ATK-071] whose jti holds NUL', { jti: 'a\0b' }],
      ['[ATK-071] with an endless jti', { jti: 'j'.repeat(257) }],
    ])('%s is refused', async (_, claims) => {
      await refused(made(claims), ic('client_assertion_invalid'))
    })

    it.each<[string, Record<string, unknown>]>([
      ['[ATK-072] with alg none', { alg: 'none' }],
      ['[ATK-072] with HS256', { alg: 'HS256' }],
      ['[ATK-072] with RS256 and the kid of another kind of key', { alg: 'RS256' }],
      ['[ATK-004] that is an ID-JAG by its typ', { typ: 'oauth-id-jag+jwt' }],
      ['[ATK-004] that is an access token by its typ', { typ: 'at+jwt' }],
      ['[ATK-072] with crit', { crit: ['x'], x: 1 }],
    ])('%s is refused', async (_, header) => {
      await refused(made({}, header), ic('client_assertion_invalid'))
    })

    it('[ATK-072] by another’s key, also under the kid of this one, or brought along, is refused', async () => {
      const { kid } = client.signer
      const jwk = publicPartOf(await privateJwk('attacker'))
      for (const header of [{}, { kid }, { kid, jwk }, { kid: undefined, jwk }])
        await refused(
          byAssertion({ ...client, signer: attacker }, issuer, now, { header }),
          ic('client_assertion_invalid'),
        )
      await refused(byAssertion({ ...client, signer: other.signer }, issuer, now), ic('client_assertion_invalid'))
    })

    it('[ATK-064] is good once, and not used up by a refusal', async () => {
      const as = byAssertion(client, issuer, now)
      await stage.refused(
        at,
        { as, form: { scope: 'nothing-known' } },
        { error: 'invalid_scope', reason: 'scope_denied' },
      )
      await stage.granted(at, { as })
      await refused(as, ic('client_assertion_replay'))
    })

    it('[ATK-064] of fifty at once is good for one', async () => {
      const as = byAssertion(client, issuer, now)
      const answers = await Promise.all(Array.from({ length: 50 }, () => stage.ask(at, { as })))
      expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1)
      expect(answers.filter(({ statusCode }) => statusCode === 401)).toHaveLength(49)
    })
  })

  describe('a DPoP proof', async () => {
    const key = await proofKeyNamed('proof')
    const made = (claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}) =>
      proofFor(key, { address, now }, { claims, header })
    const privateProofJwk = await privateJwk('proof')
    const refusedProof = async (dpop: string, reason: Refusal['reason']) =>
      await stage.refused(at, { headers: { dpop } }, { error: 'invalid_dpop_proof', reason })

    it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
      ['of another typ', {}, { typ: 'jwt' }],
      ['without typ', {}, { typ: undefined }],
      ['with alg none', {}, { alg: 'none' }],
      ['with HS256', {}, { alg: 'HS256' }],
      ['without jwk', {}, { jwk: undefined }],
      ['whose jwk is private', {}, { jwk: privateProofJwk }],
      ['whose jwk is symmetric', {}, { jwk: { kty: 'oct', k: 'AAAA' } }],
      ['whose jwk is text', {}, { jwk: 'x' }],
      ['without jti', { jti: undefined }, {}],
      ['without htm', { htm: undefined }, {}],
      ['without htu', { htu: undefined }, {}],
      ['without iat', { iat: undefined }, {}],
      ['with crit', {}, { crit: ['x'] }],
      ['with a jti that is an object', { jti: {} }, {}],
      ['with an endless jti', { jti: 'j'.repeat(257) }, {}],
    ])('[ATK-079] [ATK-084] [ATK-083] %s is refused', async (_, claims, header) => {
      await refusedProof(made(claims, header), 'pop_malformed')
    })

    it('[ATK-079] that is no token, or whose signature is another’s, is refused', async () => {
      for (const text of ['x', 'a.b.c', 'e30.e30.e30', `${made()}.`, `${made()},`, 'Bearer x'])
        await refusedProof(text, 'pop_malformed')
      await refusedProof(withSignature(base64url(Buffer.alloc(64)))(made()), 'pop_malformed')
      const stranger = await proofKeyNamed('stranger')
      await refusedProof(proofFor({ ...stranger, jwk: key.jwk }, { address, now }), 'pop_malformed')
    })

    it('[ATK-078] that a proxy joined with another is refused', async () => {
      await refusedProof(`${made()}, ${made()}`, 'pop_malformed')
    })

    it.each<[string, Record<string, unknown>]>([
      ['for GET', { htm: 'GET' }],
      ['for another path', { htu: `${issuer}/other` }],
      ['for another server', { htu: `${at === 'idp' ? world.resourceAs.chat.issuer : world.idp.issuer}/token` }],
      ['for no address', { htu: '/token' }],
      ['an hour old', { iat: now - 3600 }],
      ['an hour ahead', { iat: now + 3600 }],
    ])('[ATK-080] %s is refused', async (_, claims) => {
      await refusedProof(made(claims), 'pop_mismatch')
    })

    it.each<[string, Record<string, unknown>]>([
      ['whose htu has a query and a fragment', { htu: `${address}?x=1#y` }],
      ['10 s old', { iat: now - 10 }],
      ['10 s ahead', { iat: now + 10 }],
    ])('[ATK-080] %s is taken', async (_, claims) => {
      await stage.granted(at, { headers: { dpop: made(claims) } })
    })

    it('[ATK-081] is good once, of thirty at once and afterwards', async () => {
      const dpop = made()
      const answers = await Promise.all(Array.from({ length: 30 }, () => stage.ask(at, { headers: { dpop } })))
      expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1)
      await refusedProof(dpop, 'pop_replay')
    })

    it.each<[string, () => { n?: string; e?: string }]>([
      ['1024 bits', () => rsaJwk(1024, 'weak')],
      ['16 384 bits', () => ({ n: base64url(Buffer.concat([Buffer.of(0xff), randomBytes(2047)])), e: 'AQAB' })],
      ['3072 bits and a huge exponent', () => ({ ...rsaJwk(2048, 'slow'), e: base64url(randomBytes(384)) })],
    ])('[ATK-082] with an RSA key of %s is refused', async (_, weak) => {
      const { n, e } = weak()
      const header = { alg: 'RS256', typ: 'dpop+jwt', kid: undefined, jwk: { kty: 'RSA', n, e } }
      const claims = { jti: 'j', htm: 'POST', htu: address, iat: now }
      await refusedProof(
        withSignature(base64url(randomBytes(384)))(signed(header, claims, key.signer)),
        'pop_key_refused',
      )
    })

    if (at === 'idp')
      it('[ATK-084] binds the ID-JAG, whose token_type stays N_A', async () => {
        const answer = await stage.granted('idp', { headers: { dpop: made() } })
        expect(answer.json()).toMatchObject({ token_type: 'N_A' })
        const claims = JSON.parse(Buffer.from(String(answer.json().access_token.split('.')[1]), 'base64url').toString())
        expect(claims.cnf).toEqual({ jkt: key.thumbprint })
      })
    else
      it('[ATK-077] [ATK-076] [T76] by another key than the ID-JAG is bound to is refused, and the right one is taken', async () => {
        const claims = { cnf: { jkt: key.thumbprint }, jti: 'bound' }
        const stranger = proofFor(await proofKeyNamed('stranger'), { address, now })
        const answer = await stage.ask('chat', { claims, headers: { dpop: stranger } })
        expect([answer.json().error, world.audit.at(-1)?.reason]).toEqual(['invalid_grant', 'pop_mismatch'])
        for (const cnf of [{ 'x5t#S256': 'x' }, {}, { jkt: key.thumbprint, 'x5t#S256': 'x' }, { jkt: '' }]) {
          const change: Change = { claims: { cnf }, headers: { dpop: made() } }
          await stage.refused('chat', change, { error: 'invalid_grant', reason: 'pop_unsupported' })
        }
        const right = await stage.granted('chat', { claims, headers: { dpop: made() } })
        expect(right.json()).toMatchObject({ token_type: 'DPoP' })
      })
  })

  it('[T06] [T07] [T88] garbage in every place is refused in the words of the specifications, and never with a 5xx', async () => {
    const garbage = [
      '',
      ' ',
      '.',
      '..',
      'null',
      '{}',
      '%',
      'eyJ',
      'x'.repeat(5000),
      '😀',
      '-1',
      '[]',
      'undefined',
      '<x/>',
    ]
    const names = [
      'grant_type',
      'assertion',
      'subject_token',
      'subject_token_type',
      'audience',
      'requested_token_type',
      'client_assertion',
      'resource',
      'scope',
      'authorization_details',
      'actor_token',
    ]
    const codes =
      /^(invalid_request|invalid_client|invalid_grant|unsupported_grant_type|invalid_scope|invalid_target|invalid_authorization_details)$/
    for (const name of names)
      for (const value of garbage) {
        const answer = await stage.ask(at, { form: { [name]: value } })
        expect(answer.statusCode, `${name}=${value}`).toBeLessThan(500)
        if (answer.statusCode !== 200) expect(answer.json().error).toMatch(codes)
      }
    await stage.granted(at)
  })
})

it('[T35] the grant of the other server is refused with the name of the right one', async () => {
  for (const [at, other, right] of [
    ['idp', grantType.jwtBearer, grantType.tokenExchange],
    ['chat', grantType.tokenExchange, grantType.jwtBearer],
  ] as const) {
    const answer = await stage.ask(at, { form: { grant_type: other } })
    expect(answer.json()).toMatchObject({
      error: 'unsupported_grant_type',
      error_description: expect.stringContaining(right),
    })
    await stage.granted(at)
  }
})
