/** The claims of an ID-JAG that policy sets, which no connection can take from a user record. */

/** Claims with a meaning of their own in an ID-JAG: policy sets them, and no user record can (ID-JAG §3.1). */
export const protocolClaims = [
  'iss',
  'sub',
  'aud',
  'exp',
  'iat',
  'nbf',
  'jti',
  'client_id',
  'scope',
  'resource',
  'act',
  'cnf',
  'tenant',
  'aud_tenant',
  'aud_sub',
  'sub_id',
  'sub_profile',
  'authorization_details',
  'auth_time',
  'acr',
  'amr',
  'azp',
  'nonce',
  'events',
]
