/** An access token of this server that somebody shows again, to ask about it or to end it: who asks, and whether it is alive. */

import { type AccessTokenClaims, verifyAccessTokenSignature } from '../protocol/access-token.ts'
import { refusal } from '../protocol/audit.ts'
import type { Awaitable } from '../protocol/awaitable.ts'
import {
  type AuthenticatedClient,
  authenticateClient,
  type Client,
  type ClientCredentials,
} from '../protocol/client-auth.ts'
import { parseForm } from '../protocol/form.ts'
import { checkTimes, readJwt } from '../protocol/jwt.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import { type KeySource, signatureAlgorithms } from '../protocol/keys.ts'
import { type AuditEvent, type AuditFacts, type Ports, type Seconds, tokenIdHash } from '../protocol/ports.ts'
import { statusIndexOf } from '../protocol/status-reference.ts'
import { failClosed } from '../protocol/token-endpoint.ts'
import type { TokenStatuses } from './status.ts'

/** One POST as it arrived. */
export interface ShownTokenRequest {
  /** The body, still form-encoded. */
  body: string
  /** Every `Authorization` header line. */
  authorization: readonly string[]
  correlationId: string
}

/** The server whose tokens are shown. */
export interface TokenKeeper {
  issuer: string
  /** Its own keys: what it published, and nothing that was purged. */
  keys: KeySource
  statuses: TokenStatuses
  skew: Seconds
  policyVersion(): string
}

/** A token that is signed by this server and has not expired. */
export interface ShownToken {
  claims: AccessTokenClaims
  index: number
}

/** What an endpoint does with a token. */
export interface Treatment<Caller extends Client, Answer> {
  action: AuditEvent['action']
  findCaller(id: string): Awaitable<Caller | undefined>
  /** The public client that asks, where those may. Undefined: the request must authenticate. Absent: every request must. */
  findOpenCaller?: ((credentials: ClientCredentials) => Promise<Caller | undefined>) | undefined
  /** Whether the token is alive for this caller. Throws {@link JwtError} when it is not, and OAuthError for a caller to be refused. */
  judge(token: ShownToken, caller: Caller): void
  /** What is done for a live one, after every check. */
  treat(token: ShownToken): Promise<Answer>
  /** The answer for whatever is no live token for this caller. The reason stands in the audit alone. */
  dead: Answer
}

/**
 * Answers one request with a token in it (RFC 7662 §2.1, RFC 7009 §2.1). Throws OAuthError for every refusal, after its audit event;
 * a failure of our own comes out as it is, recorded too. The event of an answer is kept before the answer is given.
 * `token_type_hint` is not looked at: a token says itself what it is.
 */
export async function answerShownToken<Caller extends Client, Answer>(
  request: ShownTokenRequest,
  keeper: TokenKeeper,
  treatment: Treatment<Caller, Answer>,
  ports: Ports,
): Promise<Answer> {
  const facts: AuditFacts = { policyVersion: keeper.policyVersion() }
  const { correlationId } = request
  const event = { role: 'resource-as', server: keeper.issuer, action: treatment.action, correlationId } as const
  const safe = failClosed(ports)
  try {
    const form = parseForm(request.body)
    const credentials = { authorization: request.authorization, form }
    const open = await treatment.findOpenCaller?.(credentials)
    const { client, spend } =
      open === undefined
        ? await authenticateClient(credentials, {
            issuer: keeper.issuer,
            findClient: treatment.findCaller,
            skew: keeper.skew,
            ports: safe,
          })
        : { client: open, spend: async () => {} }
    facts.client = client.id
    const verdict = await judged(form.required('token'), client, { keeper, treatment, facts, ports })
    await spend()
    const answer = 'dead' in verdict ? treatment.dead : await treatment.treat(verdict)
    await safe.record({ ...event, ...facts, at: ports.now(), ...decisionOn(verdict) })
    return answer
  } catch (error) {
    await safe.record({ ...event, ...facts, ...refusal(error), at: ports.now() })
    throw error
  }
}

type Verdict = ShownToken | { dead: JwtError }

async function judged<Caller extends Client, Answer>(
  token: string,
  caller: AuthenticatedClient<Caller>['client'],
  context: { keeper: TokenKeeper; treatment: Treatment<Caller, Answer>; facts: AuditFacts; ports: Ports },
): Promise<Verdict> {
  try {
    const shown = await readShownToken(token, context)
    context.treatment.judge(shown, caller)
    return shown
  } catch (error) {
    if (error instanceof JwtError) return { dead: error }
    throw error
  }
}

async function readShownToken(
  token: string,
  { keeper, facts, ports }: { keeper: TokenKeeper; facts: AuditFacts; ports: Ports },
): Promise<ShownToken> {
  const { issuer, keys, skew } = keeper
  const now = ports.now()
  const jwt = readJwt(token)
  const { iss, jti } = jwt.claims
  if (typeof iss === 'string' && typeof jti === 'string')
    Object.assign(facts, { tokenId: tokenIdHash(iss, jti), unverified: true })
  const trust = { issuer, keys, algorithms: signatureAlgorithms, signatures: ports.signatures }
  const claims = await verifyAccessTokenSignature(jwt, trust)
  delete facts.unverified
  const { sub, scope, aud, exp } = claims
  Object.assign(facts, { account: sub, scope, resource: aud.length === 1 ? aud[0] : aud })
  checkTimes(claims, { now, skew, maxLifetime: Number.POSITIVE_INFINITY })
  // RFC 7662 §4: this server's own clock decides; the skew is for the clocks of others.
  if (now >= exp) throw new JwtError('expired', 'has expired')
  const index = statusIndexOf(issuer, claims.status)
  // Issued before this server kept statuses: what cannot be ended is not called alive.
  if (index === undefined) throw new JwtError('token_invalid', 'has no status here')
  return { claims, index }
}

function decisionOn(verdict: Verdict): Pick<AuditEvent, 'outcome' | 'reason' | 'detail'> {
  if ('dead' in verdict) return { outcome: 'refused', reason: verdict.dead.reason, detail: verdict.dead.message }
  return { outcome: 'granted', reason: 'granted' }
}
