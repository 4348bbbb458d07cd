/** Introspection (RFC 7662): a protected resource asks whether an access token of this server is alive, and what it says. */

import type { Client } from '../protocol/client-auth.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import type { Ports } from '../protocol/ports.ts'
import { sameResource } from '../protocol/resource.ts'
import { answerShownToken, type ShownToken, type ShownTokenRequest, type TokenKeeper } from './shown-token.ts'

/** A protected resource as a caller: with credentials of its own, which are no client's. */
export interface ProtectedResourceClient extends Client {
  /** The resource identifiers it answers for. It learns nothing of other tokens. */
  resources: readonly string[]
}

export interface IntrospectionEndpoint extends TokenKeeper {
  findProtectedResource(id: string): Promise<ProtectedResourceClient | undefined>
}

/** The answer, in the names of the wire (RFC 7662 §2.2). A token that is not alive has no other member. */
export type IntrospectionAnswer = { active: false } | { active: true; [claim: string]: unknown }

/**
 * Answers one introspection request. `{ "active": false }` for whatever is no live access token of this server for one of the caller's
 * resources: expired, ended, forged, another kind of token, another resource's (IN-02, ATK-008); why is in the audit alone. Throws
 * OAuthError for a caller that is not authenticated or sends no token, and 503 when it cannot know.
 */
export async function answerIntrospection(
  request: ShownTokenRequest,
  endpoint: IntrospectionEndpoint,
  ports: Ports,
): Promise<IntrospectionAnswer> {
  return await answerShownToken<ProtectedResourceClient, IntrospectionAnswer>(
    request,
    endpoint,
    {
      action: 'introspect',
      findCaller: endpoint.findProtectedResource,
      judge({ claims, index }, { resources }) {
        // RFC 7662 §4: a resource that could ask about the tokens of another one would be an oracle for stolen tokens.
        if (!claims.aud.some((audience) => resources.some((one) => sameResource(one, audience))))
          throw new JwtError('aud_mismatch', 'was issued for another resource')
        if (endpoint.statuses.isEnded(index)) throw new JwtError('token_ended', 'was ended before its time')
      },
      treat: async (token) => ({ active: true, ...membersOf(token) }),
      dead: { active: false },
    },
    ports,
  )
}

/** IN-03: every claim the token has, and its type (RFC 9449 §6.2; RFC 8705 §3.2: bound to a certificate, it is a Bearer token). */
function membersOf({ claims }: ShownToken): { [claim: string]: unknown } {
  const { aud, ...others } = claims
  const type = claims.cnf?.jkt === undefined ? 'Bearer' : 'DPoP'
  return { ...others, aud: aud.length === 1 ? aud[0] : aud, token_type: type }
}
