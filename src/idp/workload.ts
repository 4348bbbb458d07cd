/** Tokens of workloads, as a platform gives them to what runs on it (Kubernetes, SPIFFE): who one is of, by entries of our own. */

import { checkTimes, isType, readJwt, verifySignature } from '../protocol/jwt.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import type { KeySource, SignatureAlgorithm } from '../protocol/keys.ts'
import type { Seconds } from '../protocol/ports.ts'
import type { Signatures } from '../protocol/signatures.ts'

/** Who issues tokens to workloads, and which of them are known. */
export interface WorkloadIssuer {
  issuer: string
  keys: KeySource
  algorithms: readonly SignatureAlgorithm[]
  /** The longest life of a token that is taken. */
  maxLifetime: Seconds
  workloads: readonly Workload[]
}

/** One workload that is known. */
export interface Workload {
  /** `sub` of its tokens, to the letter. */
  sub: string
  /** The client that runs as it: no other can show its tokens. */
  client: string
  /** What it is called in an ID-JAG. */
  name: string
  /** The kind of principal that it is. Absent: nothing is said of it. */
  profile?: string | undefined
}

export interface WorkloadRules {
  /** This IdP, which the token must be addressed to, alone. */
  self: string
  /** The authenticated client. */
  client: string
  findWorkloadIssuer(issuer: string): WorkloadIssuer | undefined
  now: Seconds
  skew: Seconds
  signatures?: Signatures | undefined
}

/**
 * The workload that a token is of: a JWT of an issuer that is entered, for this IdP alone, within its time, of a workload that is entered
 * for this very client (SEC-07). Throws {@link JwtError}. It is NOT spent: platforms hand out one token for many requests.
 */
export async function verifyWorkload(token: string, rules: WorkloadRules): Promise<Workload> {
  const jwt = readJwt(token)
  // RFC 8725 §3.11: an ID-JAG or access token is no token of a workload (AC-03).
  if (jwt.header.typ !== undefined && !isType(jwt.header.typ, 'jwt'))
    throw new JwtError('typ_mismatch', 'has the typ of another kind of token')
  const { iss, sub, aud, iat, exp } = jwt.claims
  const issuer = typeof iss === 'string' ? rules.findWorkloadIssuer(iss) : undefined
  if (issuer === undefined) throw new JwtError('issuer_unknown', "unexpected 'iss' claim value")
  await verifySignature(jwt, issuer, rules.signatures)
  if ((Array.isArray(aud) && aud.length === 1 ? aud[0] : aud) !== rules.self)
    throw new JwtError('aud_mismatch', `aud must be ${rules.self} alone`)
  const { now, skew } = rules
  // A JWT-SVID need not say when it was issued: then its life counts from now.
  const times = { ...jwt.claims, iat: iat ?? (typeof exp === 'number' ? Math.min(exp, now) : undefined) }
  checkTimes(times, { now, skew, maxLifetime: issuer.maxLifetime })
  const workload = issuer.workloads.find((one) => one.sub === sub && one.client === rules.client)
  if (workload === undefined) throw new JwtError('subject_unknown', 'its workload is not one that this client runs as')
  return workload
}
