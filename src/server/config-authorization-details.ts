/** Authorization details in a configuration: the types a server understands, and the most that a connection or client is given. */

import * as z from 'zod'
import type { AuthorizationDetail, DetailType, DetailTypes } from '../protocol/authorization-details.ts'
import { maxDetails } from '../protocol/authorization-details.ts'
import { detailType } from './authorization-detail-types.ts'
import { people } from './config-people.ts'
import { resource } from './config-values.ts'
import type { Sources } from './references.ts'
import { mapping } from './schema-problems.ts'

/** `authorizationDetailsTypes` of a resource server of the identity provider, and of the resource authorization server. */
export function detailTypes(sources: Sources) {
  return { authorizationDetailsTypes: z.array(detailType(sources)).optional() }
}

/** `authorizationDetailsTypes` of a resource: which of the server's types mean something there. */
export const detailTypeNames = { authorizationDetailsTypes: z.array(z.string()).optional() }

const texts = z.array(z.string().min(1)).min(1).optional()
const given = {
  type: z.string().min(1),
  locations: z.array(resource).min(1).optional(),
  actions: texts,
  datatypes: texts,
  identifier: z.string().min(1).optional(),
  privileges: texts,
}

/** `authorizationDetails` of a client of the resource authorization server. */
export const clientDetails = {
  authorizationDetails: z.array(z.object(given).catchall(z.json())).max(maxDetails).optional(),
}

/** `authorizationDetails` of a connection: `who` is for us, and every other member is the detail's. */
export const connectionDetails = {
  authorizationDetails: z
    .array(z.object({ ...given, who: mapping(people).optional() }).catchall(z.json()))
    .max(maxDetails)
    .optional(),
}

type GivenDetail = NonNullable<z.output<z.ZodObject<typeof clientDetails>>['authorizationDetails']>[number]
type GivenToPeople = NonNullable<z.output<z.ZodObject<typeof connectionDetails>>['authorizationDetails']>[number]

/** The types by name, for a role. Undefined: none is configured. */
export function detailTypesOf(types: readonly DetailType[] | undefined): DetailTypes | undefined {
  return types === undefined ? undefined : new Map(types.map((one) => [one.type, one]))
}

/** What a client is given, as the wire has it. */
export function givenDetail({ ...members }: GivenDetail): AuthorizationDetail {
  return present(members)
}

/** What a connection gives, apart from the persons it gives it to. */
export function givenToPeople({ who, ...members }: GivenToPeople) {
  return { detail: present(members), who }
}

function present({ type, ...members }: GivenDetail): AuthorizationDetail {
  return { type, ...Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) }
}
