/** Revocation at the identity provider (RFC 7009): a client gives up a refresh token of its own before its time. */

import { refusal } from '../protocol/audit.ts'
import type { Awaitable } from '../protocol/awaitable.ts'
import { authenticateClient, type Client } from '../protocol/client-auth.ts'
import { OAuthError } from '../protocol/errors.ts'
import { parseForm } from '../protocol/form.ts'
import { type AuditFacts, type Ports, type Seconds, tokenIdHash } from '../protocol/ports.ts'
import { failClosed, type TokenRequest } from '../protocol/token-endpoint.ts'
import type { RefreshTokenIssue } from './refresh-tokens.ts'
import type { RefreshTokens } from './subject.ts'

/** One POST as it arrived. */
export type RevocationRequest = Omit<TokenRequest, 'proofs'>

/** Whose refresh tokens are revoked. */
export interface RefreshTokenRevocation {
  issuer: string
  refreshTokens: Pick<RefreshTokens, 'find'>
  refreshTokenIssue: Pick<RefreshTokenIssue, 'end'>
  /** The clients of the token endpoint (RFC 7009 §2.1). */
  findClient(id: string): Awaitable<Client | undefined>
  skew: Seconds
  policyVersion(): string
}

/**
 * Answers one revocation request. Ends a refresh token of the caller, durably when this resolves; ID-JAGs that came of it live their few
 * minutes. It resolves too, without effect, for what is no live token (RFC 7009 §2.2). No DPoP proof is asked for: whoever ends a token
 * gains nothing. Throws OAuthError `invalid_grant` for another client's token, `invalid_client`, and 503 when it cannot be done
 * now, each after its audit event.
 */
export async function answerRefreshTokenRevocation(
  { body, authorization, correlationId }: RevocationRequest,
  { issuer, refreshTokens, refreshTokenIssue, findClient, skew, policyVersion }: RefreshTokenRevocation,
  ports: Ports,
): Promise<void> {
  const facts: AuditFacts = { policyVersion: policyVersion() }
  const event = { role: 'idp', server: issuer, action: 'revoke', correlationId } as const
  const safe = failClosed(ports)
  try {
    const form = parseForm(body)
    const { client, spend } = await authenticateClient(
      { authorization, form },
      { issuer, findClient, skew, ports: safe },
    )
    facts.client = client.id
    const token = form.required('token')
    const record = await refreshTokens.find(token)
    facts.tokenId = tokenIdHash(issuer, token)
    if (record !== undefined && record.client !== client.id)
      throw new OAuthError('invalid_grant', 'token: was issued to another client', { reason: 'client_mismatch' })
    await spend()
    if (record === undefined) {
      const dead = { outcome: 'refused', reason: 'refresh_token_invalid', detail: 'is no live token' } as const
      return await safe.record({ ...event, ...facts, ...dead, at: safe.now() })
    }
    facts.subject = record.sub
    await refreshTokenIssue.end(token)
    await safe.record({ ...event, ...facts, at: safe.now(), outcome: 'granted', reason: 'granted' })
  } catch (error) {
    await safe.record({ ...event, ...facts, ...refusal(error), at: safe.now() })
    throw error
  }
}
