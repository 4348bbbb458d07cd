/** Identity providers and authorization servers with many tenants (ID-JAG §6). */

import type { Requirement } from '../requirement.ts'

export const tenantRequirements: readonly Requirement[] = [
  {
    id: 'TEN-01',
    roles: ['idp'],
    level: 'MUST',
    source: '§6.1',
    says: 'An issuer with tenants says which one the person belongs to.',
    status: 'implemented',
  },
  {
    id: 'TEN-02',
    roles: ['idp'],
    level: 'MUST',
    source: '§6.3',
    says: 'Within its tenant, a `sub` is one person.',
    status: 'implemented',
    why: 'A directory keeps each `sub` once; what subject issuers bring is taken as unique within the tenant that their entry names.',
  },
  {
    id: 'TEN-03',
    roles: ['resource-as'],
    level: 'MUST',
    source: '§6.1, §6.3',
    says: 'Accounts of an issuer with tenants are found by its tenant, too, and a token without a known one is refused.',
    status: 'implemented',
  },
  {
    id: 'TEN-04',
    roles: ['idp'],
    level: 'MUST',
    source: '§6.2',
    says: 'The client’s id is one that counts in the tenant the token is for.',
    status: 'implemented',
    why: 'Each connection for the people of a tenant has the id of the client in the tenant that it leads to.',
  },
  {
    id: 'TEN-05',
    roles: ['idp'],
    level: 'MUST',
    source: '§6.3',
    says: 'The tenant is in the token where the authorization server keeps tenants apart.',
    status: 'implemented',
    why: 'Always, unless the entry of the authorization server says `namesTenant: false`, for one that refuses the claim.',
  },
  {
    id: 'TEN-06',
    roles: ['idp'],
    level: 'MUST',
    source: '§6.4',
    says: 'The tenant comes from the sign-in, the client and the audience, and fits what the authorization server expects.',
    status: 'implemented',
  },
  {
    id: 'TEN-07',
    roles: ['idp'],
    level: 'MUST',
    source: '§3.1',
    says: 'The tenant at the authorization server is written only where it is known.',
    status: 'implemented',
  },
  {
    id: 'TEN-08',
    roles: ['resource-as'],
    level: 'MUST',
    source: '§4.1, as we read it',
    says: 'An issuer that one tenant trusts never reaches another tenant.',
    status: 'implemented',
  },
]
