/** How a guard learns that a token was ended before its time: the contract of its three modes, and the mode that never learns it. */

import {
  type AccessTokenClaims,
  type AccessTokenRules,
  knownAccessToken,
  verifyAccessToken,
} from '../protocol/access-token.ts'
import type { Seconds } from '../protocol/ports.ts'
import { type TokenInHand, verifiedTokens } from '../protocol/verified-tokens.ts'

/** The authorization server whose tokens a guard takes. */
export interface TokenSource extends Pick<AccessTokenRules, 'issuer' | 'keys' | 'algorithms' | 'skew'> {
  now(): Seconds
  /** How many tokens are known by their good signature when they come again; 0 for none. Absent: 10 000. */
  accessTokenCache?: number | undefined
}

/**
 * Judges one access token by the rules of a guard. Throws JwtError for a token that is not good, or no longer, and OAuthError 503 when
 * it cannot know. Gives the claims at once where nobody has to be waited for.
 */
export type TokenCheck = (token: string, rules: AccessTokenRules) => AccessTokenClaims | Promise<AccessTokenClaims>

/** Makes the check of one guard. Called once for it. */
export type Revocation = (source: TokenSource) => TokenCheck

/**
 * A weakening: the signature and the lifetime are all that is checked, and a token that was revoked, or whose user was blocked, is
 * taken until it expires. For authorization servers that offer neither status lists nor introspection.
 */
export const dangerouslyLocalOnly: Revocation = ({ accessTokenCache }) => {
  const accessTokens = verifiedTokens(accessTokenCache)
  const judge = async ({ jwt, signatures, remember }: TokenInHand, rules: AccessTokenRules) => {
    const claims = await verifyAccessToken(jwt, { ...rules, signatures })
    remember(claims.exp)
    return claims
  }
  return (token, rules) => {
    const inHand = accessTokens.take(token, rules.now, rules.signatures)
    return knownAccessToken(inHand, rules) ?? judge(inHand, rules)
  }
}
