/** Certificates of clients at the two token endpoints: what becomes bound to them, what is refused, and where they may come from. */

import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { type AddressInfo, BlockList } from 'node:net'
import Fastify from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ClientCertificates } from '../../src/http/client-certificates.ts'
import { idpPlugin } from '../../src/http/idp-plugin.ts'
import { usualBranches } from '../../src/protocol/branches.ts'
import { certificateEncodings } from '../../src/protocol/client-certificate.ts'
import { tokenType } from '../../src/protocol/names.ts'
import type { Reason } from '../../src/protocol/reasons.ts'
import { acme, chat, mcp, search } from '../fixture/addresses.ts'
import { callOverTls, certificateNamed, headerOf, overTls, pemOf, type TlsCall } from '../fixture/certificates.ts'
import {
  type Attempt,
  type Enterprise,
  enterprise,
  exchange,
  exchangeCall,
  redeem,
  redemptionCall,
} from '../fixture/enterprise.ts'
import { identityProvider } from '../fixture/identity-provider.ts'
import { proofFor, proofKeyNamed } from '../fixture/proofs.ts'
import { expectRedemptionRefused } from '../fixture/refusal.ts'
import { claimsOf } from '../fixture/tokens.ts'

const certificate = certificateNamed('client')
const other = certificateNamed('other')
const member = certificateNamed('member')
const key = await proofKeyNamed('proof')
const branches = { ...usualBranches, 'mtls-cnf-binding': true }
const bound = { cnf: { 'x5t#S256': certificate.thumbprint } }
const ofTls: ClientCertificates = { from: 'tls' }

let world: Enterprise
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function started(clientCertificates: ClientCertificates | undefined, on = true): Promise<void> {
  const given = clientCertificates === undefined ? {} : { clientCertificates }
  const resources = [
    { resource: mcp, scopes: ['chat.read', 'chat.write'] },
    { resource: search, scopes: ['search.read'], boundTokens: true },
  ]
  world = await enterprise({ resources, ...(on ? { branches } : {}), plugin: given })
  world.idp = await identityProvider(world, world.chat.clients, given)
  if (on) world.idp.provider.branches = branches
}

/** The identity provider anew, with what the test has changed in it. */
async function idpApp() {
  const { clients, provider } = world.idp
  const app = Fastify()
  await app.register(idpPlugin, {
    identityProvider: provider,
    findClient: async (id) => clients.entries.get(id),
    ports: world.ports,
    policyVersion: () => 'policy-7',
    clientCertificates: ofTls,
  })
  return app
}

/** At the token endpoint of one of the two, over TLS. */
async function ask(
  at: 'idp' | 'chat',
  attempt: Attempt = {},
  call: Pick<TlsCall, 'certificate' | 'session' | 'maxVersion'> = {},
  ca?: string,
) {
  const server = await overTls(world[at].app, ca)
  open.push(server)
  const { form, headers } = at === 'idp' ? exchangeCall(world, attempt) : redemptionCall(world, attempt)
  return await callOverTls(server.origin, { form, headers, ...call })
}
const proofAt = (issuer: string) => ({ dpop: proofFor(key, { address: `${issuer}/token`, now: world.clock.now }) })
const tokenOf = (answer: { body: { [member: string]: unknown } }) => claimsOf(String(answer.body.access_token))

describe('the exchange with certificates', () => {
  beforeEach(() => started(ofTls))

  it('[FL-MTLS-01] [MT-02] binds the ID-JAG to the certificate of the connection, and its token_type stays N_A', async () => {
    const answer = await ask('idp', {}, { certificate })
    expect([answer.statusCode, answer.body]).toMatchObject([200, { token_type: 'N_A' }])
    expect(tokenOf(answer).cnf).toEqual(bound.cnf)
    expect(tokenOf(await ask('idp'))).not.toHaveProperty('cnf')
  })

  it('gives a client that promised its certificate no refresh token without it either', async () => {
    const { clients, connections, provider, servers } = world.idp
    const asking = { form: { requested_token_type: tokenType.refreshToken, audience: undefined, resource: undefined } }
    for (const connection of connections) connection.refreshTokens = { maxAge: 3600 }
    for (const client of clients.entries.values()) client.boundTokens = 'certificate'
    const kept: string[] = []
    provider.refreshTokenIssue = {
      sessionAge: 3600,
      audiences: () => servers.map(({ issuer }) => issuer),
      keep: async (token) => void kept.push(token),
      end: async () => {},
    }
    world.idp.app = await idpApp()
    const without = await ask('idp', asking)
    expect([without.body.error, world.audit.at(-1)?.reason, kept]).toEqual(['invalid_request', 'pop_required', []])
    const answer = await ask('idp', asking, { certificate })
    expect([answer.statusCode, answer.body.access_token]).toEqual([200, kept[0]])
  })

  it('[FL-MTLS-01] binds it to the key of a DPoP proof alone where both came', async () => {
    const answer = await ask('idp', { headers: proofAt(acme) }, { certificate })
    expect(tokenOf(answer).cnf).toEqual({ jkt: key.thumbprint })
  })

  it('knows the certificate on a connection that is resumed, too', async () => {
    const server = await overTls(world.idp.app)
    open.push(server)
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { form, headers } = exchangeCall(world)
      const { session } = await callOverTls(server.origin, { form, headers, certificate, maxVersion })
      expect(session).toBeDefined()
      const again = exchangeCall(world)
      const answer = await callOverTls(server.origin, {
        ...{ form: again.form, headers: again.headers, certificate, maxVersion },
        ...(session === undefined ? {} : { session }),
      })
      expect([answer.resumed, tokenOf(answer).cnf]).toEqual([true, bound.cnf])
    }
  })

  it('refuses a certificate whose time is over, and issues nothing', async () => {
    const answer = await ask('idp', {}, { certificate: certificateNamed('expired') })
    expect([answer.statusCode, answer.body.error]).toEqual([400, 'invalid_request'])
    expect(world.audit).toMatchObject([{ outcome: 'refused', reason: 'pop_malformed', error: 'invalid_request' }])
    expect((await ask('idp', {}, { certificate })).statusCode).toBe(200)
  })

  it('where an authority is named takes its certificates alone', async () => {
    await started({ from: 'tls', verified: true })
    const authority = pemOf('authority')
    const refused = await ask('idp', {}, { certificate }, authority)
    expect([refused.statusCode, refused.body.error]).toEqual([400, 'invalid_request'])
    expect(world.audit).toMatchObject([{ reason: 'pop_malformed' }])
    expect(tokenOf(await ask('idp', {}, { certificate: member }, authority)).cnf).toEqual({
      'x5t#S256': member.thumbprint,
    })
    expect(tokenOf(await ask('idp', {}, {}, authority))).not.toHaveProperty('cnf')
  })

  it('means nothing while the branch is off', async () => {
    await started(ofTls, false)
    expect(tokenOf(await ask('idp', {}, { certificate }))).not.toHaveProperty('cnf')
  })
})

describe('the redemption with certificates', () => {
  beforeEach(() => started(ofTls))

  it('[FL-MTLS-02] [MT-02] of an ID-JAG bound to the certificate gives a Bearer token bound to it', async () => {
    const answer = await ask('chat', { claims: bound }, { certificate })
    expect([answer.statusCode, answer.body]).toMatchObject([200, { token_type: 'Bearer' }])
    expect(tokenOf(answer).cnf).toEqual(bound.cnf)
  })

  it('[FL-MTLS-02] takes the ID-JAG of an exchange with the same certificate', async () => {
    const idJag = String((await ask('idp', {}, { certificate })).body.access_token)
    expect(tokenOf(await ask('chat', { token: idJag }, { certificate })).cnf).toEqual(bound.cnf)
  })

  it.each<[string, Reason, Pick<TlsCall, 'certificate'>]>([
    ['without a certificate', 'pop_missing', {}],
    ['with another certificate', 'pop_mismatch', { certificate: other }],
  ])('[FL-MTLS-02] [ATK-076] of an ID-JAG bound to one, %s, is refused and spends nothing', async (_, reason, call) => {
    const claims = { ...bound, jti: 'one-and-the-same' }
    for (const headers of [{}, proofAt(chat)]) {
      const refused = await ask('chat', { claims, headers }, call)
      expect([refused.statusCode, refused.body]).toMatchObject([400, { error: 'invalid_grant' }])
      expect(world.audit.at(-1)).toMatchObject({ outcome: 'refused', reason })
    }
    expect(world.spent).toEqual([])
    expect((await ask('chat', { claims }, { certificate })).statusCode).toBe(200)
  })

  it('of an ID-JAG bound to a key is refused with a certificate in place of the proof', async () => {
    const claims = { cnf: { jkt: key.thumbprint } }
    const refused = await ask('chat', { claims }, { certificate })
    expect([refused.statusCode, refused.body]).toMatchObject([400, { error: 'invalid_grant' }])
    expect(world.audit.at(-1)).toMatchObject({ reason: 'pop_missing' })
    const proven = await ask('chat', { claims, headers: proofAt(chat) }, { certificate })
    expect([proven.body.token_type, tokenOf(proven).cnf]).toEqual(['DPoP', claims.cnf])
  })

  it.each([
    ['a key and a certificate', { jkt: key.thumbprint, 'x5t#S256': certificate.thumbprint }],
    ['an empty thumbprint', { 'x5t#S256': '' }],
    ['the other thumbprint of certificates', { x5t: certificate.thumbprint }],
  ])('[POP-08] of an ID-JAG bound to %s is refused', async (_, cnf) => {
    const refused = await ask('chat', { claims: { cnf } }, { certificate })
    expect([refused.statusCode, refused.body]).toMatchObject([400, { error: 'invalid_grant' }])
    expect(world.audit.at(-1)).toMatchObject({ reason: 'pop_unsupported' })
  })

  it('[FL-MTLS-02] of an ID-JAG that is not bound binds the access token where a certificate came', async () => {
    expect(tokenOf(await ask('chat', {}, { certificate })).cnf).toEqual(bound.cnf)
    const neither = await ask('chat')
    expect(neither.body).toMatchObject({ token_type: 'Bearer' })
    expect(tokenOf(neither)).not.toHaveProperty('cnf')
  })

  it('[FL-MTLS-02] for a resource that demands bound tokens takes a certificate as well as a proof', async () => {
    const claims = { resource: search, scope: 'search.read', jti: 'j' }
    const refused = await ask('chat', { claims })
    expect(refused.body).toMatchObject({
      error: 'invalid_grant',
      error_description: `${search} takes sender-constrained tokens alone: send a DPoP proof, or come with a certificate`,
    })
    expect(world.audit.at(-1)).toMatchObject({ reason: 'pop_required' })
    expect((await ask('chat', { claims }, { certificate })).body).toMatchObject({ token_type: 'Bearer' })
  })

  it('[POP-08] [ATK-076] while the branch is off refuses what is bound to a certificate, with it and without', async () => {
    await started(ofTls, false)
    const refusal = { error: 'invalid_grant', reason: 'pop_unsupported' } as const
    await expectRedemptionRefused(world, { claims: bound }, refusal)
    const refused = await ask('chat', { claims: bound }, { certificate })
    expect([refused.statusCode, refused.body]).toMatchObject([400, { error: 'invalid_grant' }])
  })
})

describe('a client that promised to bind its tokens', () => {
  beforeEach(() => started(ofTls))
  const promised = (at: 'idp' | 'chat', boundTokens: 'dpop' | 'certificate') => {
    const { entries, basic } = world[at].clients
    const client = entries.get(basic.id)
    if (client !== undefined) entries.set(basic.id, { ...client, boundTokens })
  }

  it.each(['idp', 'chat'] as const)('[DP-06] to a key is refused without a proof at the %s', async (at) => {
    promised(at, 'dpop')
    for (const call of [{}, { certificate }]) {
      const refused = await ask(at, {}, call)
      expect([refused.statusCode, refused.body]).toMatchObject([400, { error: 'invalid_dpop_proof' }])
      expect(world.audit.at(-1)).toMatchObject({ reason: 'pop_required' })
    }
    expect(world.spent).toEqual([])
    expect((await ask(at, { headers: proofAt(at === 'idp' ? acme : chat) })).statusCode).toBe(200)
  })

  it.each(['idp', 'chat'] as const)('[MT-04] to its certificate is refused without it at the %s', async (at) => {
    promised(at, 'certificate')
    for (const attempt of [{}, { headers: proofAt(at === 'idp' ? acme : chat) }]) {
      const refused = await ask(at, attempt)
      expect([refused.statusCode, refused.body]).toMatchObject([400, { error: 'invalid_request' }])
      expect(world.audit.at(-1)).toMatchObject({ reason: 'pop_required' })
    }
    expect((await ask(at, {}, { certificate })).statusCode).toBe(200)
  })
})

describe('certificates in the header of a proxy', () => {
  const proxies = new BlockList()
  proxies.addSubnet('127.0.0.0', 8, 'ipv4')
  proxies.addSubnet('fd00::', 8, 'ipv6')
  const header = 'x-client-cert'
  const by = (encoding: (typeof certificateEncodings)[number] = 'pem-urlencoded') =>
    started({ from: proxies, header, encoding })

  it.each(certificateEncodings)('[MT-05] are read in the encoding %s', async (encoding) => {
    await by(encoding)
    const answer = await exchange(world, { headers: { [header]: headerOf(certificate, encoding) } })
    expect(claimsOf((answer.json() as { access_token: string }).access_token).cnf).toEqual(bound.cnf)
    const empty = await exchange(world, { headers: { [header]: '' } })
    expect(claimsOf((empty.json() as { access_token: string }).access_token)).not.toHaveProperty('cnf')
  })

  it.each(certificateEncodings)('are refused when they are not exactly one in the encoding %s', async (encoding) => {
    await by(encoding)
    const good = headerOf(certificate, encoding)
    const others = certificateEncodings.filter((one) => one !== encoding).map((one) => headerOf(certificate, one))
    const twice = { 'pem-urlencoded': good + good, 'der-base64': `${good}${good}`, rfc9440: `${good}, ${good}` }
    const longer = Buffer.concat([certificate.x509.raw, Buffer.from('more')]).toString('base64')
    const pem = `-----BEGIN CERTIFICATE-----\n${longer}\n-----END CERTIFICATE-----\n`
    const trailing = { 'pem-urlencoded': encodeURIComponent(pem), 'der-base64': longer, rfc9440: `:${longer}:` }
    const bad = ['x', '%', '::', good.slice(0, -20), twice[encoding], trailing[encoding], good.repeat(15), ...others]
    for (const value of bad) {
      const refused = await exchange(world, { headers: { [header]: value } })
      expect([value, refused.statusCode, refused.json()]).toMatchObject([value, 400, { error: 'invalid_request' }])
      expect(world.audit.at(-1)).toMatchObject({ outcome: 'refused', reason: 'pop_malformed' })
    }
    expect((await exchange(world, { headers: { [header]: good } })).statusCode).toBe(200)
  })

  it('are refused when the header comes twice', async () => {
    await by()
    const { app } = world.idp
    await app.listen({ host: '127.0.0.1', port: 0 })
    open.push(app)
    const { port } = app.server.address() as AddressInfo
    const value = headerOf(certificate, 'pem-urlencoded')
    const ask = async (values: string[]) => {
      const { form, headers } = exchangeCall(world)
      const request = httpRequest({
        port,
        path: '/token',
        method: 'POST',
        headers: {
          authorization: headers?.authorization ?? '',
          'content-type': 'application/x-www-form-urlencoded',
          [header]: values,
        },
      }).end(new URLSearchParams(form as Record<string, string>).toString())
      const [response] = await once(request, 'response')
      response.resume()
      return response.statusCode
    }
    expect([await ask([value, value]), await ask([value])]).toEqual([400, 200])
  })

  it.each(['10.0.0.7', '::1', 'fe80::1%eth0'])('[MT-05] are refused from %o, which is no proxy', async (address) => {
    await by()
    const { form, headers } = exchangeCall(world, {
      headers: { [header]: headerOf(certificate, 'pem-urlencoded') },
    })
    const from = async (remoteAddress: string, all: object = headers ?? {}) =>
      await world.idp.app.inject({
        method: 'POST',
        url: '/token',
        remoteAddress,
        headers: { ...all, 'content-type': 'application/x-www-form-urlencoded' },
        payload: new URLSearchParams(form as Record<string, string>).toString(),
      })
    const refused = await from(address)
    expect([refused.statusCode, refused.json()]).toMatchObject([400, { error: 'invalid_request' }])
    expect(world.audit.at(-1)).toMatchObject({ reason: 'pop_malformed', error: 'invalid_request' })
    expect((await from('fd00::7')).statusCode).toBe(200)
    expect((await from('::ffff:127.0.0.1')).statusCode).toBe(200)
    const without = await from(address, { authorization: headers?.authorization })
    expect(claimsOf((without.json() as { access_token: string }).access_token)).not.toHaveProperty('cnf')
  })

  it('mean nothing where no header is configured', async () => {
    for (const source of [undefined, ofTls]) {
      await started(source)
      const answer = await exchange(world, { headers: { [header]: headerOf(certificate, 'pem-urlencoded') } })
      expect(claimsOf((answer.json() as { access_token: string }).access_token)).not.toHaveProperty('cnf')
      const refused = await redeem(world, { claims: bound, headers: { [header]: headerOf(certificate, 'rfc9440') } })
      expect(refused.json()).toMatchObject({ error: 'invalid_grant' })
      expect(world.audit.at(-1)).toMatchObject({ reason: 'pop_missing' })
    }
  })
})

describe('the metadata', () => {
  const metadataOf = async (at: 'idp' | 'chat') =>
    (await world[at].app.inject('/.well-known/oauth-authorization-server')).json() as Record<string, unknown>

  it('[MT-04] say that tokens can be bound to certificates, and where they are asked for', async () => {
    world = await enterprise({
      branches,
      plugin: { clientCertificates: ofTls, mtlsOrigin: 'https://mtls.chat.example' },
    })
    expect(await metadataOf('chat')).toMatchObject({
      tls_client_certificate_bound_access_tokens: true,
      mtls_endpoint_aliases: { token_endpoint: 'https://mtls.chat.example/token' },
    })
    await started(ofTls)
    const idp = await identityProvider(world, world.chat.clients, { clientCertificates: ofTls })
    for (const document of [await metadataOf('chat'), await metadataOf('idp')])
      expect(document).not.toHaveProperty('mtls_endpoint_aliases')
    expect(await metadataOf('chat')).toMatchObject({ tls_client_certificate_bound_access_tokens: true })
    expect(idp.provider.branches).toBeUndefined()
  })

  it('say nothing of it while the branch is off, or no certificate is ever seen', async () => {
    for (const [source, on] of [
      [ofTls, false],
      [undefined, true],
    ] as const) {
      await started(source, on)
      for (const at of ['idp', 'chat'] as const)
        expect(await metadataOf(at)).not.toHaveProperty('tls_client_certificate_bound_access_tokens')
    }
  })
})
