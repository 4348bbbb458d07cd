/** The guard of a protected resource: checks the access token of each request, and tells a stranger where to get one. */

import { refusal } from '../protocol/audit.ts'
import { type Metadata, protectedResourceMetadata, protectedResourceMetadataUrl } from '../protocol/metadata.ts'
import type { AuditEvent, Ports } from '../protocol/ports.ts'
import { demandParameters, meets, type SignInDemand, signInText } from '../protocol/sign-in.ts'
import { failClosed } from '../protocol/token-endpoint.ts'
import { algs, Challenge, type SchemeChallenge } from './challenge.ts'
import { type GuardedRequest, type ProvableRequest, readPrincipal, type TokenRules } from './presented-token.ts'
import type { Principal } from './principal.ts'
import type { Revocation } from './revocation.ts'

export interface GuardOptions extends TokenRules {
  /** Every scope of this resource. Clients without a better idea ask for all of them, so keep the list short. */
  scopes: readonly string[]
  name?: string
  /** How it learns that a token was ended before its time: `statusLists(…)`, `introspection(…)`, or not at all. */
  revocation: Revocation
}

export interface Guard {
  /** The document at `/.well-known/oauth-protected-resource…` (RFC 9728). */
  metadata: Metadata
  metadataUrl: string
  /**
   * Who calls; at once for a token that was seen before, where nobody has to be asked. Rejects with {@link Challenge}, after its audit
   * event, and never throws. Whether the token was ended since it was issued is asked as
   * {@link GuardOptions.revocation} says; 503 when that cannot be known. A token that is bound to a key is taken with a proof by that key,
   * which is spent here; a host that does not say what the proof is about gets every such token refused.
   */
  authenticate(request: GuardedRequest | ProvableRequest): Principal | Promise<Principal>
  /**
   * Lets an authenticated request pass if its token has every `required` scope and its sign-in is what `signIn` demands, or rejects with
   * {@link Challenge}. Writes the audit event.
   */
  authorize(principal: Principal, request: AuthorizedRequest): Promise<void>
}

/** What one request needs of the token that came with it. */
export interface AuthorizedRequest {
  required: readonly string[]
  /** What the person's sign-in must have been (RFC 9470). Absent: anything. */
  signIn?: SignInDemand | undefined
  correlationId: string
}

/** Makes the guard of one resource. */
export function guardOf(options: GuardOptions, ports: Ports): Guard {
  const metadataUrl = protectedResourceMetadataUrl(options.resource)
  const check = options.revocation({ ...options, issuer: options.authorizationServer, now: () => ports.now() })
  const safe = failClosed(ports)
  const rules = { ...options, check, metadataUrl, ports: safe }
  const granted = ({ account, client, tokenId, issuer, tenant, scopes }: Principal, correlationId: string) => {
    const event: AuditEvent = {
      at: ports.now(),
      role: 'resource',
      server: options.resource,
      action: 'call',
      outcome: 'granted',
      reason: 'granted',
      correlationId,
      // Member by member: to spread an object into a literal with members of its own takes microseconds.
      account,
      client,
      tokenId,
      issuer,
      scope: scopes.join(' '),
    }
    if (tenant !== undefined) event.audTenant = tenant
    return event
  }
  const recordRefused = async (
    why: Pick<AuditEvent, 'outcome' | 'reason' | 'detail' | 'error'>,
    correlationId: string,
    principal?: Principal,
  ) => {
    const called = { at: ports.now(), role: 'resource', server: options.resource, action: 'call' } as const
    await safe.record({
      ...(principal === undefined ? called : granted(principal, correlationId)),
      ...why,
      correlationId,
    })
  }
  const refuse = async (challenge: Challenge, correlationId: string, principal?: Principal): Promise<never> => {
    const { reason, error, message: detail } = challenge
    const why = { outcome: 'refused', reason, detail, ...(error === undefined ? {} : { error }) } as const
    await recordRefused(why, correlationId, principal)
    throw challenge
  }
  const notAuthenticated = async (cause: unknown, correlationId: string): Promise<never> => {
    if (cause instanceof Challenge) return await refuse(cause, correlationId)
    await recordRefused(refusal(cause), correlationId)
    throw cause
  }
  return {
    metadata: protectedResourceMetadata({ ...options, takesProofs: true }),
    metadataUrl,
    authenticate(request) {
      try {
        const judged = readPrincipal(request, rules)
        if (!(judged instanceof Promise)) return judged
        return judged.catch((cause: unknown) => notAuthenticated(cause, request.correlationId))
      } catch (cause) {
        return notAuthenticated(cause, request.correlationId)
      }
    },
    authorize(principal, { required, signIn, correlationId }) {
      const { scopes } = principal
      // RFC 6750 §3.1: 403, and every scope the request needs, so that a client can ask for them at once.
      if (!required.every((scope) => scopes.includes(scope))) {
        const missing = required.filter((scope) => !scopes.includes(scope))
        const parameters = { error: 'insufficient_scope', scope: required.join(' ') }
        const lacking = `the access token lacks ${missing.join(' ')}`
        const challenge = new Challenge(403, 'scope_denied', lacking, [asItCame(principal, parameters, metadataUrl)])
        return refuse(challenge, correlationId, principal)
      }
      if (signIn !== undefined && !meets(principal, signIn, { now: ports.now(), skew: options.skew })) {
        // RFC 9470 §3
        const demanded = Object.entries(demandParameters(signIn)).map(([name, value]) => [name, String(value)])
        const parameters = { error: 'insufficient_user_authentication', ...Object.fromEntries(demanded) }
        const challenges = [asItCame(principal, parameters, metadataUrl)]
        const challenge = new Challenge(401, 'step_up', signInText(principal), challenges)
        return refuse(challenge, correlationId, principal)
      }
      return safe.record(granted(principal, correlationId))
    },
  }
}

/** A challenge to come again by the scheme that was used. */
function asItCame(
  { proofKey }: Principal,
  parameters: SchemeChallenge['parameters'],
  metadataUrl: string,
): SchemeChallenge {
  const bound = proofKey !== undefined
  return {
    scheme: bound ? 'DPoP' : 'Bearer',
    parameters: { ...parameters, ...(bound ? { algs } : {}), resource_metadata: metadataUrl },
  }
}
