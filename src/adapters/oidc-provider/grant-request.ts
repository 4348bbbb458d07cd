/** One request that oidc-provider handed to our grant: checked where its parser is lenient, decided, audited, answered. */

import type { KoaContextWithOIDC, Provider, TokenEndpointGrantContext } from 'oidc-provider'
import type { Client } from '../../protocol/client-auth.ts'
import { OAuthError } from '../../protocol/errors.ts'
import { type Form, parseForm } from '../../protocol/form.ts'
import { clientAuthMethods } from '../../protocol/names.ts'
import type { Ports } from '../../protocol/ports.ts'
import { checkHead, correlationHeader, rawHeaderLines } from '../../protocol/request-head.ts'
import { type AuditedEndpoint, decideAudited, type Grant } from '../../protocol/token-endpoint.ts'
import { thrownTo } from './provider-error.ts'

/** What every request to one of our grants needs of the application. */
export interface GrantHost {
  provider: Provider
  grantType: string
  endpoint: AuditedEndpoint
  ports: Ports
  report(error: unknown, correlationId: string): void
}

/** The grant for one request, and what is spent together with it. */
export interface GrantForRequest {
  grant: Grant
  /** The thumbprint of the key whose proof came, if one did. */
  proofKey?: string | undefined
  /** Called when every check has passed, before anything else is spent. */
  spend?(): Promise<void>
}

const correlationIds = new WeakMap<KoaContextWithOIDC['req'], string>()
const decided = new WeakSet<KoaContextWithOIDC['req']>()

/** The correlation id of a request, which its answer gets as a header. */
export function correlationIdOf(context: Pick<KoaContextWithOIDC, 'req' | 'set'>, ports: Ports): string {
  const id = correlationIds.get(context.req) ?? ports.newId()
  correlationIds.set(context.req, id)
  context.set(correlationHeader, id)
  return id
}

/** Whether the request came to our grant, which wrote its audit line. */
export function wasDecided({ req }: Pick<KoaContextWithOIDC, 'req'>): boolean {
  return decided.has(req)
}

/**
 * Answers a request whose client oidc-provider has authenticated. Throws what oidc-provider answers with its own error body and events.
 * A client assertion was spent by the provider before: a refused request has cost it.
 */
export async function answerGrant(
  context: TokenEndpointGrantContext,
  { endpoint, ports, report }: GrantHost,
  grantFor: () => GrantForRequest | Promise<GrantForRequest>,
): Promise<void> {
  const correlationId = correlationIdOf(context, ports)
  decided.add(context.req)
  context.set('pragma', 'no-cache')
  try {
    context.body = await decideAudited(endpoint, correlationId, ports, async (decision, safe) => {
      const client = clientOf(context)
      decision.facts.client = client.id
      checkRequest(context)
      const form = formOf(context)
      const { grant, proofKey, spend = async () => {} } = await grantFor()
      return await grant({ form, client, proofKey, spendCredentials: spend, ...decision }, safe)
    })
  } catch (error) {
    if (error instanceof OAuthError && error.status >= 500) {
      context.set('retry-after', '1')
      report(error, correlationId)
    }
    throw thrownTo(error)
  }
}

/** Authenticated by the provider, in whatever way it knows; public clients come through it, too. */
function clientOf({ oidc: { client } }: TokenEndpointGrantContext): Client {
  const { clientId: id, clientAuthMethod } = client
  // ID-JAG §9.1: confidential clients only (D-08).
  if (clientAuthMethod === 'none')
    throw new OAuthError('unauthorized_client', 'public clients may not use this grant', { reason: 'public_client' })
  return { id, enabled: true, authMethods: clientAuthMethods.filter((one) => one === clientAuthMethod) }
}

function checkRequest({ method, req, oidc }: TokenEndpointGrantContext): void {
  const lines = (name: string) => rawHeaderLines(req.rawHeaders, name)
  checkHead({ method, hasQuery: req.url?.includes('?') === true, lines })
  // RFC 6749 §2.3: the provider sees the first of two, Node hides the other.
  if (lines('authorization').length > 1)
    throw new OAuthError('invalid_request', 'more than one Authorization header', { reason: 'malformed_auth' })
  if (lines('dpop').length > 1)
    throw new OAuthError('invalid_dpop_proof', 'more than one DPoP header', { reason: 'pop_malformed' })
  if (oidc.body === undefined) throw new TypeError('oidc-provider parsed no body')
}

/**
 * The whole form, with what the provider takes out of its own parameters for this grant. It is judged as at our own endpoints, except
 * that a broken percent escape was repaired by then, and stands as the characters it was written with.
 */
function formOf({ oidc }: TokenEndpointGrantContext): Form {
  const pairs = Object.entries(oidc.body ?? {}).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, String(one)]),
  )
  return parseForm(new URLSearchParams(pairs).toString(), ['resource'])
}
