/** The token endpoint on Fastify: one POST, every other method told so. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { newCohorts } from '../protocol/cohorts.ts'
import type { Ports } from '../protocol/ports.ts'
import { answerTokenRequest, type TokenEndpoint } from '../protocol/token-endpoint.ts'
import type { CertificateReader } from './client-certificates.ts'
import { encodedBody } from './form-bodies.ts'
import { correlationIdOf, headerLines, type OAuthScopeOptions } from './oauth-scope.ts'
import { answerDecided, postRoute } from './post-route.ts'

export interface TokenRouteOptions {
  path: string
  endpoint: TokenEndpoint
  /** Finds the client's certificate. */
  certificateOf: CertificateReader
  ports: Ports
  report: OAuthScopeOptions['report']
  throttle?: OAuthScopeOptions['throttle']
  /**
   * Answers requests with another `grant_type`, for a host that serves more grants at the same address. It gets the body
   * as it came and answers on its own. Absent: `unsupported_grant_type`.
   */
  otherGrants?: OtherGrants | undefined
  /** The values of `grant_type` that `otherGrants` serves. Absent: every one that is not ours. */
  otherGrantTypes?: readonly string[] | undefined
  /** Applications in browsers call it, too. */
  openOrigin?: boolean | undefined
}

export type OtherGrants = (request: FastifyRequest, reply: FastifyReply, body: string) => Promise<unknown>

/** Registers the route in a scope of its own. */
export async function tokenRoute(
  app: FastifyInstance,
  {
    path,
    endpoint,
    certificateOf,
    ports,
    report,
    throttle,
    otherGrants,
    otherGrantTypes,
    openOrigin,
  }: TokenRouteOptions,
): Promise<void> {
  const event = { role: endpoint.role, server: endpoint.issuer, action: endpoint.action }
  const name = 'the token endpoint'
  const together = newCohorts()
  await postRoute(app, { path, name, event, ports, report, throttle, openOrigin }, (request, reply) => {
    const body = encodedBody(request)
    const authorization = headerLines(request, 'authorization')
    // Node hides the second Authorization header from others: such a request stays here, and is refused.
    if (otherGrants !== undefined && authorization.length < 2 && !isOurs(body, endpoint, otherGrantTypes))
      return otherGrants(request, reply, body)
    const proofs = headerLines(request, 'dpop')
    // Read before the wait: of a connection that ended meanwhile no certificate is known.
    const certificate = certificateOf(request)
    const correlationId = correlationIdOf(request)
    return answerDecided(request, reply, report, async () => {
      await together()
      return await answerTokenRequest({ body, authorization, proofs, certificate, correlationId }, endpoint, ports)
    })
  })
}

/** Ours is also what nobody serves, so that its refusal stands in the audit: no grant type, two of them, an unknown one. */
function isOurs(body: string, { grants }: TokenEndpoint, otherTypes: readonly string[] | undefined): boolean {
  const [asked, ...more] = new URLSearchParams(body).getAll('grant_type')
  if (asked === undefined || more.length > 0 || Object.hasOwn(grants, asked)) return true
  return otherTypes !== undefined && !otherTypes.includes(asked)
}
