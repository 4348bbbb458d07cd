/** Protected discovery (ID-JAG §9.4): an authenticated client asks whether an ID-JAG of some issuer would be taken from it. */

import { refusal } from '../protocol/audit.ts'
import type { Awaitable } from '../protocol/awaitable.ts'
import { blockOf } from '../protocol/blocks.ts'
import { authenticateClient, type Client } from '../protocol/client-auth.ts'
import { OAuthError } from '../protocol/errors.ts'
import { parseForm } from '../protocol/form.ts'
import type { AuditEvent, AuditFacts, Ports, Seconds } from '../protocol/ports.ts'
import type { Reason } from '../protocol/reasons.ts'
import { isResourceIndicator, sameResource } from '../protocol/resource.ts'
import { failClosed } from '../protocol/token-endpoint.ts'
import { policyUnder, type ResourcePolicy } from './narrowing.ts'
import { areConnected, stoppableTenant } from './tenants.ts'
import type { NamedTenants, TrustedIssuer } from './trust.ts'

/** One POST as it arrived. */
export interface DiscoveryRequest {
  /** The body, still form-encoded. */
  body: string
  /** Every `Authorization` header line. */
  authorization: readonly string[]
  correlationId: string
}

/** The server that is asked. */
export interface DiscoveryEndpoint extends ResourcePolicy {
  /** The clients of the token endpoint. */
  findClient(id: string): Awaitable<Client | undefined>
  findTrustedIssuer(issuer: string, named?: NamedTenants): Awaitable<TrustedIssuer | undefined>
  skew: Seconds
  policyVersion(): string
}

/** The answer, in names of our own: the draft says that there may be one, and not what it looks like. */
export type DiscoveryAnswer = { accepted: false } | { accepted: true; resources: ReachableResource[] }

/** A resource that the client can be given access to, and at most these scopes of it, with single spaces. */
export interface ReachableResource {
  resource: string
  scope: string
}

/**
 * Answers `issuer`, and `resource` where it is sent: what this very client could get with an ID-JAG of that issuer, as the policy is now.
 * `{ "accepted": false }`, the same bytes, for an issuer that is unknown, disabled, blocked, of a tenant, or not for this client, and for a
 * resource that is not; why is in the audit alone. Does NOT say what a certain person may do: nobody is named. Throws OAuthError for a
 * client that is not authenticated and for a request that cannot be read, and 503 when it cannot know.
 */
export async function answerDiscovery(
  request: DiscoveryRequest,
  endpoint: DiscoveryEndpoint,
  ports: Ports,
): Promise<DiscoveryAnswer> {
  const { issuer: server, skew, findClient } = endpoint
  const facts: AuditFacts = { policyVersion: endpoint.policyVersion() }
  const event = { role: 'resource-as', server, action: 'discover', correlationId: request.correlationId } as const
  const safe = failClosed(ports)
  const record = async (decision: Pick<AuditEvent, 'outcome' | 'reason' | 'detail' | 'error'>) =>
    await safe.record({ ...event, ...facts, at: ports.now(), ...decision })
  try {
    // RFC 8707 §2: resource alone may be repeated.
    const form = parseForm(request.body, ['resource'])
    const credentials = { authorization: request.authorization, form }
    const { client, spend } = await authenticateClient(credentials, { issuer: server, findClient, skew, ports: safe })
    facts.client = client.id
    const tenants = { tenant: form.optional('tenant'), audTenant: form.optional('aud_tenant') }
    const asked = { issuer: form.required('issuer'), tenants, resources: form.all('resource') }
    facts.issuer = asked.issuer.slice(0, 255)
    if (!asked.resources.every(isResourceIndicator))
      throw new OAuthError('invalid_target', 'resource must be an absolute URI without a fragment', {
        reason: 'resource_denied',
      })
    const found = await reachable(client.id, asked, endpoint)
    await spend()
    if ('reason' in found) {
      await record({ outcome: 'refused', ...found })
      return { accepted: false }
    }
    facts.resource = found.resources.map(({ resource }) => resource)
    await record({ outcome: 'granted', reason: 'granted' })
    return { accepted: true, resources: found.resources }
  } catch (error) {
    await record(refusal(error))
    throw error
  }
}

type Found = { resources: ReachableResource[] } | { reason: Reason; detail: string }

/** What a redemption would check of issuer, client and resource, in its order. */
async function reachable(
  client: string,
  asked: { issuer: string; tenants: NamedTenants; resources: readonly string[] },
  endpoint: DiscoveryEndpoint,
): Promise<Found> {
  const { issuer } = asked
  const trusted = await endpoint.findTrustedIssuer(issuer, asked.tenants)
  if (trusted === undefined) return { reason: 'issuer_unknown', detail: 'no trusted issuer has this name' }
  if (!trusted.enabled) return { reason: 'issuer_disabled', detail: 'the issuer is disabled' }
  // TEN-03, TEN-08: asked for as a token would name them.
  if (!areConnected(asked.tenants, trusted))
    return { reason: 'tenant_mismatch', detail: 'its tenants are not connected' }
  const policy = await policyUnder(trusted, client, endpoint)
  if (policy === undefined) return { reason: 'policy_denied', detail: 'the issuer may not speak for this client' }
  const named = asked.resources
  const resources = endpoint.resources
    .filter(({ resource }) => named.length === 0 || named.some((one) => sameResource(one, resource)))
    .filter(({ resource }) => policy.resources.some((one) => sameResource(one, resource)))
    .map(({ resource, scopes }) => ({ resource, scopes: policy.scopes.filter((scope) => scopes.includes(scope)) }))
    .filter(({ scopes }) => scopes.length > 0)
  if (resources.length === 0)
    return { reason: 'resource_denied', detail: `asked for ${named.join(' ') || 'any resource'}` }
  const blocks = endpoint.blocks?.inForce() ?? []
  const stoppable = stoppableTenant(asked.tenants, trusted)
  const free = resources.filter(({ resource }) => {
    const access = { users: [], client, audiences: [endpoint.issuer, resource], issuer, tenant: stoppable }
    return blockOf(blocks, access) === undefined
  })
  if (free.length === 0) return { reason: 'blocked', detail: 'every resource is blocked for it' }
  return { resources: free.map(({ resource, scopes }) => ({ resource, scope: scopes.join(' ') })) }
}
