/** What the answers of both token endpoints say of resources (branch resource-iss-validation, FL-ISS-03, FL-ISS-06). */

import { type Branches, usualBranches } from './branches.ts'

/**
 * The value of the member `resource` of an answer whose token is for these resources: one as a string, several as an array, none as undefined.
 * Revision -04 knows no such member, so there is none where the branch is switched off.
 */
export function resourceMember(
  resources: readonly string[] | undefined,
  branches: Branches = usualBranches,
): string | string[] | undefined {
  if (resources === undefined || !branches['resource-iss-validation']) return undefined
  return resources.length > 1 ? [...resources] : resources[0]
}
