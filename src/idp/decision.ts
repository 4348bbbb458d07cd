/** What a decision about one exchange says: what is given, or the exact refusal. */

import type { ErrorParameters, OAuthErrorCode } from '../protocol/errors.ts'
import type { Reason } from '../protocol/reasons.ts'

/** What was decided about one exchange. */
export type AccessDecision = { allowed: true; scopes: string[]; resources: string[] } | AccessDenial

/** No, as the caller is told it, and why, as the audit is. */
export interface AccessDenial {
  allowed: false
  error: OAuthErrorCode
  description: string
  reason: Reason
  detail: string
  /** With `insufficient_user_authentication`: what a new sign-in must bring. */
  parameters?: ErrorParameters
  /** Where nothing is wrong but the sign-in, and nothing else was to be looked at first: the resources after a better one. */
  resources?: string[]
}
