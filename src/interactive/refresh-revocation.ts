/** Revocation of refresh tokens (RFC 7009): the grant ends, and every access token that came of it. */

import type { Provider } from 'oidc-provider'
import { refusal } from '../protocol/audit.ts'
import { OAuthError } from '../protocol/errors.ts'
import { parseForm } from '../protocol/form.ts'
import { type AuditFacts, tokenIdHash } from '../protocol/ports.ts'
import { failClosed } from '../protocol/token-endpoint.ts'
import type { ShownTokenRequest } from '../resource-as/shown-token.ts'
import { callerOf } from './client-authentication.ts'
import type { TokenParts } from './token-requests.ts'

/** True for what looks like a refresh token of ours, and not like an access token. */
export function looksLikeRefreshToken(body: string): boolean {
  const token = new URLSearchParams(body).get('token') ?? ''
  return token !== '' && !token.includes('.')
}

/**
 * Answers one request. Resolves without effect for what is no refresh token of this server (RFC 7009 §2.2). Throws OAuthError
 * `invalid_grant` for the token of another client, `invalid_client`, and 503 when it cannot be done now; each with its audit event.
 */
export function refreshRevocation(
  parts: TokenParts,
  provider: Provider,
): (request: ShownTokenRequest) => Promise<void> {
  const { options, signIns } = parts
  const { issuer } = options.resourceAuthorizationServer
  const safe = failClosed(options.ports)
  return async ({ body, authorization, correlationId }) => {
    const facts: AuditFacts = { policyVersion: options.policyVersion() }
    const event = { role: 'resource-as', server: issuer, action: 'revoke', correlationId } as const
    try {
      const form = parseForm(body)
      const { client, spend } = await callerOf({ authorization, form }, parts, safe)
      facts.client = client.id
      const value = form.required('token')
      facts.tokenId = tokenIdHash(issuer, value)
      const token = await provider.RefreshToken.find(value)
      if (token !== undefined && token.clientId !== client.id)
        throw new OAuthError('invalid_grant', 'token: was issued to another client', { reason: 'client_mismatch' })
      await spend()
      if (token?.grantId === undefined) {
        const dead = { outcome: 'refused', reason: 'refresh_token_invalid', detail: 'is no live token' } as const
        return await safe.record({ ...event, ...facts, ...dead, at: safe.now() })
      }
      facts.account = token.accountId
      await signIns.end(token.grantId)
      await (await provider.Grant.find(token.grantId))?.destroy()
      await safe.record({ ...event, ...facts, at: safe.now(), outcome: 'granted', reason: 'granted' })
    } catch (error) {
      await safe.record({ ...event, ...facts, ...refusal(error), at: safe.now() })
      throw error
    }
  }
}
