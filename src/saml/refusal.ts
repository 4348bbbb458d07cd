/** How an assertion that is not good is refused: one error for the client, one word of the audit's list, and a detail for the operator. */

import { OAuthError } from '../protocol/errors.ts'
import type { Reason } from '../protocol/reasons.ts'

/** ID-JAG D-01: `invalid_grant`, whatever is wrong with it. `message` is sent, `detail` and `cause` are not. */
export function refused(reason: Reason, message: string, detail?: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_grant', `subject_token: ${message}`, {
    reason,
    ...(detail === undefined ? {} : { detail }),
    ...(cause === undefined ? {} : { cause }),
  })
}
