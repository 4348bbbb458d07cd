/** A token endpoint without a framework: who asks, which grant, its answer, and one line in the audit for each request. */

import { bounded, eventOf, nameOf, noFactsYet, refusal } from './audit.ts'
import type { AuthorizationDetail } from './authorization-details.ts'
import { type Awaitable, isPromise } from './awaitable.ts'
import { authenticateClient, type Client } from './client-auth.ts'
import { type Proof, type ProofPolicy, verifyProof } from './dpop.ts'
import { OAuthError, unavailable } from './errors.ts'
import { type Form, parseForm } from './form.ts'
import type { AuditEvent, AuditFacts, Ports, Role, Seconds } from './ports.ts'

/** One POST as it arrived. */
export interface TokenRequest {
  /** The body, still form-encoded. */
  body: string
  /** Every `Authorization` header line. */
  authorization: readonly string[]
  /** Every `DPoP` header line. */
  proofs: readonly string[]
  /** The thumbprint of the client's certificate. Absent: none came, or the transport looks at none. */
  certificate?: string | undefined
  correlationId: string
}

/** The members of a successful answer (RFC 6749 §5.1, RFC 8693 §2.2.1); those that are undefined are not in it. */
export interface TokenResponse {
  access_token: string
  token_type: string
  issued_token_type?: string
  expires_in: number
  scope?: string | undefined
  resource?: string | string[] | undefined
  authorization_details?: AuthorizationDetail[] | undefined
}

/** What a grant is given: an authenticated client, its form, and a place for facts that the audit should know. */
export interface GrantRequest {
  form: Form
  client: Client
  /**
   * The thumbprint of the key whose DPoP proof came with the request and was right (RFC 9449 §5): what is issued is bound to it, or the
   * request is refused.
   */
  proofKey?: string | undefined
  /** The thumbprint of the certificate that came with the request. What it means is for the role to say: see `possessionOf`. */
  certificate?: string | undefined
  /** Spends the client's assertion and the proof, as far as they came: to be called after every check and before anything else is spent. */
  spendCredentials(): Awaitable<void>
  facts: AuditFacts
  /** Names the policy in force now, for the audit: to be called in the very moment in which the policy is asked. */
  namePolicy(): void
  /** Writes the audit line of a granted request, with the facts so far. To be awaited before anything is signed. */
  recordGranted(): Promise<void>
}

/**
 * A grant: a function from a request to its answer, which throws {@link OAuthError} and nothing else for whatever a
 * caller can send. Its order is always: every check, then spend, then {@link GrantRequest.recordGranted}, then sign.
 */
export type Grant = (request: GrantRequest, ports: Ports) => Promise<TokenResponse>

export interface TokenEndpoint {
  role: Role
  issuer: string
  action: AuditEvent['action']
  grants: { readonly [grantType: string]: Grant }
  /** How DPoP proofs are checked. Absent: a request with one is refused. */
  proofs?: ProofPolicy | undefined
  findClient(id: string): Awaitable<Client | undefined>
  /** Throws {@link OAuthError} for an authenticated client that asks more often than it may. Absent: as often as it likes. */
  takeShare?: ((client: string) => void) | undefined
  skew: Seconds
  policyVersion(): string
}

/** Of an endpoint, what its audit lines say. */
export type AuditedEndpoint = Pick<TokenEndpoint, 'role' | 'issuer' | 'action' | 'policyVersion'>

/** Of a grant's request, what its audit line is made with. */
export type Decision = Pick<GrantRequest, 'facts' | 'namePolicy' | 'recordGranted'>

/**
 * Answers one token request. Throws {@link OAuthError} for every refusal, after its audit line was written; a failure
 * of our own comes out as it is, recorded too. Form parameters in the query are the transport's to refuse.
 */
export async function answerTokenRequest(
  request: TokenRequest,
  endpoint: TokenEndpoint,
  ports: Ports,
): Promise<TokenResponse> {
  const { safe, decision, recordRefused } = audited(endpoint, request.correlationId, ports)
  try {
    // RFC 8707 §2: resource alone may be repeated.
    const form = parseForm(request.body, repeatable)
    const grantType = form.required('grant_type')
    const authenticating = authenticateClient(
      { authorization: request.authorization, form },
      { issuer: endpoint.issuer, findClient: endpoint.findClient, skew: endpoint.skew, ports: safe },
    )
    const { client, spend } = isPromise(authenticating) ? await authenticating : authenticating
    decision.facts.client = client.id
    endpoint.takeShare?.(client.id)
    const grant = grantOf(endpoint, grantType)
    const proving = proofOf(request, endpoint, client, safe)
    const proof = isPromise(proving) ? await proving : proving
    const spendCredentials = proof === undefined ? spend : bothSpent(spend, proof)
    const { certificate } = request
    const { facts, namePolicy, recordGranted } = decision
    const proofKey = proof?.key
    return await grant(
      { form, client, proofKey, certificate, spendCredentials, facts, namePolicy, recordGranted },
      safe,
    )
  } catch (error) {
    await recordRefused(error)
    throw error
  }
}

const repeatable = ['resource']

function grantOf({ grants }: TokenEndpoint, grantType: string): Grant {
  const grant = Object.hasOwn(grants, grantType) ? grants[grantType] : undefined
  if (grant !== undefined) return grant
  throw new OAuthError('unsupported_grant_type', `grant_type must be ${Object.keys(grants).join(' or ')}`, {
    reason: 'grant_not_enabled',
  })
}

function bothSpent(spend: () => Awaitable<void>, proof: Proof): () => Promise<void> {
  return async () => {
    await spend()
    await proof.spend()
  }
}

function proofOf(
  { proofs: lines }: TokenRequest,
  { proofs, skew }: TokenEndpoint,
  { boundTokens }: Client,
  ports: Ports,
): Awaitable<Proof | undefined> {
  // RFC 9449 §5.2: whatever the grant.
  if (lines.length === 0 && boundTokens === 'dpop')
    throw new OAuthError('invalid_dpop_proof', 'this client must send a DPoP proof', { reason: 'pop_required' })
  if (lines.length === 0) return undefined
  if (proofs === undefined) throw proofNotOffered()
  return verifyProof(lines, { ...proofs, method: 'POST', skew, ports })
}

/** RFC 9449: a proof asks for a bound token. To ignore it would hand out less than was asked, unseen. */
export function proofNotOffered(where = 'by this server'): OAuthError {
  return new OAuthError('invalid_dpop_proof', `DPoP is not offered ${where}`, { reason: 'pop_unsupported' })
}

/**
 * Runs one decision of an endpoint over ports that fail closed. For hosts that read the form and authenticate the client in their own
 * way: what `decide` learns belongs in `facts`. Throws what `decide` throws, after its audit line was written.
 */
export async function decideAudited(
  endpoint: AuditedEndpoint,
  correlationId: string,
  ports: Ports,
  decide: (decision: Decision, ports: Ports) => Promise<TokenResponse>,
): Promise<TokenResponse> {
  const { safe, decision, recordRefused } = audited(endpoint, correlationId, ports)
  try {
    return await decide(decision, safe)
  } catch (error) {
    await recordRefused(error)
    throw error
  }
}

interface Audited {
  /** Ports that fail closed. */
  safe: Ports
  decision: Decision
  recordRefused(error: unknown): Promise<void>
}

function audited(
  { role, issuer, action, policyVersion }: AuditedEndpoint,
  correlationId: string,
  ports: Ports,
): Audited {
  const facts = noFactsYet(policyVersion())
  const made = { role, server: issuer, action, correlationId } as const
  const safe = failClosed(ports)
  const decision: Decision = {
    facts,
    namePolicy() {
      facts.policyVersion = policyVersion()
    },
    recordGranted: () => safe.record(eventOf(made, facts, ports.now(), granted)),
  }
  const recordRefused = (error: unknown) => safe.record(eventOf(made, facts, ports.now(), refusal(error)))
  return { safe, decision, recordRefused }
}

const granted = { outcome: 'granted', reason: 'granted' } as const

/** Writes the audit line of a request that was refused before any grant was asked. Throws 503 when it cannot be kept. */
export async function recordRefusal(
  error: unknown,
  event: Pick<AuditEvent, 'role' | 'server' | 'action' | 'correlationId' | 'client'>,
  ports: Ports,
): Promise<void> {
  await failClosed(ports).record({ ...event, ...refusal(error), at: ports.now() })
}

/** Made once for the ports of a server, and not for each request. */
const closedPorts = new WeakMap<Ports, Ports>()

/** Ports that fail closed: a store or audit that cannot answer is 503, and never a reason to issue. Audit events are bounded. */
export function failClosed(ports: Ports): Ports {
  const known = closedPorts.get(ports)
  if (known !== undefined) return known
  const closed = closing(ports)
  closedPorts.set(ports, closed)
  return closed
}

function closing(ports: Ports): Ports {
  return {
    now: () => ports.now(),
    newId: () => ports.newId(),
    fence: () => ports.fence(),
    get signatures() {
      return ports.signatures
    },
    once(key, until) {
      try {
        const first = ports.once(key, until)
        return isPromise(first) ? first.then(undefined, refuseUnspent) : first
      } catch (cause) {
        return refuseUnspent(cause)
      }
    },
    record: (event) => ports.record(bounded(event)).then(undefined, refuseUnrecorded),
  }
}

function refuseUnspent(cause: unknown): never {
  const full = cause instanceof Error && cause.name === 'StoreFullError'
  throw unavailable(full ? 'replay_store_full' : 'replay_store_unavailable', nameOf(cause), cause)
}

function refuseUnrecorded(cause: unknown): never {
  throw unavailable('audit_unavailable', nameOf(cause), cause)
}
