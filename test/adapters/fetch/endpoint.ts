/** A token endpoint of one client, whose grant tells what it was given, behind no framework. */

import type { Client } from '../../../src/protocol/client-auth.ts'
import { secretDigestOf } from '../../../src/protocol/secrets.ts'
import type { Grant, TokenEndpoint } from '../../../src/protocol/token-endpoint.ts'

export const client: Client = {
  id: 'wiki',
  enabled: true,
  authMethods: ['client_secret_basic', 'client_secret_post'],
  secretDigest: secretDigestOf('a-secret'),
}

export const authorization = `Basic ${btoa('wiki:a-secret')}`
export const formType = 'application/x-www-form-urlencoded'

export function endpointOf(grant: Grant = granting): TokenEndpoint {
  return {
    role: 'idp',
    issuer: 'https://idp.example',
    action: 'exchange',
    grants: { g: grant },
    findClient: async (id) => (id === client.id ? client : undefined),
    skew: 30,
    policyVersion: () => 'p1',
  }
}

const granting: Grant = async ({ form, recordGranted }) => {
  await recordGranted()
  return { access_token: form.optional('x') ?? 'a', token_type: 'N_A', expires_in: 60 }
}
