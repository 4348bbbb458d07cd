/** A client assertion that a client shows as a token of an exchange: as its actor, or as the workload that it is itself (RFC 7523 §2.2). */

import type { Awaitable } from '../protocol/awaitable.ts'
import { authenticateClient, type Client } from '../protocol/client-auth.ts'
import { OAuthError } from '../protocol/errors.ts'
import { type Form, parseForm } from '../protocol/form.ts'
import { clientAssertionType } from '../protocol/names.ts'
import type { Ports, Seconds } from '../protocol/ports.ts'

export interface OwnAssertionRules {
  /** The parameter it came in. */
  parameter: 'actor_token' | 'subject_token'
  self: string
  client: Client
  form: Form
  ports: Ports
  skew: Seconds
}

/**
 * Judges it as every client assertion is judged, and for this very client alone (SEC-07). Throws OAuthError `invalid_grant`. What resolves
 * spends it, once: to be called with the other credentials; it throws `invalid_grant` for one that was used before.
 */
export async function verifyOwnAssertion(token: string, rules: OwnAssertionRules): Promise<() => Promise<void>> {
  const { parameter, self: issuer, client, form, ports, skew } = rules
  const body = { client_id: client.id, client_assertion: token, client_assertion_type: clientAssertionType }
  const shown = { authorization: [], form: parseForm(new URLSearchParams(body).toString()) }
  // However the client authenticates itself, this is one more client assertion, and is judged as one.
  const findClient = async () => ({ ...client, authMethods: ['private_key_jwt'] as const })
  const { spend } = await asFault(parameter, () => authenticateClient(shown, { issuer, findClient, skew, ports }))
  // The same JWT in both places is one assertion, and is spent once.
  const same = form.optional('client_assertion') === token
  return async () => (same ? undefined : await asFault(parameter, spend))
}

/** A failure to authenticate is none of the client's own here, and no 401: the client has authenticated itself. */
async function asFault<Outcome>(
  parameter: OwnAssertionRules['parameter'],
  work: () => Awaitable<Outcome>,
): Promise<Outcome> {
  try {
    return await work()
  } catch (cause) {
    throw notGood(parameter, cause)
  }
}

function notGood(parameter: OwnAssertionRules['parameter'], cause: unknown): unknown {
  if (!(cause instanceof OAuthError) || cause.code !== 'invalid_client') return cause
  const { reason, detail } = cause
  return new OAuthError('invalid_grant', `${parameter}: is no good client assertion of the client's own`, {
    reason,
    cause,
    detail,
  })
}
