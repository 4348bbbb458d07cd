/** One request to a token endpoint from whatever runtime received it: its head, its body as it streams in, its answer as a value. */

import { bodyBytes } from '../../protocol/body-bytes.ts'
import { OAuthError } from '../../protocol/errors.ts'
import { errorAnswer, type HttpAnswer, noStore } from '../../protocol/http-answer.ts'
import type { Ports } from '../../protocol/ports.ts'
import {
  bodyTooLarge,
  checkHead,
  correlationHeader,
  maxBodyBytes,
  methodNotAllowed,
  type RequestHead,
  unreadable,
} from '../../protocol/request-head.ts'
import { answerTokenRequest, recordRefusal, type TokenEndpoint } from '../../protocol/token-endpoint.ts'

export interface TokenCall extends RequestHead {
  /** The body as it arrives. Throws TypeError when somebody has read it already: a mistake in the program. */
  body(): AsyncIterable<Uint8Array>
}

/** Told of every failure of our own, with its stack. Never of a caller's. */
export type Report = (error: unknown, correlationId: string) => void

/** Answers it, always: with tokens, or with the refusal, after its audit line was written. */
export async function answerTokenCall(
  call: TokenCall,
  endpoint: TokenEndpoint,
  ports: Ports,
  report: Report,
): Promise<HttpAnswer> {
  const correlationId = ports.newId()
  const authorization = call.lines('authorization')
  const refusalOf = (error: unknown): HttpAnswer => {
    const answer = errorAnswer(error, authorization.length > 0)
    if (answer.status >= 500) report(error, correlationId)
    return { ...answer, headers: { ...answer.headers, [correlationHeader]: correlationId } }
  }
  try {
    const body = await readBody(call, endpoint, ports, correlationId)
    const proofs = call.lines('dpop')
    const answer = await answerTokenRequest({ body, authorization, proofs, correlationId }, endpoint, ports)
    return { status: 200, headers: { ...noStore, [correlationHeader]: correlationId }, body: answer }
  } catch (error) {
    return refusalOf(error)
  }
}

/** The body of a request that may have one. What is refused here was seen by no grant, and gets its audit line here. */
async function readBody(
  call: TokenCall,
  { role, issuer, action }: TokenEndpoint,
  ports: Ports,
  correlationId: string,
): Promise<string> {
  try {
    checkHead(call)
    if (call.method !== 'POST') throw methodNotAllowed('the token endpoint')
    return textOf(await bytesOf(call.body()))
  } catch (error) {
    await recordRefusal(error, { role, server: issuer, action, correlationId }, ports)
    throw error
  }
}

async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  try {
    return await bodyBytes(body, maxBodyBytes, bodyTooLarge)
  } catch (error) {
    throw error instanceof OAuthError ? error : unreadable(error)
  }
}

/** Bytes that are not UTF-8 become U+FFFD, which no form may hold; a byte order mark stays, and is no part of any parameter's name. */
function textOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
}
