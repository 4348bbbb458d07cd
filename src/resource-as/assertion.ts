/** The assertion as a token: which issuer it is of, and whether it is an ID-JAG of that issuer for this client (ID-JAG §4.4.1). */

import { type Awaitable, isPromise } from '../protocol/awaitable.ts'
import { checkConfirmation, type Possession } from '../protocol/confirmation.ts'
import { type IdJagClaims, readIdJagClaims } from '../protocol/id-jag.ts'
import { checkTimes, isType, verifySignature } from '../protocol/jwt.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import { jwtType } from '../protocol/names.ts'
import { type AuditFacts, type Ports, type Seconds, tokenIdHash } from '../protocol/ports.ts'
import { type EncryptionRules, openAssertion } from './encryption.ts'
import { refused } from './narrowing.ts'
import { namedTenants } from './tenants.ts'
import type { NamedTenants, TrustedIssuer } from './trust.ts'

/** What the checks go by. */
export interface AssertionRules extends EncryptionRules {
  /** This server's own issuer identifier. */
  issuer: string
  /**
   * By `iss`, exact. Undefined: not trusted, and nothing is fetched. Where issuers or this server have tenants, the entry is the one for
   * the tenants that the token names; whether it is for them is judged again when the token is verified.
   */
  findTrustedIssuer(issuer: string, named?: NamedTenants): Awaitable<TrustedIssuer | undefined>
  skew: Seconds
}

/**
 * Every check of the token itself (ID-JAG §4.4.1, RFC 7521 §5.2, RFC 7523 §3). Consumes nothing, and does NOT say whether the
 * token may be used here: what it demands and whom it names is judged by the grant. Throws OAuthError `invalid_grant`.
 */
export async function verifyAssertion(
  { assertion, client, possession }: { assertion: string; client: string; possession: Possession },
  server: AssertionRules,
  ports: Pick<Ports, 'now' | 'signatures'>,
  facts: AuditFacts,
): Promise<{ claims: IdJagClaims; trusted: TrustedIssuer }> {
  const now = ports.now()
  try {
    const opened = openAssertion(assertion, server)
    const jwt = isPromise(opened) ? await opened : opened
    const { iss, jti } = jwt.claims
    if (typeof iss === 'string' && typeof jti === 'string') facts.tokenId = tokenIdHash(iss, jti)
    if (typeof iss === 'string') facts.issuer = iss.slice(0, 255)
    facts.unverified = true
    // ID-JAG §4.4.1: typ first; a plain RFC 7523 assertion is not what this grant takes.
    if (!isType(jwt.header.typ, jwtType.idJag)) throw new JwtError('typ_mismatch', `typ must be ${jwtType.idJag}`)
    // ID-JAG §4.1: iss only chooses the entry of our own configuration.
    if (typeof iss !== 'string') throw new JwtError('malformed', "unexpected 'iss' claim value")
    const found = server.findTrustedIssuer(iss, namedTenants(jwt.claims))
    const trusted = isPromise(found) ? await found : found
    if (trusted === undefined) throw new JwtError('issuer_unknown', "unexpected 'iss' claim value")
    if (!trusted.enabled) throw new JwtError('issuer_disabled', "unexpected 'iss' claim value")
    const verifying = verifySignature(jwt, trusted, ports.signatures)
    if (isPromise(verifying)) await verifying
    facts.unverified = undefined
    const claims = readIdJagClaims(jwt.claims)
    facts.subject = claims.sub
    facts.act = claims.act
    // ID-JAG §4.4.1: this server's issuer identifier and nothing else.
    if (claims.aud !== server.issuer) throw new JwtError('aud_mismatch', "unexpected 'aud' claim value")
    // ID-JAG §4.4.1: binds the token to the client; it authenticates no actor.
    if (claims.client_id !== client) throw new JwtError('client_mismatch', "unexpected 'client_id' claim value")
    checkTimes(jwt.claims, { now, skew: server.skew, maxLifetime: trusted.maxLifetime })
    // ID-JAG §9.8.1.2: what is bound to a key or a certificate is redeemed with it alone.
    checkConfirmation(claims.cnf, possession)
    return { claims, trusted }
  } catch (cause) {
    if (!(cause instanceof JwtError)) throw cause
    throw refused(cause.reason, cause.message, cause)
  }
}
