/** What a redemption ends in: an access token of this server (RFC 9068), or whatever a host issues in its place. */

import { signAccessToken } from '../protocol/access-token.ts'
import type { AuthorizationDetail } from '../protocol/authorization-details.ts'
import { type Awaitable, following } from '../protocol/awaitable.ts'
import { confirmationOf, type Possession } from '../protocol/confirmation.ts'
import type { IdJagClaims } from '../protocol/id-jag.ts'
import type { SigningKeys } from '../protocol/keys.ts'
import type { Seconds } from '../protocol/ports.ts'
import type { Signatures } from '../protocol/signatures.ts'
import { statusClaimOf } from '../protocol/status-reference.ts'

/** What was granted, by the time nothing can refuse it any more. */
export interface GrantedAccess {
  account: string
  client: string
  /** The resource, or several. */
  audience: string | string[]
  /** Empty: authorization details were granted alone. */
  scope: string
  /** What else was granted: put it into the token (RFC 9396 §9.1). Absent: nothing. */
  authorizationDetails?: AuthorizationDetail[] | undefined
  /** Use it as the token's id, so that the audit can name the token. */
  tokenId: string
  now: Seconds
  /** The thumbprint of the key whose proof came: bind the token to it, and its type is `DPoP`. Absent: a Bearer token. */
  proofKey?: string | undefined
  /** In its place, the thumbprint of the certificate to bind the token to (`x5t#S256`): its type stays `Bearer` (RFC 8705 §3.1). */
  certificate?: string | undefined
  /** Where the token's status stands, at a server that keeps one: put it into the token, or it cannot be ended. */
  statusIndex?: number | undefined
  /** The tenant of this server that the account belongs to: put it into the token, so that the resource keeps tenants apart. */
  tenant?: string | undefined
  /** What is known of how the person signed in. */
  signIn: SignInFacts
  /** The redeemed ID-JAG, for what a host may want of it. Absent: the person was here, and the code grant issues. */
  assertion?: IdJagClaims
}

/** How and when a person signed in, as far as their IdP said (OpenID Connect Core §2). */
export interface SignInFacts {
  authTime?: Seconds | undefined
  acr?: string | undefined
  amr?: string[] | undefined
}

export interface IssuedAccess {
  accessToken: string
  /** `DPoP` for a token that is bound to the key of the proof that came with the request (RFC 9449 §5). */
  tokenType: 'Bearer' | 'DPoP'
  expiresIn: Seconds
}

/** What an access token is to be bound to: one of the two, or nothing. With a proof, its key (branch `mtls-cnf-binding`). */
export function boundTo({ proofKey, certificate }: Possession): Pick<GrantedAccess, 'proofKey' | 'certificate'> {
  if (proofKey !== undefined) return { proofKey }
  return typeof certificate === 'string' ? { certificate } : {}
}

/** Makes the access token. It must not refuse: whatever could be checked has been, and what was shown for it is spent. */
export type Issue = (granted: GrantedAccess) => Awaitable<IssuedAccess>

export interface JwtIssueOptions {
  issuer: string
  signingKeys: SigningKeys
  /** How long a stop takes wherever nobody looks at the status of a token: keep it short (RAS-24). */
  lifetime: Seconds
  /** Copy `act` into the access token, for resources that want to know the agent behind a call. */
  copyActor?: boolean
  /** How signatures are computed. Absent: by {@link usualSignatures}. */
  signatures?: Signatures | undefined
}

/**
 * Issues signed access tokens (RFC 9068 §2). At a server that keeps statuses each names its place in a Token Status List
 * (draft-ietf-oauth-status-list-21 §6.1), at the address where the server's plugin serves that list.
 */
export function jwtAccessTokens(options: JwtIssueOptions): Issue {
  const { issuer, signingKeys, lifetime, copyActor = false, signatures } = options
  return (granted) => {
    const { account, client, audience, scope, tokenId, now, proofKey, statusIndex, tenant, signIn, assertion } = granted
    const iat = Math.floor(now)
    const claims = {
      iss: issuer,
      sub: account,
      aud: audience,
      client_id: client,
      jti: tokenId,
      iat,
      exp: iat + lifetime,
      scope: scope === '' ? undefined : scope,
      tenant,
      authorization_details: granted.authorizationDetails,
      auth_time: signIn.authTime,
      acr: signIn.acr,
      amr: signIn.amr,
      act: copyActor ? assertion?.act : undefined,
      sub_profile: assertion?.sub_profile,
      cnf: confirmationOf(granted),
      status: statusIndex === undefined ? undefined : statusClaimOf(issuer, statusIndex),
    }
    return following(signAccessToken(claims, signingKeys.current(), signatures), (accessToken) => ({
      accessToken,
      tokenType: proofKey === undefined ? 'Bearer' : 'DPoP',
      expiresIn: lifetime,
    }))
  }
}
