/** The ID-JAG itself: what its claims must be (ID-JAG §3.1), for the server that writes it and the server that reads it. */

import * as z from 'zod'
import { type ActorClaim, isBoundedActor } from './actor.ts'
import { type AuthorizationDetail, detailsOnTheWire } from './authorization-details.ts'
import type { Awaitable } from './awaitable.ts'
import {
  arrayOf,
  isObject,
  numberClaim,
  objectClaim,
  optional,
  readClaims,
  required,
  scopeClaim,
  stringOf,
  textOf,
} from './claims.ts'
import type { Confirmation } from './confirmation.ts'
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

/**
 * The claims of an ID-JAG, ID-JAG §3.1. Claims it does not name are kept and mean nothing here (JAG-21).
 * Does NOT judge values: whether `aud`, `client_id`, `iss` and the times are right is the reader's next step.
 */
export interface IdJagClaims {
  iss: string
  sub: string
  aud: string
  client_id: string
  jti: string
  exp: number
  iat: number
  /** An array, whichever of the two was written. */
  resource?: string[] | undefined
  scope?: string | undefined
  authorization_details?: AuthorizationDetail[] | undefined
  act?: { [member: string]: unknown } | undefined
  tenant?: string | undefined
  aud_tenant?: string | undefined
  aud_sub?: string | undefined
  /** The kind of principal that `sub` is (actor profile, AC-01). */
  sub_profile?: string | undefined
  email?: string | undefined
  auth_time?: number | undefined
  acr?: string | undefined
  amr?: string[] | undefined
  sub_id?: { format: string; [member: string]: unknown } | undefined
  cnf?: { [member: string]: unknown } | undefined
  [claim: string]: unknown
}

const identifier = textOf(2048)
const rows = [
  required('iss', ({ iss }) => iss, identifier),
  required('sub', ({ sub }) => sub, textOf(255)),
  // ID-JAG §3.1: a string, or an array of exactly one.
  required(
    'aud',
    ({ aud }) => aud,
    (value) => identifier(Array.isArray(value) && value.length === 1 ? value[0] : value),
  ),
  required('client_id', ({ client_id }) => client_id, identifier),
  required('jti', ({ jti }) => jti, textOf(256)),
  required('exp', ({ exp }) => exp, numberClaim),
  required('iat', ({ iat }) => iat, numberClaim),
  // ID-JAG §3.1: one string or an array of strings; readers take both.
  optional(
    'resource',
    ({ resource }) => resource,
    (value) => resources(typeof value === 'string' ? [value] : value),
  ),
  optional('scope', ({ scope }) => scope, scopeClaim),
  optional(
    'authorization_details',
    ({ authorization_details }) => authorization_details,
    (value) => detailsOnTheWire.safeParse(value).data,
  ),
  optional(
    'act',
    ({ act }) => act,
    (value) => (isBoundedActor(value) ? value : undefined),
  ),
  optional('tenant', ({ tenant }) => tenant, textOf(255)),
  optional('aud_tenant', ({ aud_tenant }) => aud_tenant, textOf(255)),
  optional('aud_sub', ({ aud_sub }) => aud_sub, textOf(255)),
  optional('sub_profile', ({ sub_profile }) => sub_profile, textOf(255)),
  optional('email', ({ email }) => email, textOf(320)),
  optional('auth_time', ({ auth_time }) => auth_time, numberClaim),
  optional('acr', ({ acr }) => acr, stringOf(255)),
  optional('amr', ({ amr }) => amr, arrayOf(stringOf(255), 32)),
  // RFC 9493 §3: an object with `format`.
  optional(
    'sub_id',
    ({ sub_id }) => sub_id,
    (value) => (isObject(value) && typeof value.format === 'string' && value.format !== '' ? value : undefined),
  ),
  optional('cnf', ({ cnf }) => cnf, objectClaim),
]
const resources = arrayOf(identifier, 32, 1)

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
  const read = readClaims(claims, rows)
  if ('claims' in read) return read.claims as IdJagClaims
  const { fault: claim } = read
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
export function signIdJag(claims: NewIdJag, signer: SigningKey, signatures?: Signatures): Awaitable<string> {
  const { userClaims, resource } = claims
  const own: JsonObject = {
    iss: claims.iss,
    sub: claims.sub,
    sub_profile: claims.sub_profile,
    aud: claims.aud,
    client_id: claims.client_id,
    jti: claims.jti,
    iat: claims.iat,
    exp: claims.exp,
    scope: claims.scope,
    resource: resource?.length === 1 ? resource[0] : resource,
    authorization_details: claims.authorization_details,
    act: claims.act,
    auth_time: claims.auth_time,
    acr: claims.acr,
    amr: claims.amr,
    tenant: claims.tenant,
    aud_tenant: claims.aud_tenant,
    aud_sub: claims.aud_sub,
    sub_id: claims.sub_id,
    cnf: claims.cnf,
  }
  // Never over one of its own, and never in place of one that it does not have.
  for (const name in userClaims) if (!Object.hasOwn(own, name)) own[name] = userClaims[name]
  return signJwt(own, jwtType.idJag, signer, signatures)
}
