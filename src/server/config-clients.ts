/** The part of the configuration about clients: what all have, what they have at one role, and what protected resources have of it. */

import * as z from 'zod'
import { clientAuthMethods } from '../protocol/names.ts'
import { actorOfClient } from './config-actors.ts'
import { clientDetails } from './config-authorization-details.ts'
import { codeGrantMembers } from './config-interactive.ts'
import { clientId, metadataDocument } from './config-metadata-documents.ts'
import { profile } from './config-profiles.ts'
import { samlAt } from './config-saml.ts'
import { signInMember } from './config-sign-in.ts'
import { foreignName, id, resource, scope } from './config-values.ts'
import { workloadOfClient } from './config-workloads.ts'
import { publicKeys, type Sources, secret } from './references.ts'

const authMethods = z.array(z.enum(clientAuthMethods)).min(1)

/** What every client has, beside its credentials. Without a metadata document, it has `authMethods`. */
export const plainClientMembers = {
  id: clientId,
  metadataDocument,
  authMethods: authMethods.optional(),
  assertionAudienceAlso: z.literal('tokenEndpoint').optional(),
  disabled: z.boolean().default(false),
  /** What all of its tokens are bound to (RFC 9449 §5.2, RFC 8705 §3.4). Absent: what each request brings. */
  boundTokens: z.enum(['dpop', 'certificate']).optional(),
}

/** What a client has at one role alone. */
export const clientMembersAt = {
  idp: {
    profile: profile('idpClient'),
    clientIdAt: z.record(z.string(), foreignName).default({}),
    samlAt,
    ...actorOfClient,
    ...workloadOfClient,
  },
  resourceAs: {
    profile: profile('resourceAsClient'),
    scopes: z.array(scope).min(1),
    resources: z.array(resource).min(1),
    ...clientDetails,
    ...codeGrantMembers,
    ...signInMember,
  },
}

/** What a client has in the file. */
export function clientMembers(sources: Sources, development: boolean) {
  return {
    ...plainClientMembers,
    secret: secret(sources, { development, clientSecret: true }).optional(),
    jwks: publicKeys(sources).optional(),
  }
}

/** A protected resource authenticates as a client does, and never by a metadata document. */
export function protectedResourceMembers(sources: Sources, development: boolean) {
  const { metadataDocument: _, ...members } = clientMembers(sources, development)
  return { ...members, id, authMethods }
}
