/** The ID-JAG itself: what its claims must be (ID-JAG §3.1), for the server that writes it and the server that reads it. */

import * as z from 'zod'
import { type ActorClaim, isBoundedActor } from './actor.ts'
import { type AuthorizationDetail, detailsOnTheWire } from './authorization-details.ts'
import type { Confirmation } from './confirmation.ts'
import { scopeToken } from './form.ts'
import type { JsonObject } from './json.ts'
import { signJwt } from './jwt.ts'
import { JwtError } from './jwt-error.ts'
import type { SigningKey } from './keys.ts'
import { jwtType } from './names.ts'
import type { Reason } from './reasons.ts'
import type { Signatures } from './signatures.ts'

/** A string of 1 to `length` characters, no control characters, no half of a surrogate pair. */
export const text = (length: number) =>
  z
    .string()
    .min(1)
    .max(length)
    .refine((value) => value.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(value))

/** OpenID Connect Core §2: `sub` has at most 255 characters. */
export const subjectIdentifier = text(255)

const scopeString = z.string().refine((value) => value.split(' ').every((part) => part === '' || scopeToken.test(part)))

/**
 * The claims of an ID-JAG, ID-JAG §3.1. Claims it does not name are kept and mean nothing here (JAG-21).
 * Does NOT judge values: whether `aud`, `client_id`, `iss` and the times are right is the reader's next step.
 */
export const IdJagClaims = z.looseObject({
  iss: text(2048),
  sub: subjectIdentifier,
  // ID-JAG §3.1: a string, or an array of exactly one.
  aud: z.union([text(2048), z.tuple([text(2048)]).transform(([only]) => only)]),
  client_id: text(2048),
  jti: text(256),
  exp: z.number(),
  iat: z.number(),
  // ID-JAG §3.1: one string or an array of strings; readers take both.
  resource: z.union([text(2048).transform((one) => [one]), z.array(text(2048)).min(1).max(32)]).optional(),
  scope: scopeString.optional(),
  authorization_details: detailsOnTheWire.optional(),
  act: z.record(z.string(), z.unknown()).refine(isBoundedActor).optional(),
  tenant: text(255).optional(),
  aud_tenant: text(255).optional(),
  aud_sub: subjectIdentifier.optional(),
  // Actor profile, AC-01: the kind of principal that `sub` is.
  sub_profile: text(255).optional(),
  email: text(320).optional(),
  auth_time: z.number().optional(),
  acr: z.string().max(255).optional(),
  amr: z.array(z.string().max(255)).max(32).optional(),
  // RFC 9493 §3: an object with `format`.
  sub_id: z.looseObject({ format: z.string().min(1) }).optional(),
  cnf: z.record(z.string(), z.unknown()).optional(),
})
export type IdJagClaims = z.infer<typeof IdJagClaims>

/** Which reason word the audit gets when a claim has the wrong shape. */
const reasonOf: { [claim: string]: Reason } = {
  aud: 'aud_mismatch',
  client_id: 'client_mismatch',
  iat: 'iat_invalid',
  scope: 'scope_denied',
  resource: 'resource_denied',
  authorization_details: 'details_invalid',
  tenant: 'tenant_mismatch',
  aud_tenant: 'tenant_mismatch',
  sub_id: 'sub_id_untrusted',
  cnf: 'pop_unsupported',
}

/** Reads the claims of a verified ID-JAG. Throws {@link JwtError}, naming the first claim that is not as §3.1 says. */
export function readIdJagClaims(claims: JsonObject): IdJagClaims {
  const read = IdJagClaims.safeParse(claims)
  if (read.success) return read.data
  const claim = String(read.error.issues[0]?.path[0])
  // JSON.parse reads 1e400 as Infinity, which no number schema takes.
  if (claim === 'exp' && claims.exp === Number.POSITIVE_INFINITY)
    throw new JwtError('lifetime_too_long', 'exp is beyond every limit')
  throw new JwtError(
    reasonOf[claim] ?? 'malformed',
    Object.hasOwn(claims, claim) ? `unexpected '${claim}' claim value` : `the '${claim}' claim is missing`,
  )
}

/** What the IdP decided to say, in the names of the wire. Members that are undefined are left out. */
export interface NewIdJag {
  iss: string
  sub: string
  aud: string
  client_id: string
  jti: string
  iat: number
  exp: number
  scope?: string | undefined
  /** Of the issuer; and of the audience, with the account there (ID-JAG §6, JAG-14…JAG-16). */
  tenant?: string | undefined
  aud_tenant?: string | undefined
  aud_sub?: string | undefined
  /** The kind of principal that is no person (branch `workload-agent-principal`). Absent: a person. */
  sub_profile?: string | undefined
  resource?: string[] | undefined
  authorization_details?: AuthorizationDetail[] | undefined
  /** Who acts for the person (RFC 8693 §4.1). Absent: the client alone. */
  act?: ActorClaim | undefined
  auth_time?: number | undefined
  acr?: string | undefined
  amr?: string[] | undefined
  /** The same person by another kind of name (ID-JAG §3.2). */
  sub_id?: JsonObject | undefined
  /** The thumbprint of the key it is bound to (ID-JAG §9.8.1.1). */
  cnf?: Confirmation | undefined
  /** Further claims about the user, chosen by an allow-list (JAG-17, JAG-21). */
  userClaims: JsonObject
}

/** Signs an ID-JAG (ID-JAG §3.1, §4.3.4). A single `resource` is written as a string, several as an array. */
export async function signIdJag(
  { userClaims, resource, ...claims }: NewIdJag,
  signer: SigningKey,
  signatures?: Signatures,
): Promise<string> {
  const all = { ...userClaims, ...claims, resource: resource?.length === 1 ? resource[0] : resource }
  return await signJwt(all, jwtType.idJag, signer, signatures)
}
