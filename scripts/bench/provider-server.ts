/** oidc-provider with the same two grants, as one would write them for it: its own client authentication, jose, single use in a Map. */

import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLocalJWKSet, importJWK, type JWK, jwtVerify, SignJWT } from 'jose'
import Provider, { errors, type TokenEndpointGrantContext } from 'oidc-provider'
import { grantType, notAnAccessToken, tokenType } from '../../src/protocol/names.ts'

/** What the file that the first argument names holds. */
export interface ProviderSettings {
  issuer: string
  key: JWK
  client: { id: string; secret: string }
  /** Who issues what is exchanged and redeemed. */
  trusted: { issuer: string; keys: JWK[] }
  audience: string
  resource: string
  scope: string
}

const settings = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as ProviderSettings
const { issuer, key, client, trusted, audience, resource, scope } = settings
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: client.id,
      client_secret: client.secret,
      grant_types: [grantType.tokenExchange, grantType.jwtBearer],
      redirect_uris: [],
      response_types: [],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'ES256',
    },
  ],
  scopes: [scope],
  jwks: { keys: [key] },
  findAccount: async (_context, accountId) => ({ accountId, claims: async () => ({ sub: accountId }) }),
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: async () => ({
        scope,
        audience: resource,
        accessTokenTTL: 600,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
})
const trustedKeys = createLocalJWKSet({ keys: trusted.keys })
const signingKey = await importJWK(key, 'ES256')
const spent = new Map<string, number>()

async function exchange(context: TokenEndpointGrantContext): Promise<void> {
  const { client: asking, params } = context.oidc
  if (params.requested_token_type !== tokenType.idJag || params.subject_token_type !== tokenType.idToken)
    throw new errors.InvalidRequest('unsupported token type')
  if (params.audience !== audience || params.resource !== resource) throw new errors.InvalidTarget()
  if (params.scope !== scope) throw new errors.InvalidScope('not granted', scope)
  const { payload } = await verified(String(params.subject_token), { audience: asking.clientId })
  const now = Math.floor(Date.now() / 1000)
  const token = await new SignJWT({
    iss: issuer,
    sub: payload.sub ?? '',
    aud: audience,
    client_id: 'assistant-at-chat',
    jti: crypto.randomUUID(),
    iat: now,
    exp: now + 300,
    scope,
    resource,
  })
    .setProtectedHeader({ alg: 'ES256', kid: key.kid ?? '', typ: 'oauth-id-jag+jwt' })
    .sign(signingKey)
  context.body = {
    access_token: token,
    issued_token_type: tokenType.idJag,
    token_type: notAnAccessToken,
    expires_in: 300,
    scope,
  }
}

async function redeem(context: TokenEndpointGrantContext): Promise<void> {
  const { client: asking, params } = context.oidc
  const { payload } = await verified(String(params.assertion), { audience, typ: 'oauth-id-jag+jwt' })
  if (payload.client_id !== asking.clientId || payload.resource !== resource || payload.scope !== scope)
    throw new errors.InvalidGrant('the assertion is for something else')
  const once = `${payload.iss}|${payload.jti}`
  if (typeof payload.jti !== 'string' || spent.has(once)) throw new errors.InvalidGrant('the assertion was spent')
  spent.set(once, payload.exp ?? 0)
  const resourceServer = new provider.ResourceServer(resource, {
    scope,
    audience: resource,
    accessTokenTTL: 600,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'ES256' } },
  })
  const properties = { accountId: `account-of-${payload.sub}`, grantId: '', gty: grantType.jwtBearer, scope }
  const token = new provider.AccessToken({ client: asking, ...properties, resourceServer })
  context.body = { access_token: await token.save(), token_type: 'Bearer', expires_in: token.expiration, scope }
}

async function verified(token: string, expected: { audience: string; typ?: string }) {
  try {
    return await jwtVerify(token, trustedKeys, {
      issuer: trusted.issuer,
      algorithms: ['ES256'],
      requiredClaims: ['sub', 'exp', 'iat'],
      clockTolerance: 30,
      ...expected,
    })
  } catch (cause) {
    throw new errors.InvalidGrant(cause instanceof Error ? cause.message : 'not verified')
  }
}

const ofExchange = ['requested_token_type', 'subject_token', 'subject_token_type', 'audience', 'resource', 'scope']
provider.registerGrantType(grantType.tokenExchange, exchange, ofExchange)
provider.registerGrantType(grantType.jwtBearer, redeem, ['assertion'])
const server = createServer(provider.callback()).listen(0, '127.0.0.1', () => {
  console.log(`listening http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
process.once('SIGINT', () => process.exit(0))
