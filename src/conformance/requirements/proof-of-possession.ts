/** Proof of possession by DPoP at both servers (ID-JAG §9.8). */

import type { Requirement } from '../requirement.ts'

export const proofRequirements: readonly Requirement[] = [
  {
    id: 'POP-01',
    roles: ['idp'],
    level: 'MUST',
    source: '§9.8.1.1; RFC 9449 §4.3',
    says: 'A proof that comes with the exchange is judged for this request and this endpoint.',
    status: 'implemented',
  },
  {
    id: 'POP-02',
    roles: ['idp'],
    level: 'MUST',
    source: '§9.8.1.1; RFC 7638',
    says: 'After a good proof, the ID-JAG has the thumbprint of its key.',
    status: 'implemented',
  },
  {
    id: 'POP-03',
    roles: ['idp'],
    level: 'needed',
    source: '§9.8.1.1',
    says: 'Without a proof, the ID-JAG is bound to nothing, and its `token_type` is the same as ever.',
    status: 'implemented',
  },
  {
    id: 'POP-04',
    roles: ['resource-as'],
    level: 'MUST',
    source: '§9.8.1.2.1',
    says: 'A bound ID-JAG with a proof is redeemed when the proof is good and by the same key.',
    status: 'implemented',
  },
  {
    id: 'POP-05',
    roles: ['resource-as'],
    level: 'MUST',
    source: '§9.8.1.2.2',
    says: 'A bound ID-JAG without a proof is refused.',
    status: 'implemented',
  },
  {
    id: 'POP-06',
    roles: ['resource-as'],
    level: 'MUST',
    source: '§9.8.1.2.3',
    says: 'An ID-JAG that is not bound may come with a proof, which is judged, and the answer says whether the access token is bound.',
    status: 'implemented',
  },
  {
    id: 'POP-07',
    roles: ['resource-as'],
    level: 'MUST',
    source: '§9.8.1.2.4',
    says: 'With neither, a Bearer token may be issued, unless the resource wants bound tokens.',
    status: 'implemented',
  },
  {
    id: 'POP-08',
    roles: ['resource-as'],
    level: 'MUST',
    source: 'RFC 7800 §3.1',
    says: 'A binding that the server does not understand is refused, never overlooked.',
    status: 'implemented',
  },
  {
    id: 'POP-09',
    roles: ['client'],
    level: 'needed',
    source: 'RFC 9449 §4.2',
    says: 'The redemption has a proof of its own, by the key of the exchange.',
    status: 'implemented',
  },
]
