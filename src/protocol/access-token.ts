/** Access tokens as JWTs (RFC 9068): written by the resource authorization server, read by the guard. */

import * as z from 'zod'
import { type AuthorizationDetail, detailsOnTheWire } from './authorization-details.ts'
import type { Awaitable } from './awaitable.ts'
import { type Confirmation, checkConfirmation, type Possession } from './confirmation.ts'
import { checkTimes, isType, signJwt, type UnverifiedJwt, verifySignature } from './jwt.ts'
import { JwtError } from './jwt-error.ts'
import { isSignatureAlgorithm, type KeySource, type SignatureAlgorithm, type SigningKey } from './keys.ts'
import { jwtType } from './names.ts'
import type { Seconds } from './ports.ts'
import { sameResource } from './resource.ts'
import type { Signatures } from './signatures.ts'
import type { StatusClaim } from './status-reference.ts'
import { readingOnce, type SeenToken } from './verified-tokens.ts'

const AccessTokenClaims = z.looseObject({
  iss: z.string(),
  sub: z.string().min(1),
  aud: z.union([z.string().transform((one) => [one]), z.array(z.string()).min(1)]),
  client_id: z.string().min(1),
  jti: z.string().min(1),
  exp: z.number(),
  iat: z.number(),
  scope: z.string().optional(),
  tenant: z.string().min(1).optional(),
  // RFC 9396 §9.1
  authorization_details: detailsOnTheWire.optional(),
  auth_time: z.number().optional(),
  acr: z.string().optional(),
  amr: z.array(z.string()).optional(),
  act: z.record(z.string(), z.unknown()).optional(),
  sub_profile: z.string().min(1).optional(),
  cnf: z.record(z.string(), z.unknown()).optional(),
  status: z.unknown().optional(),
})
export type AccessTokenClaims = z.infer<typeof AccessTokenClaims>

/** What the server decided, in the names of the wire (RFC 9068 §2.2). Members that are undefined are left out. */
export interface NewAccessToken {
  iss: string
  sub: string
  aud: string | string[]
  client_id: string
  jti: string
  iat: number
  exp: number
  /** Absent: the token is for authorization details alone. */
  scope?: string | undefined
  /** The tenant of the authorization server, where it has tenants (OpenID Connect Enterprise Extensions). */
  tenant?: string | undefined
  authorization_details?: AuthorizationDetail[] | undefined
  auth_time?: number | undefined
  acr?: string | undefined
  amr?: string[] | undefined
  act?: { [member: string]: unknown } | undefined
  /** What kind of workload the account is used by. Absent: a person. */
  sub_profile?: string | undefined
  cnf?: Confirmation | undefined
  status?: StatusClaim | undefined
}

export function signAccessToken(
  claims: NewAccessToken,
  signer: SigningKey,
  signatures?: Signatures,
): Awaitable<string> {
  return signJwt(claims, jwtType.accessToken, signer, signatures)
}

/** Whose access tokens they are, and with which keys it signs. */
export interface AccessTokenIssuer {
  /** The authorization server, exact. */
  issuer: string
  keys: KeySource
  algorithms: readonly SignatureAlgorithm[]
  signatures?: Pick<Signatures, 'verify'> | undefined
}

export interface AccessTokenRules extends AccessTokenIssuer, Possession {
  /** This resource: one of the token's audiences. */
  resource: string
  /** Whether a token must be bound to a key or a certificate. Absent: it need not. */
  boundTokens?: boolean | undefined
  /** The one tenant whose tokens are good here. Absent: those of every tenant, and of none. */
  tenant?: string | undefined
  now: Seconds
  skew: Seconds
  maxLifetime: Seconds
}

/**
 * Verifies an access token for one resource (RFC 9068 §4). Throws {@link JwtError}. Does NOT ask whether the token was
 * revoked, nor whether its scope is enough. A token that is bound (`cnf`) must have come with what it is bound to.
 */
export async function verifyAccessToken(token: UnverifiedJwt, rules: AccessTokenRules): Promise<AccessTokenClaims> {
  const claims = await verifyAccessTokenSignature(token, rules)
  checkAccessTokenClaims(claims, rules)
  return claims
}

/**
 * What {@link verifyAccessToken} says of a token that was shown before, where nobody has to be asked for a key. Undefined for every other
 * token, and for one that must be looked at anew. Throws {@link JwtError}.
 */
export function knownAccessToken(
  { jwt, verifiedWith }: SeenToken,
  rules: AccessTokenRules,
): AccessTokenClaims | undefined {
  const { typ, alg, kid } = jwt.header
  // Each of these was so when the signature was found good; whatever is not so any more is refused by the long way.
  if (verifiedWith === undefined || typ !== jwtType.accessToken || jwt.claims.iss !== rules.issuer) return undefined
  if (!isSignatureAlgorithm(alg) || !rules.algorithms.includes(alg)) return undefined
  if (rules.keys.atHand?.({ alg, kid }) !== verifiedWith) return undefined
  const claims = readAccessTokenClaims(jwt.claims)
  checkAccessTokenClaims(claims, rules)
  return claims
}

/** The claims of a token that this server signed as an access token. Throws {@link JwtError}. Does NOT check times or audience. */
export async function verifyAccessTokenSignature(
  jwt: UnverifiedJwt,
  trust: AccessTokenIssuer,
): Promise<AccessTokenClaims> {
  // RFC 9068 §4, ID-JAG §9.3: an ID-JAG or ID Token is no access token.
  if (!isType(jwt.header.typ, jwtType.accessToken)) throw new JwtError('typ_mismatch', 'is not an access token')
  if (jwt.claims.iss !== trust.issuer) throw new JwtError('issuer_unknown', "unexpected 'iss' claim value")
  await verifySignature(jwt, trust, trust.signatures)
  return readAccessTokenClaims(jwt.claims)
}

/** The claims by their schema, whoever vouches for them: a signature, or the answer of an introspection. Throws `malformed`. */
export const readAccessTokenClaims = readingOnce((claims): AccessTokenClaims => {
  const read = AccessTokenClaims.safeParse(claims)
  if (read.success) return read.data
  throw new JwtError('malformed', `unexpected '${String(read.error.issues[0]?.path[0])}' claim value`)
})

/** What {@link verifyAccessToken} asks of claims that are known to be the issuer's. Throws {@link JwtError}. */
export function checkAccessTokenClaims(
  claims: AccessTokenClaims,
  rules: Omit<AccessTokenRules, keyof AccessTokenIssuer>,
): void {
  if (!claims.aud.some((audience) => sameResource(audience, rules.resource)))
    throw new JwtError('aud_mismatch', 'was issued for another resource')
  // TEN-08, carried on to the resource: never the token of another tenant.
  if (rules.tenant !== undefined && claims.tenant !== rules.tenant)
    throw new JwtError('tenant_mismatch', 'was issued for another tenant')
  checkTimes(claims, rules)
  // RFC 9449 §7.2: a bound token is never good as a Bearer token.
  checkConfirmation(claims.cnf, rules)
  // RFC 9449 §7.1: with the scheme DPoP, the token is bound to the key of the proof.
  if (rules.proofKey !== undefined && claims.cnf?.jkt === undefined)
    throw new JwtError('pop_mismatch', 'came with a DPoP proof, and is not bound to a key')
  if (rules.boundTokens === true && claims.cnf === undefined)
    throw new JwtError('pop_required', 'is not bound to a key, and this resource takes no other')
}
