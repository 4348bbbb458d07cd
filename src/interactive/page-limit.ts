/** The limit on the pages of the code grant: anybody may ask for them, and many leave a record behind that is kept for minutes. */

import type { FastifyRequest } from 'fastify'
import { correlationIdOf } from '../http/oauth-scope.ts'
import { refusal } from '../protocol/audit.ts'
import { failClosed } from '../protocol/token-endpoint.ts'
import type { InteractiveGrantOptions } from './options.ts'

/** For the hook `preHandler` of their scope, when the request has its correlation id. Throws OAuthError 429, after its audit event. */
export function pageLimit({
  resourceAuthorizationServer: server,
  ports,
  limits,
}: InteractiveGrantOptions): (request: FastifyRequest) => Promise<void> {
  const safe = failClosed(ports)
  return async (request) => {
    try {
      limits?.takePage?.(request.ip)
    } catch (error) {
      const correlationId = correlationIdOf(request)
      const event = { role: 'resource-as', server: server.issuer, action: 'consent', correlationId } as const
      await safe.record({ ...event, ...refusal(error), at: safe.now() })
      throw error
    }
  }
}
