/** What both token endpoints have in common: how a request to them is sent, and how their answer is read. */

import * as z from 'zod'
import { detailsOnTheWire } from '../protocol/authorization-details.ts'
import { parseJsonObject } from '../protocol/json.ts'
import type { Seconds } from '../protocol/ports.ts'
import { sameResource } from '../protocol/resource.ts'
import { type AuthorizationServer, asCrossAppError } from './authorization-server.ts'
import type { ClientAuthentication } from './client-authentication.ts'
import { CrossAppError, refusal } from './cross-app-error.ts'
import type { Prover } from './prover.ts'
import type { Answer, Send } from './sending.ts'

type TokenStep = 'exchange' | 'redemption'

/** What a token request needs beside its parameters. */
export interface TokenRequestPorts {
  send: Send
  now(): Seconds
  newId(): string
  /** Absent: no proof is sent, and nothing is bound to a key. */
  prover?: Prover | undefined
}

/** The members both answers share. `refresh_token` is not read: it is none of this client's (ID-JAG §4.3.4, §4.4.3; CL-13). */
export const tokenAnswer = {
  access_token: z.string().min(1),
  // RFC 6749 §5.1: a number. A string would make every later comparison a guess.
  expires_in: z.number().positive().optional(),
  scope: z.string().optional(),
  // RFC 9396 §7
  authorization_details: detailsOnTheWire.optional(),
  resource: z.union([z.string().transform((one) => [one]), z.array(z.string())]).optional(),
}

/**
 * Authenticates and sends one token request, with a proof where there is a key; a server that wants a nonce is asked a second time. Throws {@link CrossAppError} `network` when nobody answers.
 */
export async function sendTokenRequest(
  step: TokenStep,
  server: AuthorizationServer,
  client: ClientAuthentication,
  parameters: { [name: string]: string | undefined },
  { send, now, newId, prover }: TokenRequestPorts,
): Promise<Answer> {
  const { issuer, tokenEndpoint } = server
  const ask = async () => {
    const headers = new Headers()
    const form = new URLSearchParams()
    for (const [name, value] of Object.entries(parameters))
      if (value !== undefined && value !== '') form.set(name, value)
    await client.authenticate({ headers, form, issuer, tokenEndpoint }, { now, newId })
    if (prover !== undefined) headers.set('dpop', await prover.proof({ method: 'POST', url: tokenEndpoint }))
    const answer = await send(step, { url: tokenEndpoint, source: issuer, headers, form })
    prover?.learn(tokenEndpoint, answer.headers)
    return answer
  }
  try {
    const answer = await ask()
    return prover !== undefined && wantsNonce(answer) ? await ask() : answer
  } catch (cause) {
    throw asCrossAppError(cause, { step, server: issuer })
  }
}

/** RFC 9449 §8: the same again with the nonce that came, once. */
function wantsNonce({ headers, status, body }: Answer): boolean {
  if (status !== 400 || !headers.has('dpop-nonce')) return false
  try {
    return parseJsonObject(body).error === 'use_dpop_nonce'
  } catch {
    return false
  }
}

/**
 * Reads an answer by its schema. Throws {@link CrossAppError}: `server` for a refusal, whatever its 4xx status (OKTA-08);
 * `network` for any other answer that is not 200 or no JSON; `check` for a 200 that does not fit. Every member of an OAuth
 * error is kept, also of one that came with 5xx (T80).
 */
export function readTokenAnswer<T>(
  { status, body, url }: Answer,
  step: TokenStep,
  server: string,
  schema: z.ZodType<T>,
): T {
  const at = { step, server, status } as const
  let document: ReturnType<typeof parseJsonObject>
  try {
    document = parseJsonObject(body)
  } catch (cause) {
    throw new CrossAppError(`${url} answered ${status} without JSON that can be read`, {
      ...at,
      stop: 'network',
      cause,
    })
  }
  if (status !== 200) {
    const { error } = document
    if (typeof error !== 'string')
      throw new CrossAppError(`${url} answered ${status} without an OAuth error`, { ...at, stop: 'network' })
    const answer = { ...document, error }
    if (status >= 400 && status < 500) throw refusal(step, server, status, answer)
    throw new CrossAppError(`${url} answered ${status} with ${error}`, { ...at, stop: 'network', answer })
  }
  const read = schema.safeParse(document)
  if (read.success) return read.data
  const member = String(read.error.issues[0]?.path[0])
  const fault = Object.hasOwn(document, member) ? 'an unexpected' : 'no'
  throw unusable(step, server, `has ${fault} ${member}`)
}

/** FL-ISS-04, FL-ISS-06: an answer may be for less than was asked, never for something else. */
export function checkResources(
  answered: readonly string[] | undefined,
  asked: string,
  step: TokenStep,
  server: string,
): void {
  const other = answered?.find((one) => !sameResource(one, asked))
  if (other !== undefined) throw unusable(step, server, `is for the resource ${other}, not for ${asked}`)
}

/** An answer that came with 200 and must not be used. */
export function unusable(step: TokenStep, server: string, fault: string, cause?: unknown): CrossAppError {
  return new CrossAppError(`the answer of ${server} to the ${step} is not used: it ${fault}`, {
    step,
    server,
    stop: 'check',
    cause,
  })
}
