/** The switches for what only editors' branches of the draft say. */

import * as z from 'zod'
import { type Branch, usualBranches } from '../protocol/branches.ts'
import { mapping } from './schema-problems.ts'

const branch = (name: Branch) => z.boolean().default(usualBranches[name])

/** `branches`: true or false by the name of a branch; one that is not named is as usual. */
export const branches = mapping({
  'resource-iss-validation': branch('resource-iss-validation'),
  access_denied_error: branch('access_denied_error'),
  'sec-subject-tokens': branch('sec-subject-tokens'),
  'workload-agent-principal': branch('workload-agent-principal'),
  'mtls-cnf-binding': branch('mtls-cnf-binding'),
  'jwe-support': branch('jwe-support'),
  'saml-nameid-stability': branch('saml-nameid-stability'),
  'step-up': branch('step-up'),
}).optional()
