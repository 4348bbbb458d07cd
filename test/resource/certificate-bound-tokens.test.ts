/** A protected resource and tokens that are bound to a certificate: the same certificate on the connection, or no access (RFC 8705 §3). */

import { BlockList } from 'node:net'
import Fastify from 'fastify'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ClientCertificates } from '../../src/http/client-certificates.ts'
import { principalOf, type ResourcePluginOptions, resourcePlugin } from '../../src/http/resource-plugin.ts'
import { introspection } from '../../src/resource/introspection.ts'
import { dangerouslyLocalOnly, type Revocation } from '../../src/resource/revocation.ts'
import { chat, mcp } from '../fixture/addresses.ts'
import { callOverTls, certificateNamed, headerOf, overTls, type TlsCall } from '../fixture/certificates.ts'
import { type Enterprise, enterprise } from '../fixture/enterprise.ts'
import { proofFor, proofKeyNamed } from '../fixture/proofs.ts'
import { signed } from '../fixture/tokens.ts'

const certificate = certificateNamed('client')
const other = certificateNamed('other')
const key = await proofKeyNamed('proof')
const ofTls: ClientCertificates = { from: 'tls' }

let world: Enterprise
let api: { origin: string; close(): Promise<void> } | undefined
beforeEach(async () => {
  world = await enterprise()
})
afterEach(async () => {
  await api?.close()
  api = undefined
})

const claimsWith = (change: Record<string, unknown>) => {
  const { now } = world.clock
  const claims = { iss: chat, sub: 'u-alice', aud: mcp, client_id: 'wiki-at-chat', jti: 'access-1', scope: 'chat.read' }
  return { ...claims, iat: now, exp: now + 600, cnf: { 'x5t#S256': certificate.thumbprint }, ...change }
}
const minted = (change: Record<string, unknown> = {}) =>
  signed({ typ: 'at+jwt' }, claimsWith(change), world.chat.keys.current())

async function guarded(change: Partial<ResourcePluginOptions> = {}) {
  const app = Fastify()
  await app.register(resourcePlugin, {
    resource: mcp,
    authorizationServer: chat,
    keys: world.chat.keys.source,
    algorithms: ['ES256'],
    scopes: ['chat.read'],
    skew: 30,
    maxLifetime: 3600,
    revocation: dangerouslyLocalOnly,
    ports: world.ports,
    routes: (scope) => {
      scope.get('/mcp', async (request) => principalOf(request))
    },
    ...change,
  })
  return app
}

async function call(
  token: string,
  shown: Pick<TlsCall, 'certificate'> & { scheme?: string; dpop?: string } = {},
  change: Partial<ResourcePluginOptions> = { clientCertificates: ofTls },
) {
  await api?.close()
  api = await overTls(await guarded(change))
  const { scheme = 'Bearer', dpop, ...others } = shown
  return await callOverTls(api.origin, {
    path: '/mcp',
    headers: { authorization: `${scheme} ${token}`, dpop },
    ...others,
  })
}

describe('a token that is bound to a certificate', () => {
  it('[MT-03] is good on a connection with this certificate', async () => {
    const answer = await call(minted(), { certificate })
    expect([answer.statusCode, answer.body]).toMatchObject([
      200,
      { account: 'u-alice', certificate: certificate.thumbprint },
    ])
    expect(answer.body).not.toHaveProperty('proofKey')
  })

  it('[MT-03] is refused without it, and with another', async () => {
    for (const [shown, reason] of [
      [{}, 'pop_missing'],
      [{ certificate: other }, 'pop_mismatch'],
    ] as const) {
      const answer = await call(minted(), shown)
      expect([answer.statusCode, answer.body]).toEqual([401, { error: 'invalid_token' }])
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token"/)
      expect(world.audit.at(-1)).toMatchObject({ outcome: 'refused', reason })
    }
  })

  it('is refused where certificates mean nothing, whatever came', async () => {
    const answer = await call(minted(), { certificate }, {})
    expect([answer.statusCode, answer.body]).toEqual([401, { error: 'invalid_token' }])
    expect(world.audit.at(-1)).toMatchObject({ reason: 'pop_unsupported' })
  })

  it('is no token for the scheme DPoP', async () => {
    const token = minted()
    const dpop = proofFor(key, { address: mcp, now: world.clock.now, method: 'GET', accessToken: token })
    const answer = await call(token, { certificate, scheme: 'DPoP', dpop })
    expect(answer.statusCode).toBe(401)
    expect(world.audit.at(-1)).toMatchObject({ reason: 'pop_mismatch' })
    expect(world.spent).toEqual([])
  })

  it('[MT-03] is judged by what an introspection says of it, too', async () => {
    const revocation: Revocation = introspection({
      endpoint: `${chat}/introspect`,
      clientId: 'api',
      clientSecret: 'secret',
      fetch: async () => Response.json({ active: true, ...claimsWith({}) }),
    })
    const change = { clientCertificates: ofTls, revocation }
    expect((await call('opaque', { certificate }, change)).statusCode).toBe(200)
    expect((await call('opaque', { certificate: other }, change)).statusCode).toBe(401)
  })
})

describe('a resource that looks at certificates', () => {
  it('takes a token that is bound to nothing, unless it demands bound ones', async () => {
    const token = minted({ cnf: undefined })
    expect((await call(token, { certificate })).body).not.toHaveProperty('certificate')
    const strict = { clientCertificates: ofTls, boundTokens: true }
    expect((await call(token, { certificate }, strict)).statusCode).toBe(401)
    expect(world.audit.at(-1)).toMatchObject({ reason: 'pop_required' })
    expect((await call(minted(), { certificate }, strict)).statusCode).toBe(200)
  })

  it('refuses a certificate that is not good before it looks at the token, and writes it down', async () => {
    const answer = await call(minted(), { certificate: certificateNamed('expired') })
    expect([answer.statusCode, answer.body.error]).toEqual([400, 'invalid_request'])
    expect(world.audit).toMatchObject([{ role: 'resource', action: 'call', reason: 'pop_malformed' }])
  })

  it('[MT-05] has them from a proxy where it is told so', async () => {
    const from = new BlockList()
    from.addAddress('127.0.0.1')
    const header = 'client-cert'
    const app = await guarded({ clientCertificates: { from, header, encoding: 'rfc9440' } })
    const ask = async (remoteAddress: string) =>
      await app.inject({
        url: '/mcp',
        remoteAddress,
        headers: { authorization: `Bearer ${minted()}`, [header]: headerOf(certificate, 'rfc9440') },
      })
    expect((await ask('127.0.0.1')).statusCode).toBe(200)
    expect((await ask('127.0.0.2')).statusCode).toBe(400)
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'refused', reason: 'pop_malformed' })
  })

  it('[MT-04] [PR-03] says so in its metadata, and that a proof is not the only way', async () => {
    const metadataOf = async (change: Partial<ResourcePluginOptions>) =>
      (await (await guarded(change)).inject('/.well-known/oauth-protected-resource/mcp')).json()
    const member = 'tls_client_certificate_bound_access_tokens'
    expect(await metadataOf({ clientCertificates: ofTls })).toMatchObject({ [member]: true })
    expect(await metadataOf({})).not.toHaveProperty(member)
    expect(await metadataOf({ boundTokens: true })).toMatchObject({ dpop_bound_access_tokens_required: true })
    expect(await metadataOf({ boundTokens: true, clientCertificates: ofTls })).not.toHaveProperty(
      'dpop_bound_access_tokens_required',
    )
  })
})
