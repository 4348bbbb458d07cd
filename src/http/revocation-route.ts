/** The revocation endpoint of an identity provider on Fastify, where it gives out refresh tokens (RFC 7009). */

import type { FastifyInstance } from 'fastify'
import { answerRefreshTokenRevocation, type RefreshTokenRevocation } from '../idp/revoke.ts'
import type { Ports } from '../protocol/ports.ts'
import { encodedBody } from './form-bodies.ts'
import { correlationIdOf, headerLines, type OAuthScopeOptions } from './oauth-scope.ts'
import { answerDecided, postRoute } from './post-route.ts'

export interface RevocationRouteOptions extends RefreshTokenRevocation {
  path: string
  ports: Ports
  report: OAuthScopeOptions['report']
  throttle?: OAuthScopeOptions['throttle']
}

/** Registers the route in a scope of its own. */
export async function revocationRoute(app: FastifyInstance, options: RevocationRouteOptions): Promise<void> {
  const { path, issuer, ports, report, throttle } = options
  const event = { role: 'idp', server: issuer, action: 'revoke' } as const
  await postRoute(
    app,
    { path, name: 'the revocation endpoint', event, ports, report, throttle },
    async (request, reply) => {
      const body = encodedBody(request)
      const authorization = headerLines(request, 'authorization')
      const correlationId = correlationIdOf(request)
      return await answerDecided(request, reply, report, async () => {
        await answerRefreshTokenRevocation({ body, authorization, correlationId }, options, ports)
        // RFC 7009 §2.2: 200, and the body says nothing.
        return ''
      })
    },
  )
}
