/** The OpenID provider of the company: oidc-provider, a certified server, set up for managed applications. */

import { randomBytes } from 'node:crypto'
import type { JWK } from 'jose'
import type * as oidcProvider from 'oidc-provider'
import type { Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { ClientAuthentication } from '../../protocol/client-auth.ts'
import type { Directory } from '../people.ts'
import { memoryAdapter } from './adapter.ts'
import { errorPage } from './page.ts'

/** An application whose people sign in here. */
export interface SignInClient {
  id: string
  secret: string
  /** What the sign-in page calls it. */
  name: string
  redirectUris: readonly string[]
}

export interface SignInOptions {
  issuer: string
  /** The private JWK Set. ID Tokens are signed with its ES256 key. */
  jwks: { keys: JWK[] }
  clients: readonly SignInClient[]
  directory: Directory
  /** How clients prove who they are at the token endpoint, the same for every grant. */
  authentication: ClientAuthentication
  /** Told of each person who is signed in to an application, also without being asked again. */
  signedIn(entry: { sub: string; client: string }): void
  /** Told of failures of the provider's own. */
  report(error: unknown, correlationId: string): void
}

/** The endpoints that oidc-provider serves itself, below the issuer. `/token` and `/jwks` are shared with the exchange. */
export const signInPaths = {
  authorization: '/authorize',
  userinfo: '/userinfo',
  revocation: '/revoke',
  end_session: '/logout',
  token: '/token',
  jwks: '/jwks',
} as const

export const signInScopes = ['openid', 'email', 'offline_access']
/** The claims of an ID Token by the scope that brings them. */
export const signInClaims = {
  openid: ['sub', 'name', 'groups', 'auth_time', 'acr', 'amr'],
  email: ['email', 'email_verified'],
}

/** The class of a sign-in at which the person was asked to confirm who they are, because the application wanted that. */
export const confirmedAcr = 'urn:acme.example:acr:confirmed'

/** How people sign in here: by a choice on a page (RFC 8176 §2: `user`), which counts as confirmed where `acr_values` asks for that. */
export function authenticationFor(acrValues: unknown): { acr: string; amr: string[] } {
  const confirmed = typeof acrValues === 'string' && acrValues.split(' ').includes(confirmedAcr)
  return { acr: confirmed ? confirmedAcr : 'urn:acme.example:acr:chosen', amr: ['user'] }
}

/** Makes the provider. PKCE with S256 is required of everybody; ID Tokens live one hour, refresh tokens 14 days. */
export async function openIdProvider(options: SignInOptions): Promise<Provider> {
  // The package's entry prints a warning on Node 20, which is below what its author supports; the class itself runs there.
  const entry: string = 'oidc-provider/lib/provider.js'
  const { Provider } = (await import(entry)) as Pick<typeof oidcProvider, 'Provider'>
  const provider = new Provider(options.issuer, configurationOf(options))
  provider.on('server_error', (context, error) =>
    options.report(error, String(context.response.get('x-correlation-id') || 'none')),
  )
  provider.on('authorization.success', ({ oidc: { client, session } }) => {
    const { accountId: sub } = session ?? {}
    if (client !== undefined && sub !== undefined) options.signedIn({ sub, client: client.clientId })
  })
  return provider
}

function configurationOf({ jwks, clients, directory }: SignInOptions): Configuration {
  return {
    adapter: memoryAdapter(),
    jwks: { keys: jwks.keys.map((jwk) => ({ ...jwk })) as oidcProvider.JWK[] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    clients: clients.map(({ id, secret, name, redirectUris }) => ({
      client_id: id,
      client_secret: secret,
      client_name: name,
      // RFC 8252 §7.3: a loopback redirect address may have any port, and a program on this machine has no other.
      application_type: 'native',
      redirect_uris: redirectUris,
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'ES256',
      require_auth_time: true,
    })),
    clientBasedCORS: () => false,
    clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
    scopes: signInScopes,
    claims: signInClaims,
    conformIdTokenClaims: false,
    responseTypes: ['code'],
    pkce: { required: () => true },
    routes: signInPaths,
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      Grant: 14 * 24 * 3600,
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: 14 * 24 * 3600,
      Session: 24 * 3600,
    },
    features: {
      devInteractions: { enabled: false },
      // RFC 8707 §2 lets a server pass over `resource`: these access tokens are for /userinfo alone.
      resourceIndicators: { enabled: false },
      revocation: {
        enabled: true,
        // RFC 7009 §2.1: a client revokes its own tokens.
        allowedPolicy: async (_context, client, token) => token.clientId === client.clientId,
      },
      rpInitiatedLogout: { enabled: false },
    },
    interactions: { url: (_context, interaction) => `/sign-in/${interaction.uid}` },
    async findAccount(_context, sub) {
      const person = await directory.find(sub)
      if (person === undefined || !person.enabled) return undefined
      const claims = { ...person.claims, sub, groups: [...person.groups] }
      return { accountId: sub, claims: async () => claims }
    },
    loadExistingGrant: companyConsent,
    async renderError(context, { error, error_description }) {
      context.type = 'html'
      context.set('content-security-policy', contentSecurityPolicy())
      context.body = errorPage('This sign-in cannot go on', `${error_description ?? error} (${error})`)
    },
  }
}

/** The company has agreed for everybody: an application of its own gets what it asks for, without a consent page. */
async function companyConsent({ oidc }: KoaContextWithOIDC) {
  const { client, session, provider } = oidc
  if (client === undefined || session?.accountId === undefined) return undefined
  const known = session.grantIdFor(client.clientId)
  const existing = known === undefined ? undefined : await provider.Grant.find(known)
  const grant = existing ?? new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
  grant.addOIDCScope([...oidc.requestParamOIDCScopes].join(' '))
  await grant.save()
  return grant
}

/** Nothing but our own style sheet; forms go here, and on to the address the application registered. */
export function contentSecurityPolicy(redirectUri?: string): string {
  const target = redirectUri === undefined || !URL.canParse(redirectUri) ? undefined : new URL(redirectUri)
  // Chromium applies form-action to the redirects that follow the form, too.
  const onward = target === undefined ? '' : ` ${target.origin === 'null' ? target.protocol : target.origin}`
  return `default-src 'none'; style-src 'self'; form-action 'self'${onward}; base-uri 'none'; frame-ancestors 'none'`
}
