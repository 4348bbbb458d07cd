/** The actor of a token exchange: the client's own assertion, or the token of a workload that the client runs as (ID-JAG D-21, §9.7). */

import { type ActorClaim, isBoundedActor } from '../protocol/actor.ts'
import type { Client } from '../protocol/client-auth.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { Form } from '../protocol/form.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import { tokenType } from '../protocol/names.ts'
import type { AuditFacts, Ports, Seconds } from '../protocol/ports.ts'
import type { Reason } from '../protocol/reasons.ts'
import { type ActorRequest, unsupportedActor } from './exchange-request.ts'
import { verifyOwnAssertion } from './own-assertion.ts'
import { verifyWorkload, type WorkloadIssuer } from './workload.ts'

/** How one client shows its actor. */
export interface ActorRule {
  /** `own-assertion`: a client assertion of its own; the client is the actor. `workload`: a token of a workload that is entered for it. */
  by: 'own-assertion' | 'workload'
  /** The kind of actor that the client is. Absent: nothing is said of it. */
  profile?: string | undefined
}

/** Whose actors are taken. */
export interface Actors {
  /** Undefined: this client shows none. */
  ruleOf(client: string): ActorRule | undefined
  /** By `iss`, exact. */
  findWorkloadIssuer(issuer: string): WorkloadIssuer | undefined
}

export interface ActorRules {
  self: string
  actors?: Actors | undefined
  client: Client
  form: Form
  ports: Ports
  skew: Seconds
  facts: AuditFacts
}

/** An actor that may act, with what is to be spent for it. */
export interface JudgedActor {
  claim: ActorClaim
  /** Spends what was shown, once: to be called with the other credentials. Throws `invalid_grant` when it was used before. */
  spend(): Promise<void>
}

/**
 * Judges an actor token (RFC 8693 §2.1, AC-03, AC-06). Throws OAuthError: `invalid_request` where the client has no
 * rule for actors or the type is another one, `invalid_grant` for a token that is not good. It authenticates nobody, and nobody can show
 * the actor of somebody else (SEC-07): the token is the authenticated client's own, or of a workload that is entered for this client.
 */
export async function judgeActor(asked: ActorRequest, rules: ActorRules): Promise<JudgedActor> {
  const rule = rules.actors?.ruleOf(rules.client.id)
  if (rules.actors === undefined || rule === undefined) throw unsupportedActor()
  if (asked.type !== tokenType.jwt)
    throw new OAuthError('invalid_request', `actor_token_type must be ${tokenType.jwt}`, { reason: 'unsupported_type' })
  const actor =
    rule.by === 'workload'
      ? await fromWorkload(asked.token, rules.actors, rules)
      : await fromOwnAssertion(asked.token, rule, rules)
  rules.facts.act = actor.claim
  return actor
}

/** The claim `act`, around the actors that the subject token named already. Throws OAuthError `invalid_grant` where that is too much. */
export function actorClaim(actor: JudgedActor | undefined, before: unknown): ActorClaim | undefined {
  if (actor === undefined || before === undefined) return actor?.claim
  const claim = { ...actor.claim, act: before }
  if (isBoundedActor(before) && isBoundedActor(claim)) return { ...actor.claim, act: before }
  throw refused('malformed', "unexpected 'act' claim value of the subject token")
}

async function fromOwnAssertion(token: string, { profile }: ActorRule, rules: ActorRules): Promise<JudgedActor> {
  const { self: iss, client } = rules
  const spend = await verifyOwnAssertion(token, { ...rules, parameter: 'actor_token' })
  return { claim: { iss, sub: client.id, ...(profile === undefined ? {} : { sub_profile: profile }) }, spend }
}

async function fromWorkload(
  token: string,
  { findWorkloadIssuer }: Actors,
  { self, client, ports, skew }: ActorRules,
): Promise<JudgedActor> {
  try {
    const rules = { self, client: client.id, findWorkloadIssuer, now: ports.now(), skew, signatures: ports.signatures }
    const { name, profile } = await verifyWorkload(token, rules)
    return {
      claim: { iss: self, sub: name, ...(profile === undefined ? {} : { sub_profile: profile }) },
      // A workload reads its token from a file and shows it until it is replaced.
      spend: async () => {},
    }
  } catch (cause) {
    if (!(cause instanceof JwtError)) throw cause
    throw refused(cause.reason, cause.message, cause)
  }
}

function refused(reason: Reason, message: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_grant', `actor_token: ${message}`, {
    reason,
    ...(cause === undefined ? {} : { cause }),
  })
}
