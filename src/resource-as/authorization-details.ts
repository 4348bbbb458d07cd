/** Rich authorization requests in an assertion (RFC 9396, ID-JAG §4.4.1). */

import { OAuthError } from '../protocol/errors.ts'
import type { IdJagClaims } from '../protocol/id-jag.ts'

/** RAS-14: what a token can demand that this server cannot do is refused, never overlooked. */
export function refuseDetails({ authorization_details }: IdJagClaims): void {
  // RFC 9396 §5: no type is configured on this server.
  if (authorization_details !== undefined)
    throw new OAuthError('invalid_authorization_details', 'assertion: authorization_details is not supported here', {
      reason: 'details_invalid',
    })
}
