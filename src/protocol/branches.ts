/** What only editors' branches of the draft say: each behind a switch that has the branch's name. */

/**
 * The branches that change what is done, and whether each is in force where nothing is said: only where the draft leaves the question
 * open and the branch's answer is the one decided on (ID-JAG D-02, D-11).
 */
export const usualBranches = {
  'resource-iss-validation': true,
  access_denied_error: true,
  'sec-subject-tokens': false,
  'workload-agent-principal': false,
  'mtls-cnf-binding': false,
  'jwe-support': false,
  'saml-nameid-stability': true,
  'step-up': false,
} as const

export type Branch = keyof typeof usualBranches

/** For each branch, whether it is in force. */
export type Branches = { readonly [name in Branch]: boolean }
