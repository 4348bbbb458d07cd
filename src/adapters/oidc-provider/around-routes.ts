/** What our grants add around oidc-provider's own routes: members of its documents, and the audit of what it refuses itself. */

import type { JWK } from 'jose'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { OAuthError, type OAuthErrorCode, unauthenticated } from '../../protocol/errors.ts'
import { errorAnswer } from '../../protocol/http-answer.ts'
import type { Reason } from '../../protocol/reasons.ts'
import { recordRefusal } from '../../protocol/token-endpoint.ts'
import { correlationIdOf, type GrantHost, wasDecided } from './grant-request.ts'
import { GrantError, isShownError } from './provider-error.ts'

/** What is laid over the provider's documents. Lists are joined with the provider's own, and no other member of it is changed. */
export interface DocumentAdditions {
  metadata: { readonly [member: string]: readonly string[] }
  /** Keys the provider may not know of. One with the `kid` of a key of the provider's is taken to be that key. */
  keys?(): readonly JWK[]
}

/** Adds to the discovery documents and the key set of the provider, asked anew at each request. */
export function addToDocuments({ provider }: GrantHost, { metadata, keys = () => [] }: DocumentAdditions): void {
  provider.use(async (context, next) => {
    await next()
    const route = (context as Partial<KoaContextWithOIDC>).oidc?.route
    if (context.status !== 200) return
    if (route === 'discovery') {
      const document = context.body as { [member: string]: unknown }
      const joined = Object.entries(metadata).map(([member, values]) => {
        const own = document[member]
        return [member, [...new Set([...(Array.isArray(own) ? own : []), ...values])]]
      })
      context.body = { ...document, ...Object.fromEntries(joined) }
    }
    if (route === 'jwks') {
      const own = (context.body as { keys: JWK[] }).keys
      const more = keys().filter(({ kid }) => !own.some((key) => key.kid === kid))
      const { type } = context.response
      context.body = { keys: [...own, ...more] }
      context.type = type
    }
  })
}

/**
 * Writes the audit line of each request for our grant that the provider refuses before the grant is asked, and completes the answers of
 * those that the grant refused: oidc-provider passes on `error` and `error_description` alone.
 */
export function followRefusals({ provider, grantType, endpoint, ports, report }: GrantHost): void {
  const errors = new WeakMap<KoaContextWithOIDC['req'], Error>()
  const remember = ({ req }: KoaContextWithOIDC, error: Error) => void errors.set(req, error)
  provider.on('grant.error', remember)
  provider.on('server_error', remember)
  provider.use(async (context, next) => {
    await next()
    const error = errors.get(context.req)
    const { oidc } = context as Partial<KoaContextWithOIDC>
    if (error === undefined || oidc?.body?.grant_type !== grantType) return
    // ID-JAG §9.2: max_age and acr_values. An application that renders errors as a page gets no members.
    if (error instanceof GrantError && isObject(context.body)) Object.assign(context.body, error.cause.parameters)
    if (wasDecided(context)) return
    const { role, issuer: server, action } = endpoint
    const correlationId = correlationIdOf(context, ports)
    try {
      await recordRefusal(refusedBy(error, grantType, oidc), { role, server, action, correlationId }, ports)
    } catch (failure) {
      report(failure, correlationId)
      const { status, headers, body } = errorAnswer(failure, false)
      context.set(headers)
      context.status = status
      context.body = body
    }
  })
}

/** Why, in our words, as far as the provider's code tells. Anything but a refusal of the provider's is a failure. */
function refusedBy(error: Error, grantType: string, { client }: Partial<KoaContextWithOIDC['oidc']>): unknown {
  if (!isShownError(error)) return error
  const { error: code, error_description: description = code } = error
  const claimed = client === undefined ? '' : ` (client_id ${client.clientId})`
  const detail = `oidc-provider: ${description}${claimed}`
  if (code === 'invalid_client') return unauthenticated('client_unauthenticated', detail)
  if (client !== undefined && !client.grantTypeAllowed(grantType))
    return new OAuthError('invalid_request', description, { reason: 'grant_not_enabled', detail })
  const known = reasonOf.find((row) => row.code === code)
  return new OAuthError(known?.code ?? 'invalid_request', description, { reason: known?.reason ?? 'malformed', detail })
}

const reasonOf: readonly { code: OAuthErrorCode; reason: Reason }[] = [
  { code: 'invalid_scope', reason: 'scope_denied' },
  { code: 'invalid_target', reason: 'resource_denied' },
  { code: 'invalid_authorization_details', reason: 'details_invalid' },
]

function isObject(body: unknown): body is object {
  return typeof body === 'object' && body !== null && !Buffer.isBuffer(body)
}
