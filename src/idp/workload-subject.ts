/** A workload or agent as the subject itself, behind the branch `workload-agent-principal`: nobody's delegate, and no person (FL-WL-01, FL-WL-02). */

import type { Branches } from '../protocol/branches.ts'
import type { Client } from '../protocol/client-auth.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { Form } from '../protocol/form.ts'
import { readJwt } from '../protocol/jwt.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import { type AuditFacts, type Ports, type Seconds, tokenIdHash } from '../protocol/ports.ts'
import type { Connection, User } from './connections.ts'
import type { AccessDecision } from './decision.ts'
import { type ActorRequest, unsupportedActor } from './exchange-request.ts'
import { verifyOwnAssertion } from './own-assertion.ts'
import type { Subject } from './subject.ts'
import { subjectFor } from './subject-mapping.ts'
import { verifyWorkload, type Workload, type WorkloadIssuer } from './workload.ts'

/** Which workloads may be subjects. Which of them may have what, their connections say. */
export interface Workloads {
  /** The workload that a client is itself, shown by an assertion of its own. Undefined: it is none. */
  ofClient(client: string): Pick<Workload, 'name' | 'profile'> | undefined
  /** By `iss`, exact. */
  findWorkloadIssuer(issuer: string): WorkloadIssuer | undefined
  /** Whether a workload is called so: then nobody else is. */
  isName(name: string): boolean
}

/** What an identity provider knows of workloads. */
export interface WorkloadKeeper {
  workloads?: Workloads | undefined
  branches?: Branches | undefined
  pairwiseSecret?: string
}

export interface WorkloadReading {
  self: string
  client: Client
  form: Form
  ports: Ports
  skew: Seconds
  facts: AuditFacts
}

/** What is said of a workload whose entry does not say what kind it is. */
const usualProfile = 'workload'

/**
 * Reads a subject token of the type jwt: a client assertion of the client's own (it is spent with the other credentials), or the token
 * of a platform for a workload that is entered for this client (it is not). Throws OAuthError `invalid_grant`. Undefined where subjects are people.
 */
export function workloadReader(
  keeper: WorkloadKeeper,
  rules: WorkloadReading,
): ((token: string) => Promise<Subject>) | undefined {
  const workloads = serving(keeper)
  if (workloads === undefined) return undefined
  return async (token) => {
    const { self, client, facts, ports, skew } = rules
    try {
      const { iss, sub, jti } = readJwt(token).claims
      Object.assign(facts, { issuer: textOf(iss), subject: textOf(sub), unverified: true })
      if (typeof iss === 'string' && typeof jti === 'string') facts.tokenId = tokenIdHash(iss, jti)
      // RFC 7523 §3: a client assertion is of the client and by the client. A platform is no client.
      const own = iss === client.id
      const spend = own ? await verifyOwnAssertion(token, { ...rules, parameter: 'subject_token' }) : undefined
      const { findWorkloadIssuer } = workloads
      const workload = own
        ? workloads.ofClient(client.id)
        : await verifyWorkload(token, { self, client: client.id, findWorkloadIssuer, now: ports.now(), skew })
      delete facts.unverified
      if (workload === undefined) throw new JwtError('subject_unknown', 'its client is no workload by its entry')
      const { name, profile = usualProfile } = workload
      facts.subjectProfile = profile
      const issuer = own ? self : String(iss)
      return { user: { sub: name, profile, enabled: true, groups: [], claims: {} }, issuer, kept: false, spend }
    } catch (cause) {
      if (!(cause instanceof JwtError)) throw cause
      throw new OAuthError('invalid_grant', `subject_token: ${cause.message}`, { reason: cause.reason, cause })
    }
  }
}

/** An actor acts for a person (ID-JAG §9.7). Throws OAuthError `invalid_request` where a workload is to act for a workload. */
export function refuseActorOfWorkload(asked: ActorRequest | undefined, { profile }: Pick<User, 'profile'>): void {
  if (asked !== undefined && profile !== undefined)
    throw unsupportedActor('actor_token must not be sent with the token of a workload as subject_token')
}

/** A workload signs in nowhere: where a sign-in is demanded, it has no access, and nothing that it could do would help. */
export function withoutSignIn({ sub, profile }: User, decision: AccessDecision): AccessDecision {
  if (profile === undefined || decision.allowed || decision.reason !== 'step_up') return decision
  return {
    allowed: false,
    error: 'access_denied',
    description: 'policy does not allow this client to act for this user at this audience',
    reason: 'policy_denied',
    detail: `${sub} is a workload, and a sign-in is demanded`,
  }
}

/** `sub` for one resource server. Throws as {@link subjectFor}, and `access_denied` for a person who would be called as a workload is. */
export function subjectWithin(
  user: User,
  connection: Pick<Connection, 'audience' | 'subject'>,
  keeper: WorkloadKeeper,
): string {
  const sub = subjectFor(user, connection, keeper.pairwiseSecret)
  if (user.profile !== undefined || serving(keeper)?.isName(sub) !== true) return sub
  throw new OAuthError('access_denied', 'policy does not allow this client to act for this user at this audience', {
    reason: 'policy_denied',
    detail: `${user.sub} would be ${sub} at ${connection.audience}, which is the name of a workload`,
  })
}

function serving({ workloads, branches }: WorkloadKeeper): Workloads | undefined {
  return branches?.['workload-agent-principal'] === true ? workloads : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, 255) : undefined
}
