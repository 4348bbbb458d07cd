/** Where an authenticated client asks a resource authorization server whether it would take an issuer's ID-JAGs (ID-JAG §9.4). */

import type { FastifyInstance } from 'fastify'
import type { Metadata } from '../protocol/metadata.ts'
import { answerDiscovery, type DiscoveryEndpoint } from '../resource-as/discovery.ts'
import { issuerPath, issuerRoot } from './documents.ts'
import { encodedBody } from './form-bodies.ts'
import { correlationIdOf, headerLines, type OAuthScopeOptions } from './oauth-scope.ts'
import { answerDecided, postRoute } from './post-route.ts'

/** Says where it is, where it is served: a member with a name of our own, as no specification has one. */
export function withDiscovery(metadata: Metadata, issuer: string, served: boolean): Metadata {
  return served ? { ...metadata, xaa_discovery_endpoint: `${issuerRoot(issuer)}/discover` } : metadata
}

/** Registers it below the issuer's path. */
export async function discoveryRoute(
  app: FastifyInstance,
  {
    ports,
    report,
    throttle,
    ...endpoint
  }: DiscoveryEndpoint & Pick<OAuthScopeOptions, 'ports' | 'report' | 'throttle'>,
): Promise<void> {
  const { issuer } = endpoint
  await postRoute(
    app,
    {
      path: `${issuerPath(issuer)}/discover`,
      name: 'the discovery endpoint',
      event: { role: 'resource-as', server: issuer, action: 'discover' },
      ports,
      report,
      throttle,
    },
    async (request, reply) => {
      const body = encodedBody(request)
      const authorization = headerLines(request, 'authorization')
      const correlationId = correlationIdOf(request)
      return await answerDecided(request, reply, report, () =>
        answerDiscovery({ body, authorization, correlationId }, endpoint, ports),
      )
    },
  )
}
