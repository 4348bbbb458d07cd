/** What a configuration demands of a person's sign-in: at a connection, one of its scopes, a resource, or a client. */

import * as z from 'zod'
import type { SignInDemand } from '../protocol/sign-in.ts'
import { duration } from './config-values.ts'
import { mapping } from './schema-problems.ts'

const thirtyDays = 30 * 24 * 3600

/** `signIn`. An empty one demands nothing. RFC 9470 §3 divides the classes by spaces, so there is none in them. */
export const signInDemand = mapping({
  acr: z
    .array(z.string().regex(/^[!#-[\]-~]+$/, 'must be visible characters without space, quote and backslash'))
    .min(1)
    .optional(),
  maxAge: duration(0, thirtyDays).optional(),
})

/** `signIn` where it may be left out, beside the other members of an entry. */
export const signInMember = { signIn: signInDemand.optional() }

/** A demand without the members that are undefined. */
export function demandOf({ acr, maxAge }: z.output<typeof signInDemand>): SignInDemand {
  return { ...(acr === undefined ? {} : { acr }), ...(maxAge === undefined ? {} : { maxAge }) }
}
