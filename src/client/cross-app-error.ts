/** The one error of the client: at which step it stopped, who said no, and everything that was said. */

import type { JsonObject } from '../protocol/json.ts'

/**
 * `discovery`: finding the authorization server and its endpoints. `exchange`: the identity provider. `redemption`: the
 * resource authorization server. `sign-in`: the person must sign in again. `call`: the API itself.
 */
export type CrossAppStep = 'discovery' | 'exchange' | 'redemption' | 'sign-in' | 'call'

/**
 * Who stopped the flow. `server`: it refused, and a second try changes nothing. `check`: something came that must not be
 * used, or the configuration does not allow it. `network`: a server did not answer, or not as a server should.
 */
export type CrossAppStop = 'server' | 'check' | 'network'

export interface CrossAppErrorOptions {
  step: CrossAppStep
  stop: CrossAppStop
  /** The issuer (or resource) the step was about. */
  server?: string | undefined
  status?: number | undefined
  /** The whole JSON body of an OAuth error (RFC 6749 §5.2). */
  answer?: JsonObject | undefined
  cause?: unknown
}

/**
 * Why there is no answer of the API. The message is a sentence for people and never holds a token or secret; `code`,
 * `description` and `parameters` are what the server sent, unchanged and unchecked.
 */
export class CrossAppError extends Error {
  override readonly name: string = 'CrossAppError'
  readonly step: CrossAppStep
  readonly stop: CrossAppStop
  readonly server: string | undefined
  readonly status: number | undefined
  /** `error` as the server sent it, any string. Absent when it sent none. */
  readonly code: string | undefined
  readonly description: string | undefined
  /** Every other member of the refusal, such as `max_age`, `acr_values` or `error_uri`. */
  readonly parameters: JsonObject

  constructor(message: string, { step, stop, server, status, answer = {}, cause }: CrossAppErrorOptions) {
    super(printable(message), cause === undefined ? undefined : { cause })
    const { error, error_description: description, ...parameters } = answer
    this.step = step
    this.stop = stop
    this.server = server
    this.status = status
    this.code = typeof error === 'string' ? error : undefined
    this.description = typeof description === 'string' ? description : undefined
    this.parameters = parameters
  }
}

/**
 * The person must sign in with the identity provider before anything else can help (ID-JAG §9.2, RFC 9470; CL-07, CL-11): no
 * assertion is left, or a server wants a stronger or fresher sign-in. Pass `acrValues` and `maxAge` on to that sign-in.
 */
export class SignInRequired extends CrossAppError {
  override readonly name = 'SignInRequired'
  /** Best first; empty when nothing was said. */
  readonly acrValues: readonly string[]
  /** Seconds, when the sign-in must be fresh. */
  readonly maxAge: number | undefined

  constructor(message: string, options: Omit<CrossAppErrorOptions, 'step'>) {
    super(message, { ...options, step: 'sign-in' })
    const { acr_values: acrValues, max_age: maxAge } = this.parameters
    this.acrValues = typeof acrValues === 'string' ? acrValues.split(' ').filter((value) => value !== '') : []
    // A challenge in a header says it as text (RFC 9470 §3), a token endpoint as a number.
    const seconds = typeof maxAge === 'string' && /^\d{1,9}$/.test(maxAge) ? Number(maxAge) : maxAge
    this.maxAge = typeof seconds === 'number' ? seconds : undefined
  }
}

/** The refusal of a server as an error (ID-JAG §9.2 makes one code of it a matter of signing in). */
export function refusal(
  step: 'exchange' | 'redemption' | 'call',
  server: string,
  status: number,
  answer: JsonObject & { error: string },
): CrossAppError {
  const description = answer.error_description
  const words = typeof description === 'string' && description !== '' ? `: ${description}` : ''
  const options = { stop: 'server', server, status, answer } as const
  if (answer.error === 'insufficient_user_authentication')
    return new SignInRequired(`${server} requires a stronger or more recent sign-in${words}`, options)
  return new CrossAppError(`${server} refused the ${step} with ${answer.error}${words}`, { ...options, step })
}

/** Foreign words reach terminals and logs through the message: no control characters, and a bounded length. */
function printable(message: string): string {
  const text = message.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?')
  return text.length > 1000 ? `${text.slice(0, 1000)}…` : text
}
