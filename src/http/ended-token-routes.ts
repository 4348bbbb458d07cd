/** What a resource authorization server with statuses serves about issued tokens: revocation, introspection, status lists. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { SigningKeys } from '../protocol/keys.ts'
import type { EndedTokenAddresses } from '../protocol/metadata.ts'
import type { AuditEvent, Ports } from '../protocol/ports.ts'
import { answerIntrospection, type IntrospectionEndpoint } from '../resource-as/introspect.ts'
import { answerRevocation, type RevocationEndpoint } from '../resource-as/revoke.ts'
import type { ShownTokenRequest } from '../resource-as/shown-token.ts'
import { issuerPath, issuerRoot } from './documents.ts'
import { encodedBody } from './form-bodies.ts'
import type { InteractiveEndpoints } from './interactive-endpoints.ts'
import { correlationIdOf, headerLines, type OAuthScopeOptions } from './oauth-scope.ts'
import { answerDecided, postRoute } from './post-route.ts'
import { statusListRoutes } from './status-list-routes.ts'

export interface EndedTokenOptions extends Omit<RevocationEndpoint, 'keys' | 'findOpenClient'> {
  signingKeys: SigningKeys
  /** Absent: no introspection. */
  findProtectedResource?: IntrospectionEndpoint['findProtectedResource'] | undefined
  /** Whose refresh tokens are revoked here, too, and whose public clients may come. */
  interactive?: Pick<InteractiveEndpoints, 'isRefreshToken' | 'revoke' | 'findOpenClient'> | undefined
  ports: Ports
  report: OAuthScopeOptions['report']
  throttle?: OAuthScopeOptions['throttle']
}

/** Where the routes are. */
export function endedTokenAddresses({ issuer, findProtectedResource }: EndedTokenOptions): EndedTokenAddresses {
  const root = issuerRoot(issuer)
  return {
    revocationEndpoint: `${root}/revoke`,
    introspectionEndpoint: findProtectedResource === undefined ? undefined : `${root}/introspect`,
    statusListsEndpoint: `${root}/status-lists`,
  }
}

/** Registers the routes below the issuer's path. */
export async function endedTokenRoutes(app: FastifyInstance, options: EndedTokenOptions): Promise<void> {
  const { issuer, signingKeys, statuses, findProtectedResource, interactive, ports, report, throttle } = options
  const path = issuerPath(issuer)
  const keeper = { ...options, keys: signingKeys.source }
  const route = async (
    name: string,
    action: AuditEvent['action'],
    answer: (request: ShownTokenRequest) => Promise<unknown>,
  ) =>
    await postRoute(
      app,
      {
        path: `${path}/${action}`,
        name: `the ${name} endpoint`,
        event: { role: 'resource-as', server: issuer, action },
        openOrigin: action === 'revoke' && interactive !== undefined,
        ports,
        report,
        throttle,
      },
      async (request, reply) => await answerDecided(request, reply, report, () => answer(shownTokenOf(request))),
    )
  // RFC 7009 §2.2: 200, and the body says nothing.
  await route('revocation', 'revoke', async (request) => {
    if (interactive?.isRefreshToken(request.body)) await interactive.revoke(request)
    else await answerRevocation(request, { ...keeper, findOpenClient: interactive?.findOpenClient }, ports)
    return ''
  })
  if (findProtectedResource !== undefined)
    await route('introspection', 'introspect', (request) =>
      answerIntrospection(request, { ...keeper, findProtectedResource }, ports),
    )
  statusListRoutes(app, { issuer, statuses, signingKeys, now: () => ports.now(), report })
}

function shownTokenOf(request: FastifyRequest): ShownTokenRequest {
  return {
    body: encodedBody(request),
    authorization: headerLines(request, 'authorization'),
    correlationId: correlationIdOf(request),
  }
}
