/** A token endpoint, a guard and public documents as functions from a Request to a Response: Hono, Next, Workers, Deno, Bun. */

import type { JWK } from 'jose'
import { OAuthError } from '../../protocol/errors.ts'
import { documentHeaders, documentPreflightHeaders, errorAnswer, type HttpAnswer } from '../../protocol/http-answer.ts'
import type { Metadata } from '../../protocol/metadata.ts'
import type { Ports } from '../../protocol/ports.ts'
import { correlationHeader } from '../../protocol/request-head.ts'
import type { SignInDemand } from '../../protocol/sign-in.ts'
import type { TokenEndpoint } from '../../protocol/token-endpoint.ts'
import { Challenge, challengeAnswer } from '../../resource/challenge.ts'
import type { Guard } from '../../resource/guard.ts'
import type { Principal } from '../../resource/principal.ts'
import { answerTokenCall, type Report } from './token-call.ts'

/**
 * The token endpoint for every method of one path. It answers each request, refusals included, and never throws. The body must not have
 * been read; the time a client may take to send it is the runtime's to limit. Of Node the entry needs `node:crypto`, `node:zlib` and
 * `Buffer`, which Cloudflare's Workers have with the flag `nodejs_compat`; it opens no connection and reads no clock, so the store behind
 * `once` and the fetching of other issuers' keys are the host's.
 */
export function toFetchHandler(
  endpoint: TokenEndpoint,
  ports: Ports,
  report: Report = () => {},
): (request: Request) => Promise<Response> {
  return async (request) => {
    const call = {
      method: request.method,
      hasQuery: request.url.includes('?'),
      lines: (name: string) => linesOf(request.headers, name),
      body: () => bodyOf(request),
    }
    return responseOf(await answerTokenCall(call, endpoint, ports, report))
  }
}

/**
 * The guard in front of a handler: who calls, when the access token has every scope in `required` and the sign-in is what `signIn` demands, or else the answer to give. Throws
 * what is neither a challenge nor an {@link OAuthError}: a failure of the host's.
 */
export function toFetchGuard(
  guard: Guard,
  ports: Ports,
  report: Report = () => {},
): (request: Request, required: readonly string[], signIn?: SignInDemand) => Promise<Principal | Response> {
  return async ({ headers, method, url: address }, required, signIn) => {
    const correlationId = ports.newId()
    const authorization = linesOf(headers, 'authorization')
    const answered = (answer: HttpAnswer) =>
      responseOf({ ...answer, headers: { ...answer.headers, [correlationHeader]: correlationId } })
    try {
      const proofs = linesOf(headers, 'dpop')
      const principal = await guard.authenticate({ authorization, proofs, method, address, correlationId })
      await guard.authorize(principal, { required, signIn, correlationId })
      return principal
    } catch (error) {
      if (error instanceof Challenge) return answered(challengeAnswer(error))
      if (!(error instanceof OAuthError)) throw error
      const answer = errorAnswer(error, authorization.length > 0)
      // Keys that cannot be fetched, an audit that cannot be written: 503, never a way in.
      report(error, correlationId)
      return answered(answer)
    }
  }
}

/** Metadata or a key set for one path, readable from any origin; made anew for each request, so that a rotated key appears at once. */
export function toFetchDocument(document: () => Metadata | { keys: JWK[] }): (request: Request) => Response {
  return ({ method }) => {
    if (method === 'OPTIONS') return new Response(null, { status: 204, headers: documentPreflightHeaders })
    if (method !== 'GET' && method !== 'HEAD')
      return new Response(null, { status: 405, headers: { allow: 'GET, HEAD, OPTIONS' } })
    return new Response(JSON.stringify(document()), { headers: documentHeaders })
  }
}

/** Headers joins the lines of one name with a comma, which none of the headers that are asked for here has of its own. */
function linesOf(headers: Headers, name: string): string[] {
  return headers.get(name)?.split(/ *, */) ?? []
}

function bodyOf({ bodyUsed, body }: Request): AsyncIterable<Uint8Array> {
  if (bodyUsed)
    throw new TypeError('the body was read before the request came to the token endpoint: hand it on unread')
  return body ?? emptyBody()
}

async function* emptyBody(): AsyncIterable<Uint8Array> {}

function responseOf({ status, headers, body }: HttpAnswer): Response {
  return Response.json(body, { status, headers })
}
