/** The branch on resources and issuers, not merged: who governs a resource, and who says so. */

import type { Requirement } from '../requirement.ts'

export const resourceBranchRequirements: readonly Requirement[] = [
  {
    id: 'FL-ISS-01',
    roles: ['idp'],
    level: 'MUST',
    source: 'branch resource-iss-validation',
    says: 'The identity provider refuses a resource that the audience does not govern.',
    status: 'implemented',
    why: 'Always on: RFC 8707 and the published draft allow it.',
  },
  {
    id: 'FL-ISS-02',
    roles: ['idp'],
    level: 'MAY',
    source: 'branch resource-iss-validation',
    says: 'Without a resource, the identity provider may take one of its own or demand one.',
    status: 'implemented',
    why: 'Always on: it takes those of the connection.',
  },
  {
    id: 'FL-ISS-03',
    roles: ['idp'],
    level: 'MUST',
    source: 'branch resource-iss-validation',
    says: 'The answer of the exchange names the resources of the ID-JAG.',
    status: 'not implemented',
    why: 'The answer has no such member yet; the ID-JAG itself names them.',
  },
  {
    id: 'FL-ISS-04',
    roles: ['client'],
    level: 'MUST',
    source: 'branch resource-iss-validation',
    says: 'The client uses no ID-JAG for a resource that it did not mean.',
    status: 'implemented',
    why: 'Always on.',
  },
  {
    id: 'FL-ISS-05',
    roles: ['resource-as'],
    level: 'MUST',
    source: 'branch resource-iss-validation',
    says: 'One resource in the claim that the authorization server does not govern spoils the ID-JAG.',
    status: 'implemented',
    why: 'Always on. A claim that is missing where several resources are governed is refused with `invalid_target`, not with the branch’s `invalid_grant`.',
  },
  {
    id: 'FL-ISS-06',
    roles: ['resource-as', 'client'],
    level: 'MUST',
    source: 'branch resource-iss-validation',
    says: 'The answer of the redemption names the resources of the token, and the client looks.',
    status: 'implemented',
    why: 'Always on.',
  },
  {
    id: 'FL-ISS-07',
    roles: ['client'],
    level: 'MUST',
    source: 'branch resource-iss-validation; RFC 8414 §3.3',
    says: 'The client takes an issuer for an audience only when its metadata bear that name, and says which resource it means.',
    status: 'implemented',
    why: 'Always on: RFC 8414 demands it.',
  },
]
