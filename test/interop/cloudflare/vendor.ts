/** A vendor on Cloudflare: workers-oauth-provider as it comes, as authorization server and guard, trusting one identity provider. */

import {
  OAuthAuthorizationServer,
  type OAuthAuthorizationServerOptions,
  OAuthResourceServer,
} from '@cloudflare/workers-oauth-provider'
import { type KvNamespace, kvNamespace } from './kv-namespace.ts'

export const vendorIssuer = 'https://auth.notes.example'

export interface VendorOptions {
  trusts: { issuer: string; jwksUri: string; algorithms?: string[] }
  resources: readonly [string, ...string[]]
}

export interface Vendor {
  kv: KvNamespace
  /** The library makes up ids and secrets; one client for each method it knows. */
  clients: { [method in 'client_secret_basic' | 'client_secret_post' | 'none']: { id: string; secret: string } }
  /** What the library told its `onError` hook, by its own words. */
  reasons: string[]
  /** A request to the issuer's host or to that of a resource. */
  fetch(request: Request): Promise<Response>
}

/** Registers its clients, and answers whatever is sent to {@link Vendor.fetch}. It opens no port: a Worker has none. */
export async function cloudflareVendor({ trusts, resources }: VendorOptions): Promise<Vendor> {
  const kv = kvNamespace()
  const env = { OAUTH_KV: kv }
  const reasons: string[] = []
  const options: OAuthAuthorizationServerOptions<typeof env> = {
    issuer: vendorIssuer,
    resources: [...resources],
    scopesSupported: ['notes.read', 'notes.write'],
    enterpriseManagedAuthorization: {
      trustedIssuers: async ({ iss }) => (iss === trusts.issuer ? trusts : null),
      mapClaims: async ({ claims, requestedScope }) => ({
        userId: `at-notes-${claims.sub}`,
        scope: requestedScope,
        props: { sub: claims.sub },
      }),
    },
    onError: ({ internal }) => void reasons.push(internal?.reason ?? 'none'),
  }
  const authorizationServer = new OAuthAuthorizationServer(options)
  const guards = resources.map(
    (resource) =>
      new OAuthResourceServer<typeof env>({
        resourceMetadata: { resource, authorization_servers: [vendorIssuer] },
        requiredScopes: ['notes.read', 'notes.write'],
        validateToken: () => async (audience, token) => await authorizationServer.validateToken(audience, token, env),
        handler: { fetch: async (_request, _env, { auth }) => Response.json(auth) },
      }),
  )
  const context = { waitUntil() {}, passThroughOnException() {}, props: {} }
  const api = authorizationServer.getOAuthApi(env)
  const register = async (tokenEndpointAuthMethod: keyof Vendor['clients']) => {
    const { clientId: id, clientSecret: secret = '' } = await api.createClient({
      tokenEndpointAuthMethod,
      // It registers no client without one, even where no browser is ever sent back.
      redirectUris: ['https://assistant.example/callback'],
      grantTypes: ['urn:ietf:params:oauth:grant-type:jwt-bearer'],
      responseTypes: [],
    })
    return { id, secret }
  }
  return {
    kv,
    clients: {
      client_secret_basic: await register('client_secret_basic'),
      client_secret_post: await register('client_secret_post'),
      none: await register('none'),
    },
    reasons,
    async fetch(request) {
      const { origin } = new URL(request.url)
      if (origin === vendorIssuer) return await authorizationServer.fetch(request, env, context)
      for (const guard of guards) {
        const answer = await guard.fetch(request.clone(), env, context)
        if (answer.status !== 404) return answer
      }
      return new Response(null, { status: 404 })
    },
  }
}
