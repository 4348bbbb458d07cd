/** With which code somebody is refused whose token is good and who is not allowed (ID-JAG D-02, branch access_denied_error). */

import { type Branches, usualBranches } from './branches.ts'
import { OAuthError } from './errors.ts'
import type { Grant } from './token-endpoint.ts'

/**
 * The grant with `invalid_grant` in place of `access_denied` while its server has the branch switched off: revision -04 knows no code of
 * its own for that. What the audit says of it stays as it is. Asked at each refusal.
 */
export function policyRefusals(server: { branches?: Branches | undefined }, grant: Grant): Grant {
  const refuse = (error: unknown): never => {
    const { access_denied_error: toldApart } = server.branches ?? usualBranches
    if (toldApart || !(error instanceof OAuthError) || error.code !== 'access_denied') throw error
    const { message, reason, detail } = error
    throw new OAuthError('invalid_grant', message, {
      reason,
      cause: error,
      ...(detail === undefined ? {} : { detail }),
    })
  }
  return (request, ports) => grant(request, ports).then(undefined, refuse)
}
