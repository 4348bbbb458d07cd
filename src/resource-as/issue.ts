/** What a redemption ends in: an access token of this server (RFC 9068), or whatever a host issues in its place. */

import { signAccessToken } from '../protocol/access-token.ts'
import type { IdJagClaims } from '../protocol/id-jag.ts'
import type { SigningKeys } from '../protocol/keys.ts'
import type { Seconds } from '../protocol/ports.ts'

/** What was granted, by the time nothing can refuse it any more. */
export interface GrantedAccess {
  account: string
  client: string
  /** The resource, or several. */
  audience: string | string[]
  scope: string
  /** Use it as the token's id, so that the audit can name the token. */
  tokenId: string
  now: Seconds
  /** The redeemed ID-JAG, for what a host may want of it. */
  assertion: IdJagClaims
}

export interface IssuedAccess {
  accessToken: string
  tokenType: 'Bearer'
  expiresIn: Seconds
}

/** Makes the access token. It must not refuse: whatever could be checked has been, and the ID-JAG is spent. */
export type Issue = (granted: GrantedAccess) => Promise<IssuedAccess>

export interface JwtIssueOptions {
  issuer: string
  signingKeys: SigningKeys
  /** Until blocks reach issued tokens by other means, this is how long a stop takes: keep it short (RAS-24). */
  lifetime: Seconds
  /** Copy `act` into the access token, for resources that want to know the agent behind a call. */
  copyActor?: boolean
}

/** Issues signed access tokens that a guard can check without asking anybody (RFC 9068 §2). */
export function jwtAccessTokens({ issuer, signingKeys, lifetime, copyActor = false }: JwtIssueOptions): Issue {
  return async ({ account, client, audience, scope, tokenId, now, assertion }) => {
    const iat = Math.floor(now)
    const claims = {
      iss: issuer,
      sub: account,
      aud: audience,
      client_id: client,
      jti: tokenId,
      iat,
      exp: iat + lifetime,
      scope,
      auth_time: assertion.auth_time,
      acr: assertion.acr,
      amr: assertion.amr,
      act: copyActor ? assertion.act : undefined,
    }
    const accessToken = await signAccessToken(claims, signingKeys.current())
    return { accessToken, tokenType: 'Bearer', expiresIn: lifetime }
  }
}
