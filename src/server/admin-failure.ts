/** What an administrator is told of a request that was refused or failed, and which word the audit has for it. */

import type { FastifyError } from 'fastify'
import { OAuthError } from '../protocol/errors.ts'
import type { Reason } from '../protocol/reasons.ts'
import { ConflictError } from '../store/store.ts'
import { EntryConflictError } from './policy/entry-administration.ts'
import { EntryInputError, type EntryProblem } from './policy/entry-input.ts'

/** The answer to a request that came to nothing. */
export interface FailureAnswer {
  status: number
  reason: Reason
  body: { error: string; problems?: readonly EntryProblem[]; version?: number }
}

const sentences: { readonly [reason in Reason]?: string } = {
  audit_unavailable: 'the audit cannot be written now, and without it nothing is changed',
  policy_stale: 'the policy cannot be read now; nothing was changed',
}

/** For whatever a handler, or Fastify, threw. */
export function failureAnswer(error: unknown): FailureAnswer {
  if (error instanceof EntryInputError)
    return { status: 400, reason: 'admin_input', body: { error: error.message, problems: error.problems } }
  if (error instanceof EntryConflictError) {
    const { message, version } = error
    const sentence = `${message}, not what you saw: read it again and decide anew`
    return {
      status: 409,
      reason: 'admin_input',
      body: { error: sentence, ...(version === undefined ? {} : { version }) },
    }
  }
  if (error instanceof OAuthError) {
    const { status, reason } = error
    const unsure = 'the store did not answer; whether anything was changed is not known: look, and try again'
    return { status, reason, body: { error: sentences[reason] ?? unsure } }
  }
  if (error instanceof ConflictError)
    return {
      status: 503,
      reason: 'replay_store_unavailable',
      body: { error: 'others change the policy all the time; nothing was changed: try again' },
    }
  const { statusCode = 500, message } = error as FastifyError
  if (statusCode >= 500) return { status: 500, reason: 'internal_error', body: { error: 'the server failed' } }
  const reason = statusCode === 401 ? 'admin_denied' : 'admin_input'
  return {
    status: statusCode,
    reason,
    body: { error: statusCode === 415 ? 'content-type must be application/json' : message },
  }
}
