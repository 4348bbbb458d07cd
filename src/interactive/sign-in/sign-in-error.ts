/** Nobody was signed in: the one error of the way to a company's IdP and back. */

import { FetchError } from '../../protocol/issuer-keys.ts'

/** `refused`: the IdP said no. `unusable`: what came back is not what was asked for. `unreachable`: the IdP does not answer as it should. */
export type SignInTrouble = 'refused' | 'unusable' | 'unreachable'

/**
 * The message is for the operator, and holds no code, token or secret: the errors of the library below may, so they are not kept
 * as the cause.
 */
export class SignInError extends Error {
  override readonly name = 'SignInError'
  readonly trouble: SignInTrouble

  constructor(trouble: SignInTrouble, message: string) {
    super(message)
    this.trouble = trouble
  }
}

/** Any error of openid-client or of the fetch below it, as a {@link SignInError} about `issuer`. */
export function signInErrorOf(cause: unknown, issuer: string): SignInError {
  if (cause instanceof SignInError) return cause
  const chain = causesOf(cause)
  const said = (trouble: SignInTrouble, sentence: string) =>
    new SignInError(trouble, `sign-in at ${issuer}: ${sentence}`)
  const fetching = chain.find((one) => one instanceof FetchError)
  if (fetching !== undefined) return said('unreachable', fetching.message)
  const [{ code, error, status } = {}] = chain as { code?: unknown; error?: unknown; status?: unknown }[]
  if (code === 'OAUTH_AUTHORIZATION_RESPONSE_ERROR') return said('refused', `it answered ${JSON.stringify(error)}`)
  const answered = chain.map((one) => (one instanceof Response ? one.status : 0)).find((one) => one > 0) ?? status
  if (typeof answered === 'number' && answered >= 500) return said('unreachable', `it answered ${answered}`)
  // RFC 6749 §5.2: such as invalid_client, when the secret that is configured here is not the one it knows.
  if (typeof error === 'string') return said('unusable', `its token endpoint answered ${JSON.stringify(error)}`)
  const claim = chain.map((one) => (one as { claim?: unknown }).claim).find((one) => typeof one === 'string')
  const words = cause instanceof Error ? cause.message : 'its answer cannot be read'
  return said('unusable', claim === undefined ? words : `${words} (${claim})`)
}

function causesOf(error: unknown): object[] {
  const chain: object[] = []
  for (let at = error; typeof at === 'object' && at !== null && chain.length < 8; at = (at as Error).cause)
    chain.push(at)
  return chain
}
