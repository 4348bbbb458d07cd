/** Revocation (RFC 7009): a client gives an access token of its own back before its time. */

import type { Awaitable } from '../protocol/awaitable.ts'
import type { Client, ClientCredentials } from '../protocol/client-auth.ts'
import { OAuthError } from '../protocol/errors.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import type { Ports } from '../protocol/ports.ts'
import { answerShownToken, type ShownTokenRequest, type TokenKeeper } from './shown-token.ts'

export interface RevocationEndpoint extends TokenKeeper {
  /** The clients of the token endpoint (RFC 7009 §2.1). */
  findClient(id: string): Awaitable<Client | undefined>
  /** The public client of a request without credentials, where there are such. Throws OAuthError for one that is disabled. */
  findOpenClient?: ((credentials: ClientCredentials) => Promise<Client | undefined>) | undefined
}

/**
 * Answers one revocation request. Ends a live token of the caller, and with it every token of the same access: the end and its audit
 * event are durable when this resolves. It resolves too, without effect, for what is no live token of this server: unknown, expired,
 * ended, another kind of token (RFC 7009 §2.2). Throws OAuthError `invalid_grant` for the live token of another client (RV-02), and 503
 * when it cannot be done now.
 */
export async function answerRevocation(
  request: ShownTokenRequest,
  endpoint: RevocationEndpoint,
  ports: Ports,
): Promise<void> {
  await answerShownToken<Client, void>(
    request,
    endpoint,
    {
      action: 'revoke',
      findCaller: endpoint.findClient,
      findOpenCaller: endpoint.findOpenClient,
      judge({ claims, index }, caller) {
        // RFC 7009 §2.1: the request is refused; RFC 6749 §5.2 has the code for a token that was issued to another client.
        if (claims.client_id !== caller.id)
          throw new OAuthError('invalid_grant', 'token: was issued to another client', { reason: 'client_mismatch' })
        if (endpoint.statuses.isEnded(index)) throw new JwtError('token_ended', 'was ended before its time')
      },
      treat: async ({ index }) => await endpoint.statuses.end(index),
      dead: undefined,
    },
    ports,
  )
}
