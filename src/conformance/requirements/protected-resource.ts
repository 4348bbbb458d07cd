/** What the protected resource does with the token of a call (ID-JAG §2.1, RFC 6750, RFC 9728). */

import type { Requirement } from '../requirement.ts'

export const protectedResourceRequirements: readonly Requirement[] = [
  {
    id: 'RS-01',
    roles: ['resource'],
    level: 'needed',
    source: '§2.1',
    says: 'A resource trusts its own authorization server, and no identity provider.',
    status: 'implemented',
  },
  {
    id: 'RS-02',
    roles: ['resource'],
    level: 'MUST NOT',
    source: '§9.3; RFC 9068 §4, RFC 8725 §3.11',
    says: 'An ID-JAG is never taken for an access token.',
    status: 'implemented',
  },
  {
    id: 'RS-03',
    roles: ['resource'],
    level: 'MUST',
    source: 'RFC 9068 §4, RFC 8707; MCP enterprise-managed authorization',
    says: 'An access token for another resource is refused.',
    status: 'implemented',
  },
  {
    id: 'RS-04',
    roles: ['resource'],
    level: 'MUST',
    source: 'RFC 9449 §7',
    says: 'A token that is bound to a key is good only with a proof by that key, and never as a Bearer token.',
    status: 'implemented',
  },
  {
    id: 'RS-05',
    roles: ['resource'],
    level: 'MUST',
    source: 'RFC 6750 §3.1',
    says: 'A token with too little scope is told which scope the call needs.',
    status: 'implemented',
  },
  {
    id: 'RS-06',
    roles: ['resource'],
    level: 'SHOULD',
    source: 'RFC 9728 §5.1; MCP enterprise-managed authorization',
    says: 'A resource publishes which authorization server is its own, and every challenge says where.',
    status: 'implemented',
  },
]
