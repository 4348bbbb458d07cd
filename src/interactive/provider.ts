/** The authorization server inside: oidc-provider, a certified one, set up for the authorization code grant and nothing else. */

import { exportJWK, generateKeyPair } from 'jose'
import type * as oidcProvider from 'oidc-provider'
import type { AdapterFactory, Client, Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider'
import { isLoopbackHost } from '../protocol/loopback.ts'
import { sameResource } from '../protocol/resource.ts'
import type { ClientPolicy } from '../resource-as/trust.ts'
import { dynamicPrefix, idleFor } from './clients.ts'
import type { InteractiveGrantOptions } from './options.ts'
import { recordId } from './state.ts'

/** What the provider asks of the server around it. */
export interface ProviderHooks {
  adapter: AdapterFactory
  /** The most a client may be given. */
  policyOf(clientId: string): Promise<ClientPolicy>
  /** Called before a refresh token is used. Resolves to true when it is to be replaced by another. */
  useRefreshToken(context: KoaContextWithOIDC): Promise<boolean>
  newId(): string
  /** The grant that an authorization request is good for already. */
  loadExistingGrant: NonNullable<Configuration['loadExistingGrant']>
}

/** Where it is, below the issuer. */
export const providerPaths = { authorization: '/authorize', token: '/token', registration: '/register' } as const

/** A sign-in and a consent take no longer, each. */
const interactionLifetime = 600

/** Makes the provider. PKCE with S256 is required of everybody; a code lives one minute. */
export async function codeGrantProvider(options: InteractiveGrantOptions, hooks: ProviderHooks): Promise<Provider> {
  // The package's entry prints a warning on Node 20, which is below what its author supports; the class itself runs there.
  const [entry, errorsEntry]: string[] = ['oidc-provider/lib/provider.js', 'oidc-provider/lib/helpers/errors.js']
  const { Provider } = (await import(entry ?? '')) as Pick<typeof oidcProvider, 'Provider'>
  const { InvalidTarget, InvalidScope } = (await import(errorsEntry ?? '')) as typeof oidcProvider.errors
  // No ID Token is ever issued here; the provider wants a key all the same.
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const key = (await exportJWK(privateKey)) as oidcProvider.JWK
  const issuer = options.resourceAuthorizationServer.issuer
  const { resources } = options.resourceAuthorizationServer

  const unscoped = new WeakSet<KoaContextWithOIDC>()
  /** What this client may be given at a resource, and what it asks for when it names no scope. */
  const resourceServer = async (context: KoaContextWithOIDC, indicator: string, client: Client) => {
    const { oidc } = context
    const policy = await hooks.policyOf(client.clientId)
    const governed = resources.find(({ resource }) => sameResource(resource, indicator))
    const reached = policy.resources.some((one) => sameResource(one, indicator))
    const scopes = governed?.scopes.filter((scope) => policy.scopes.includes(scope)) ?? []
    // At the token endpoint our own judgement has been made, and what the provider makes is never sent.
    if (oidc.route !== 'token') {
      if (!reached || scopes.length === 0) throw new InvalidTarget('resource: unknown, or not for this client')
      // RFC 6749 §3.3: who names no scope asks for all of the client's.
      const asked = oidc.params?.scope
      if (asked === undefined || unscoped.has(context)) {
        unscoped.add(context)
        Object.assign(oidc.params ?? {}, {
          scope: [...new Set([...String(asked ?? '').split(' '), ...scopes])].join(' ').trim(),
        })
      } else if (!scopes.some((scope) => String(asked).split(' ').includes(scope)))
        throw new InvalidScope('none of the scope can be granted at this resource', String(asked))
    }
    return { scope: scopes.join(' '), audience: indicator, accessTokenFormat: 'opaque' as const, accessTokenTTL: 60 }
  }
  const configuration: Configuration = {
    adapter: hooks.adapter,
    jwks: { keys: [{ ...key, alg: 'ES256', use: 'sig' }] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    cookies: cookiesOf(options),
    clientBasedCORS: () => false,
    clientAuthMethods: ['none'],
    scopes: [],
    responseTypes: ['code'],
    allowOmittingSingleRegisteredRedirectUri: false,
    pkce: { required: () => true },
    routes: providerPaths,
    expiresWithSession: () => false,
    issueRefreshToken: async () => true,
    rotateRefreshToken: hooks.useRefreshToken,
    ttl: {
      AccessToken: 60,
      AuthorizationCode: 60,
      Grant: options.refreshTokenLifetime,
      IdToken: 60,
      Interaction: interactionLifetime,
      // From the consent on: this server never hears that a person has left their company.
      RefreshToken: (_context, token) => Math.max(1, options.refreshTokenLifetime - (token.totalLifetime?.() ?? 0)),
      // As long as a client can be unused: without an end, every registration would stay in the store for ever.
      RegistrationAccessToken: idleFor,
      // The company's IdP has the long session.
      Session: 3600,
    },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      revocation: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
      registration: { enabled: options.registration !== undefined, idFactory: () => dynamicPrefix + hooks.newId() },
      registrationManagement: { enabled: options.registration !== undefined, rotateRegistrationAccessToken: false },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: async () => true,
        getResourceServerInfo: resourceServer,
        async defaultResource(_context, client, oneOf) {
          if (oneOf !== undefined) return oneOf[0] ?? []
          const { resources: own } = await hooks.policyOf(client.clientId)
          // RFC 8707 §2: required where the server cannot know which one is meant.
          if (own.length !== 1 || own[0] === undefined)
            throw new InvalidTarget('resource is required: there are several')
          return own[0]
        },
      },
    },
    interactions: {
      url: (_context, interaction) => `${new URL(issuer).pathname.replace(/\/$/, '')}/sign-in/${interaction.uid}`,
    },
    // Who it is was judged at the sign-in, and is judged again whenever something is issued.
    findAccount: async (_context, sub) => ({ accountId: sub, claims: async () => ({ sub }) }),
    loadExistingGrant: hooks.loadExistingGrant,
    // The answer is kept back, and a page of ours is shown in its place.
    async renderError(context) {
      context.body = ''
    },
  }
  return new Provider(issuer, configuration)
}

function cookiesOf({ resourceAuthorizationServer: { issuer }, cookieKey }: InteractiveGrantOptions) {
  const { protocol, hostname } = new URL(issuer)
  const secure = protocol === 'https:' || !isLoopbackHost(hostname)
  // Cookies know no ports: two servers on one host would take each other's.
  const prefix = `xaa_${recordId(issuer, 'cookie').slice(0, 8)}`
  const usual = { httpOnly: true, sameSite: 'lax', signed: true, secure } as const
  return {
    keys: [cookieKey],
    // RFC 6265bis §4.1.3: no other host, and nobody on the way, sets a cookie of these names. Those of one step have a path of their own.
    names: {
      session: `${secure ? '__Host-' : ''}${prefix}_session`,
      interaction: `${secure ? '__Secure-' : ''}${prefix}_interaction`,
      resume: `${secure ? '__Secure-' : ''}${prefix}_resume`,
    },
    long: usual,
    short: usual,
  }
}
