/** The ID Token as a subject token: verified as its own kind of token, for exactly this client (ID-JAG §4.3.3). */

import { type Awaitable, following } from './awaitable.ts'
import { arrayOf, numberClaim, optional, readClaims, required, stringOf, textOf } from './claims.ts'
import { checkTimes, isType, type UnverifiedJwt, verifySignature } from './jwt.ts'
import { JwtError } from './jwt-error.ts'
import type { KeySource, SignatureAlgorithm } from './keys.ts'
import type { Seconds } from './ports.ts'
import type { Signatures } from './signatures.ts'
import { readingOnce } from './verified-tokens.ts'

/** OpenID Connect Core §2. Unknown claims are kept: an allow-list decides later which of them may travel. */
export interface IdTokenClaims {
  iss: string
  sub: string
  /** An array, whichever of the two was written. */
  aud: string[]
  azp?: string | undefined
  exp: number
  iat: number
  auth_time?: number | undefined
  acr?: string | undefined
  amr?: string[] | undefined
  [claim: string]: unknown
}

const anyString = stringOf(Number.POSITIVE_INFINITY)
const audiences = arrayOf(anyString, 32, 1)
const rows = [
  required('iss', ({ iss }) => iss, anyString),
  required('sub', ({ sub }) => sub, textOf(255)),
  required(
    'aud',
    ({ aud }) => aud,
    (value) => audiences(typeof value === 'string' ? [value] : value),
  ),
  optional('azp', ({ azp }) => azp, anyString),
  required('exp', ({ exp }) => exp, numberClaim),
  required('iat', ({ iat }) => iat, numberClaim),
  optional('auth_time', ({ auth_time }) => auth_time, numberClaim),
  // What an ID-JAG can carry on: no more than its reader takes.
  optional('acr', ({ acr }) => acr, stringOf(255)),
  optional('amr', ({ amr }) => amr, arrayOf(stringOf(255), 32)),
]

const readIdTokenClaims = readingOnce((claims): IdTokenClaims => {
  const read = readClaims(claims, rows)
  if ('claims' in read) return read.claims as IdTokenClaims
  throw new JwtError('subject_invalid', `unexpected '${read.fault}' claim value`)
})

/** No provider's ID Token lives longer; it also turns away an `exp` in milliseconds. */
const maxIdTokenLifetime: Seconds = 7 * 24 * 3600

export interface IdTokenRules {
  /** The issuer whose trust this is; equal to the token's `iss` already. */
  issuer: string
  keys: KeySource
  algorithms: readonly SignatureAlgorithm[]
  /** The id by which that issuer knows the authenticated client. */
  clientId: string
  now: Seconds
  skew: Seconds
  signatures?: Pick<Signatures, 'verify'> | undefined
}

/**
 * Refuses tokens of every other kind: an ID Token has no `typ`, or `JWT`, and no `events` (RFC 8725 §3.12). An IdP that
 * let this go could be handed its own ID-JAG as a subject. Throws {@link JwtError} `subject_type_mismatch`.
 */
export function checkIsIdToken({ header, claims }: UnverifiedJwt): void {
  if (header.typ !== undefined && !isType(header.typ, 'jwt'))
    throw new JwtError('subject_type_mismatch', 'is another kind of token than its subject_token_type says')
  if (Object.hasOwn(claims, 'events'))
    throw new JwtError('subject_type_mismatch', 'is a logout token or security event')
}

/**
 * Verifies an ID Token whose `iss` is known (OpenID Connect Core §3.1.3.7, ID-JAG §4.3.3): kind, signature, claims, time, and
 * that its audience is the client that shows it. Does NOT check `nonce`, `at_hash`, `acr` or `auth_time`, nor whether
 * the session behind it still stands. Throws {@link JwtError}.
 */
export function verifyIdToken(jwt: UnverifiedJwt, rules: IdTokenRules): Awaitable<IdTokenClaims> {
  checkIsIdToken(jwt)
  return following(verifySignature(jwt, rules, rules.signatures), () => verifiedClaims(jwt, rules))
}

function verifiedClaims(jwt: UnverifiedJwt, rules: IdTokenRules): IdTokenClaims {
  const claims = readIdTokenClaims(jwt.claims)
  checkTimes(jwt.claims, { now: rules.now, skew: rules.skew, maxLifetime: maxIdTokenLifetime })
  // ID-JAG §4.3.3: the audience of the assertion is the authenticated client.
  if (!claims.aud.includes(rules.clientId))
    throw new JwtError('subject_audience', "unexpected 'aud' claim value: it was issued to another client")
  // OpenID Connect Core §3.1.3.7 (4), (5): several audiences need azp, and azp is the client.
  if ((claims.aud.length > 1 || claims.azp !== undefined) && claims.azp !== rules.clientId)
    throw new JwtError('subject_audience', "unexpected 'azp' claim value: it was issued to another client")
  return claims
}
