/** What keeps the flow safe as a whole (ID-JAG §9). */

import type { Requirement } from '../requirement.ts'

export const securityRequirements: readonly Requirement[] = [
  {
    id: 'SEC-01',
    roles: ['idp', 'resource-as'],
    level: 'SHOULD',
    source: '§9.1',
    says: 'Both grants are for clients that can keep a secret.',
    status: 'implemented',
  },
  {
    id: 'SEC-02',
    roles: ['idp', 'resource-as', 'client'],
    level: 'MUST',
    source: '§9.3',
    says: 'An ID-JAG is good at one authorization server, and not at the one of its own issuer.',
    status: 'implemented',
  },
  {
    id: 'SEC-03',
    roles: ['resource-as'],
    level: 'MUST',
    source: '§4.1, §9.5; RFC 8725 §3.10',
    says: 'Trust and keys come from the operator’s entry for the issuer; keys that a token brings or points at count for nothing.',
    status: 'implemented',
  },
  {
    id: 'SEC-04',
    roles: ['idp'],
    level: 'MAY',
    source: '§9.2; RFC 9470',
    says: 'A refusal for a weak sign-in says what a good one would be: an age in seconds, and accepted classes.',
    status: 'implemented',
  },
  {
    id: 'SEC-05',
    roles: ['resource-as'],
    level: 'MAY',
    source: 'RFC 7523 §3',
    says: 'An ID-JAG that was redeemed is remembered by its issuer and id for as long as it could be taken again.',
    status: 'implemented',
  },
  {
    id: 'SEC-06',
    roles: ['idp', 'resource-as', 'resource'],
    level: 'needed',
    source: 'MCP enterprise-managed authorization; working group branch sec-subject-tokens',
    says: 'No log holds a token; what is needed to find one is its hashed id.',
    status: 'implemented',
  },
  {
    id: 'SEC-07',
    roles: ['idp', 'resource-as'],
    level: 'needed',
    source: '§9.7',
    says: 'An actor never stands in for client authentication, and nobody can pair a person’s token with somebody else’s actor token.',
    status: 'implemented',
    why: 'An actor token is the client’s own, or of a workload that is entered for this client.',
  },
]
