/** How a guard learns that a token was ended before its time: the contract of its three modes, and the mode that never learns it. */

import {
  type AccessTokenClaims,
  type AccessTokenRules,
  knownAccessToken,
  verifyAccessToken,
} from '../protocol/access-token.ts'
import type { Seconds } from '../protocol/ports.ts'
import { type SeenToken, type TokenInHand, type VerifiedTokens, verifiedTokens } from '../protocol/verified-tokens.ts'

/** The authorization server whose tokens a guard takes. */
export interface TokenSource extends Pick<AccessTokenRules, 'issuer' | 'keys' | 'algorithms' | 'skew'> {
  now(): Seconds
  /** How many tokens are known by their good signature when they come again; 0 for none. Absent: 10 000. */
  accessTokenCache?: number | undefined
}

/** What a guard asks of each access token. */
export interface TokenCheck {
  /**
   * Judges a token by the rules of a guard. Throws, or rejects with, JwtError for a token that is not good, or no longer, and OAuthError
   * 503 when it cannot know. Gives the claims at once where nobody has to be waited for.
   */
  (token: string, rules: AccessTokenRules): AccessTokenClaims | Promise<AccessTokenClaims>
  /**
   * The same for a token that was good lately, by what is at hand. Undefined for one that is to be judged, and for a text that is none: it
   * is asked before the form of the text is looked at. Absent: every token is judged.
   */
  seen?(token: string, rules: AccessTokenRules): AccessTokenClaims | undefined
}

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
  return checkOf({ accessTokens, known: knownAccessToken, judge })
}

/** Puts a check together: `known` says what is known at once of a token that was found good lately, or undefined, and `judge` asks. */
export function checkOf({
  accessTokens,
  known,
  judge,
}: {
  accessTokens: VerifiedTokens
  known(token: SeenToken, rules: AccessTokenRules): AccessTokenClaims | undefined
  judge(token: TokenInHand, rules: AccessTokenRules): Promise<AccessTokenClaims>
}): TokenCheck {
  const check: TokenCheck = (token, rules) => {
    const inHand = accessTokens.take(token, rules.now, rules.signatures)
    return known(inHand, rules) ?? judge(inHand, rules)
  }
  check.seen = (token, rules) => {
    const seen = accessTokens.seen(token, rules.now)
    return seen && known(seen, rules)
  }
  return check
}
