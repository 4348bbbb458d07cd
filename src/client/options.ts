/** What an application tells the client, and the defaults of everything it leaves out. */

import { base64url } from 'jose'
import type { AuthorizationDetail } from '../protocol/authorization-details.ts'
import type { Seconds } from '../protocol/ports.ts'
import type { ProfileName } from '../protocol/profile-settings.ts'
import type { ActorOption } from './actor.ts'
import { isSafeAddress } from './address.ts'
import type { AssertionAudience, ClientAuthentication } from './client-authentication.ts'
import { profiled } from './profiled.ts'
import { type ProofKeyOption, type Prover, proverOf } from './prover.ts'
import { scopesOf } from './scopes.ts'
import type { Fetch, Step } from './sending.ts'
import type { DemandedSignIn } from './sign-in.ts'
import type { Subject } from './subject.ts'

/** The identity provider the person signs in with. */
export interface IdentityProviderOptions {
  /** Its issuer identifier, to the letter. */
  issuer: string
  client: ClientAuthentication
  /** Where its metadata cannot be read. Default: found by its issuer (RFC 8414). */
  tokenEndpoint?: string
  /** What it is, where it is one that is known (docs/profiles.md): fills in what the entry leaves out. */
  profile?: ProfileName
  /** What client assertions are addressed to, unless `privateKeyJwt` was told. Default: the issuer. */
  assertionAudience?: AssertionAudience
}

/** One resource authorization server, and what this client is there. */
export interface ResourceServerOptions {
  client: ClientAuthentication
  /** Asked for where the API's challenge names no scope. Default: all that the API's metadata lists. */
  scope?: string
  /**
   * Asked for with every token (RFC 9396): what cannot be said by a scope. A token without any of it is not used. Default: none.
   */
  authorizationDetails?: readonly AuthorizationDetail[]
  /**
   * The resources it governs: no other is asked for. Absent: a token is used only where the ID-JAG or the answer names the
   * resource, because a server that overlooks `resource` would give a stranger's API the token of another.
   */
  resources?: readonly string[]
  /** What it is, where it is one that is known (docs/profiles.md): fills in what the entry leaves out. */
  profile?: ProfileName
  /** Whether the redemption repeats the scope of the ID-JAG. Default true: some servers give nothing they are not asked for. */
  scopeOnRedemption?: boolean
  /** Whether the redemption names the resource. Default true. Without it, the ID-JAG or the answer must name it, or `resources`. */
  resourceOnRedemption?: boolean
  /** What client assertions are addressed to, unless `privateKeyJwt` was told. Default: the issuer. */
  assertionAudience?: AssertionAudience
  /**
   * Whether its ID-JAGs may come encrypted to it. Then this client cannot look into them, and goes by what the identity provider says of
   * them in its answer. Default false: such an ID-JAG is not used.
   */
  encryptedIdJags?: boolean
}

export interface CrossAppOptions {
  identityProvider: IdentityProviderOptions
  /** By issuer identifier, to the letter. It is the trust list, too: no other authorization server is ever used. */
  resourceServers: { readonly [issuer: string]: ResourceServerOptions }
  /** One signed-in person. Another person needs another client: the access tokens that are kept are this one's. */
  subject: Subject
  /**
   * Has the person sign in again at the identity provider, as demanded (CL-11): called once for one call, which is repeated when it
   * resolves and fails with what it rejects with. `subject` is asked anew then, so it must give what came of that sign-in. Absent: such a
   * call rejects with {@link SignInRequired}.
   */
  signIn?(demanded: DemandedSignIn): Promise<void>
  /**
   * Who acts for the person, shown at the exchange alone (OKTA-05): by `privateKeyJwt` of this client at the identity provider, or by a JWT
   * that a function gives, such as the token of the workload that it runs as. The identity provider must take it. Default: nobody is shown.
   */
  actor?: ActorOption
  /**
   * Binds ID-JAGs and access tokens to a key of this client by DPoP proofs (RFC 9449, ID-JAG §9.8): at both servers and at every call.
   * `{ key }` is a private JWK. Then nothing that is not bound is used, so both servers and the API must offer it. Default: no proofs.
   */
  dpop?: ProofKeyOption
  /**
   * The thumbprint of the certificate that `fetch` shows in TLS: the base64url SHA-256 of its DER (RFC 8705 §3.1). Then no ID-JAG is used
   * that is not bound to it, and tokens are asked for where certificates are (`mtls_endpoint_aliases`). Access tokens are the API's to
   * read, and are NOT checked. Not together with `dpop`. Default: no certificate is expected.
   */
  certificate?: string
  /** Default: the global `fetch`. */
  fetch?: Fetch
  /** Default: the system's clock. */
  now?(): Seconds
  /** Ids of client assertions and proofs. Default: 192 random bits. */
  newId?(): string
  /** From this long before its expiry a token counts as expired. Default 30 seconds. */
  skew?: Seconds
  /** How long one metadata or token request may take, to the last byte. Default 10 seconds. Calls of the API are not limited. */
  timeout?: Seconds
  /** Is told every request and answer, credentials and tokens included: see {@link Step}. */
  onStep?(step: Step): void
}

export interface Settings
  extends Required<Omit<CrossAppOptions, 'resourceServers' | 'dpop' | 'certificate' | 'signIn' | 'actor'>> {
  /** Absent: nobody can be asked to sign in. */
  signIn?: CrossAppOptions['signIn']
  /** Absent: nobody is shown. */
  actor?: ActorOption
  /** As it was when the client was made. */
  resourceServers: ReadonlyMap<string, ResourceServerOptions>
  /** Absent: no proofs. */
  prover: Prover | undefined
  certificate?: string
}

/** A day. Beyond 2^31 ms a timer of Node would fire at once. */
const maxTimeout: Seconds = 86_400

/**
 * Fills in the defaults. Throws TypeError, naming the option, for an issuer, endpoint, scope, time or key that can never be used.
 */
export function settingsOf(options: CrossAppOptions): Settings {
  const { issuer, tokenEndpoint } = options.identityProvider
  const { skew = 30, timeout = 10 } = options
  requireIssuer('identityProvider.issuer', issuer)
  if (tokenEndpoint !== undefined && !isSafeAddress(tokenEndpoint, issuer))
    throw new TypeError(`identityProvider.tokenEndpoint must be https, or http on loopback: ${tokenEndpoint}`)
  const resourceServers = Object.entries(options.resourceServers).map(([server, entry]) => {
    requireIssuer('resourceServers', server)
    const { scope = '' } = entry
    const option = `resourceServers[${JSON.stringify(server)}]`
    if (scopesOf(scope).join(' ') !== scope)
      throw new TypeError(`${option}.scope must be scope tokens with single spaces`)
    return [server, profiled('resourceServer', option, server, entry)] as const
  })
  if (!(skew >= 0 && skew < Number.POSITIVE_INFINITY)) throw new TypeError(`skew must be seconds, 0 or more: ${skew}`)
  if (!(timeout > 0 && timeout <= maxTimeout))
    throw new TypeError(`timeout must be seconds, more than 0 and at most ${maxTimeout}: ${timeout}`)
  const { dpop, ...others } = options
  if (options.certificate !== undefined && !/^[A-Za-z0-9_-]{43}$/.test(options.certificate))
    throw new TypeError('certificate must be the base64url SHA-256 of a certificate')
  if (options.certificate !== undefined && dpop !== undefined)
    throw new TypeError('certificate and dpop: a token is bound to one of them')
  const settings = {
    fetch: (input: string | URL | Request, init?: RequestInit) => fetch(input, init),
    now: () => Date.now() / 1000,
    newId: () => base64url.encode(crypto.getRandomValues(new Uint8Array(24))),
    onStep: () => {},
    ...others,
  }
  return {
    ...settings,
    skew,
    timeout,
    identityProvider: profiled('identityProvider', 'identityProvider', issuer, options.identityProvider),
    resourceServers: new Map(resourceServers),
    prover: dpop === undefined ? undefined : proverOf(dpop, settings),
  }
}

function requireIssuer(option: string, issuer: string): void {
  // RFC 8414 §2: no query and no fragment.
  if (!isSafeAddress(issuer) || issuer.includes('?'))
    throw new TypeError(`${option} must be an https address without query and fragment, or http on loopback: ${issuer}`)
}
