/** How a client proves who it is, at both token endpoints. */

import { beforeEach, describe, expect, it } from 'vitest'
import type { Client } from '../../src/protocol/client-auth.ts'
import { secretDigestOf } from '../../src/protocol/secrets.ts'
import { acme, chat } from '../fixture/addresses.ts'
import { type Authentication, basic, byAssertion, type Credentials, post, rawBasic } from '../fixture/clients.ts'
import { type Enterprise, enterprise, exchange, redeem } from '../fixture/enterprise.ts'
import { connectionOf } from '../fixture/identity-provider.ts'
import { expectExchangeRefused, expectRedemptionRefused, type Refusal } from '../fixture/refusal.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

type Kind = 'basic' | 'post' | 'signing' | 'any' | 'open' | 'disabled'
type Proof = (client: Credentials, issuer: string, now: number) => Authentication

/** The same request at both servers, as that server's client of this kind. */
const bothAnswers = async (kind: Kind, proof: Proof) => {
  const at = world.idp.clients[kind]
  const there = world.chat.clients[kind]
  const { now } = world.clock
  const idp = await exchange(world, { claims: { aud: at.id }, as: proof(at, acme, now) })
  const ras = await redeem(world, { claims: { client_id: there.id }, as: proof(there, chat, now) })
  return [idp, ras]
}
const granted = async (kind: Kind, proof: Proof) => {
  for (const answer of await bothAnswers(kind, proof)) expect(answer.statusCode, answer.payload).toBe(200)
}
const refused = async (kind: Kind, proof: Proof, refusal: Refusal) => {
  const { now } = world.clock
  await expectExchangeRefused(world, { as: proof(world.idp.clients[kind], acme, now) }, refusal)
  await expectRedemptionRefused(world, { as: proof(world.chat.clients[kind], chat, now) }, refusal)
}
const ic = (reason: Refusal['reason']): Refusal => ({
  error: 'invalid_client',
  reason,
  description: /^client authentication failed$/,
})
const ir = (reason: Refusal['reason']): Refusal => ({ error: 'invalid_request', reason })

describe('a client', () => {
  it.each<[string, Kind, Proof]>([
    ['by Basic', 'basic', basic],
    ['by Basic, not form-encoded', 'basic', ({ id, secret }) => rawBasic(`${id}:${secret}`)],
    [
      'by Basic, everything form-encoded',
      'basic',
      ({ id, secret }) => rawBasic(`${id.replaceAll('-', '%2D')}:${secret.replaceAll('-', '%2D')}`),
    ],
    [
      '[ATK-067] by Basic, with its client_id in the body',
      'basic',
      (client) => ({ ...basic(client), form: { client_id: client.id } }),
    ],
    ['by a secret in the body', 'post', post],
    ['by a client assertion', 'signing', byAssertion],
    [
      'by a client assertion, with its client_id',
      'signing',
      (client, issuer, now) => ({ form: { ...byAssertion(client, issuer, now).form, client_id: client.id } }),
    ],
    ['by a client assertion of typ JWT', 'signing', (...at) => byAssertion(...at, { header: { typ: 'JWT' } })],
    ['by a client assertion without typ', 'signing', (...at) => byAssertion(...at, { header: { typ: undefined } })],
    ['by a client assertion without iat', 'signing', (...at) => byAssertion(...at, { claims: { iat: undefined } })],
    [
      'by a client assertion for an array of one',
      'signing',
      (client, issuer, now) => byAssertion(client, issuer, now, { claims: { aud: [issuer] } }),
    ],
    ['by whichever it may use: Basic', 'any', basic],
    ['by whichever it may use: the body', 'any', post],
    ['by whichever it may use: an assertion', 'any', byAssertion],
  ])('is known %s [IDP-11] [RAS-03]', async (_, kind, proof) => {
    await granted(kind, proof)
  })

  it.each<[string, Kind, Proof, Refusal]>([
    ['[ATK-066] [IDP-11] [RAS-03] [EMA-08] [T-05] nothing', 'basic', () => ({}), ic('client_unauthenticated')],
    ['[ATK-066] its id alone', 'basic', ({ id }) => ({ form: { client_id: id } }), ic('client_unauthenticated')],
    ['an unknown id alone', 'basic', () => ({ form: { client_id: 'nobody' } }), ic('client_unauthenticated')],
    [
      '[ATK-066] [IDP-12] [SEC-01] [D-08] the id of a public client',
      'open',
      ({ id }) => ({ form: { client_id: id } }),
      { error: 'unauthorized_client', reason: 'public_client' },
    ],
    ['a secret for a public client', 'open', basic, ic('client_unauthenticated')],
    ['an assertion for a public client', 'open', byAssertion, ic('auth_method_mismatch')],
    ['[ATK-045] the secret of a disabled client', 'disabled', basic, ic('client_disabled')],
    ['[ATK-045] the assertion of a disabled client', 'disabled', byAssertion, ic('client_disabled')],
    [
      '[ATK-068] [T-05] a wrong secret',
      'basic',
      (client) => basic({ ...client, secret: 'wrong' }),
      ic('client_unauthenticated'),
    ],
    ['[ATK-068] an empty secret', 'basic', (client) => basic({ ...client, secret: '' }), ic('client_unauthenticated')],
    [
      '[ATK-068] an unknown client',
      'basic',
      (client) => basic({ ...client, id: 'nobody' }),
      ic('client_unauthenticated'),
    ],
    [
      '[ATK-068] a wrong secret in the body',
      'post',
      (client) => post({ ...client, secret: 'wrong' }),
      ic('client_unauthenticated'),
    ],
    ['[ATK-073] Basic where only the body is agreed', 'post', basic, ic('auth_method_mismatch')],
    ['[ATK-073] the body where only Basic is agreed', 'basic', post, ic('auth_method_mismatch')],
    ['[ATK-073] a secret where only a key is agreed', 'signing', basic, ic('client_unauthenticated')],
    ['[ATK-073] a key where only Basic is agreed', 'basic', byAssertion, ic('auth_method_mismatch')],
    [
      'an assertion of an unknown client',
      'signing',
      (client, ...at) => byAssertion({ ...client, id: 'nobody' }, ...at),
      ic('client_unauthenticated'),
    ],
    [
      '[ATK-067] Basic and a secret in the body',
      'any',
      (client) => ({ ...basic(client), ...post(client) }),
      ir('multiple_auth'),
    ],
    [
      '[ATK-067] Basic and an assertion',
      'any',
      (client, ...at) => ({ ...basic(client), ...byAssertion(client, ...at) }),
      ir('multiple_auth'),
    ],
    [
      '[ATK-067] a secret and an assertion',
      'any',
      (client, ...at) => ({ form: { ...post(client).form, ...byAssertion(client, ...at).form } }),
      ir('multiple_auth'),
    ],
    [
      '[ATK-067] Basic and another client_id',
      'basic',
      (client) => ({ ...basic(client), form: { client_id: 'other' } }),
      ir('multiple_auth'),
    ],
    [
      '[ATK-070] Basic that is no base64',
      'basic',
      () => ({ headers: { authorization: 'Basic a:b' } }),
      ic('malformed_auth'),
    ],
    ['[ATK-070] Basic without a colon', 'basic', () => rawBasic('wiki'), ic('malformed_auth')],
    [
      '[ATK-070] Basic with a control character',
      'basic',
      ({ id, secret }) => rawBasic(`${id}:${secret}\n`),
      ic('malformed_auth'),
    ],
    ['[ATK-069] Basic with a broken escape', 'basic', ({ id }) => rawBasic(`${id}:%zz`), ic('malformed_auth')],
    [
      '[ATK-069] Basic that is no UTF-8',
      'basic',
      ({ id }) => rawBasic(Buffer.from(`${id}:\xff`, 'latin1')),
      ic('malformed_auth'),
    ],
    ['Basic with nothing', 'basic', () => ({ headers: { authorization: 'Basic' } }), ic('malformed_auth')],
    [
      'Basic of another name',
      'basic',
      (client) => ({ headers: { authorization: `Basically ${basic(client).headers?.authorization?.slice(6)}` } }),
      ic('malformed_auth'),
    ],
    ['Bearer', 'basic', () => ({ headers: { authorization: 'Bearer abc' } }), ic('malformed_auth')],
    [
      '[ATK-073] an assertion without its type',
      'signing',
      (...at) => ({ form: { ...byAssertion(...at).form, client_assertion_type: undefined } }),
      ir('missing_parameter'),
    ],
    [
      '[ATK-073] an assertion of an unknown type',
      'signing',
      (...at) => ({ form: { ...byAssertion(...at).form, client_assertion_type: 'x' } }),
      ir('unsupported_type'),
    ],
    [
      'a type without its assertion',
      'signing',
      (...at) => ({ form: { ...byAssertion(...at).form, client_assertion: undefined } }),
      ir('missing_parameter'),
    ],
    [
      'an assertion that is no token',
      'signing',
      (...at) => ({ form: { ...byAssertion(...at).form, client_assertion: 'a.b.c' } }),
      ic('client_assertion_invalid'),
    ],
  ])('is refused with %s', async (_, kind, proof, refusal) => {
    await refused(kind, proof, refusal)
  })

  it('[ATK-068] [RC7] looks the same unknown, with a wrong secret, and disabled', async () => {
    const proofs: [Kind, Proof][] = [
      ['basic', (client) => basic({ ...client, id: 'nobody' })],
      ['basic', (client) => basic({ ...client, secret: 'wrong' })],
      ['disabled', basic],
      ['signing', basic],
    ]
    const bodies = new Set<string>()
    for (const [kind, proof] of proofs) for (const answer of await bothAnswers(kind, proof)) bodies.add(answer.payload)
    expect(bodies.size).toBe(1)
  })

  it('[ATK-069] may have any characters in its id and secret, when it form-encodes them', async () => {
    const odd = { id: 'wiki:+ %é', secret: 'se:cr+et %41 ü' }
    const known = world.idp.clients.entries.get(world.idp.clients.basic.id)
    if (known === undefined) throw new Error('no client')
    const client: Client = { ...known, id: odd.id, secretDigest: secretDigestOf(odd.secret) }
    world.idp.clients.entries.set(odd.id, client)
    world.idp.connections.push(connectionOf(odd.id, 'wiki-at-chat'))
    expect((await exchange(world, { claims: { aud: odd.id }, as: basic(odd) })).statusCode).toBe(200)
    const raw = rawBasic(`${odd.id}:${odd.secret}`)
    expect((await exchange(world, { claims: { aud: odd.id }, as: raw })).statusCode).toBe(401)
  })
})
