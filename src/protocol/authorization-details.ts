/** Authorization details (RFC 9396): how they are read from a request, and what each must be before anybody narrows it. */

import * as z from 'zod'
import { OAuthError } from './errors.ts'
import { JsonError, parseJson } from './json.ts'
import { sameResource } from './resource.ts'

/** One object of `authorization_details`, in the names of the wire (RFC 9396 §2). */
export interface AuthorizationDetail {
  type: string
  locations?: string[] | undefined
  [member: string]: unknown
}

/** Their form in a claim or an answer: objects with a `type`. Whether the type allows what they hold is the reader's next step. */
export const detailsOnTheWire = z.array(z.looseObject({ type: z.string().min(1).max(255) }))

/** How one member of an object may be narrowed to what policy gives. */
export type Narrowing = 'subset' | 'max' | 'equal' | 'any'

/** What one type of authorization details means at a server. */
export interface DetailType {
  type: string
  /** What is wrong with an object of this type, in words without values of the caller; undefined when nothing is. */
  fault(detail: AuthorizationDetail): string | undefined
  /** The rules of members that are not to be equal to what policy gives, nor narrowed as RFC 9396 §2.2 has it. */
  narrow: { readonly [member: string]: Narrowing }
}

/** The types a server understands, by name. */
export type DetailTypes = ReadonlyMap<string, DetailType>

/** How many objects one request or token may have. */
export const maxDetails = 16
const maxLength = 16 * 1024

const text = z.string().min(1).max(2048)
const texts = z.array(text).min(1).max(64)
/** RFC 9396 §2.2: the members that every type has in common, where it has them. */
const commonMembers = z.looseObject({
  locations: texts.optional(),
  actions: texts.optional(),
  datatypes: texts.optional(),
  identifier: text.optional(),
  privileges: texts.optional(),
})

/** What the server that judges them goes by. */
export interface DetailRules {
  /** Absent or empty: every object is refused. */
  types?: DetailTypes | undefined
  /** The resource identifiers that `locations` may name. */
  resources: readonly string[]
  /** What a refusal begins with, such as `assertion: `. */
  place?: string
}

/**
 * Reads the parameter: a string that holds a JSON array, of at most 16 KiB (RFC 9396 §2). Undefined when it was not sent. Throws
 * {@link OAuthError} `invalid_authorization_details`, also for whatever {@link judgeDetails} finds.
 */
export function readDetailsParameter(value: string | undefined, rules: DetailRules): AuthorizationDetail[] | undefined {
  if (value === undefined) return undefined
  if (value.length > maxLength) throw detailsRefused(`is longer than ${maxLength} characters`)
  try {
    return judgeDetails(parseJson(new TextEncoder().encode(value)), rules)
  } catch (cause) {
    if (cause instanceof JsonError) throw detailsRefused(cause.message)
    throw cause
  }
}

/**
 * Judges each of them by its type (RFC 9396 §5): 1 to 16 objects of known types, with members as the type has them, `locations` among the
 * server's resources. Throws {@link OAuthError} `invalid_authorization_details` for the first that is not. Grants nothing.
 */
export function judgeDetails(value: unknown, { types, resources, place = '' }: DetailRules): AuthorizationDetail[] {
  const refuse = (fault: string) => detailsRefused(fault, place)
  if (types === undefined || types.size === 0) throw refuse('is not supported here')
  if (!Array.isArray(value)) throw refuse('must be a JSON array')
  if (value.length === 0 || value.length > maxDetails) throw refuse(`must hold 1 to ${maxDetails} objects`)
  const details = detailsOnTheWire.safeParse(value)
  if (!details.success) throw refuse(`[${String(details.error.issues[0]?.path[0])}] must be an object with a type`)
  return details.data.map((detail, at): AuthorizationDetail => {
    const type = types.get(detail.type)
    if (type === undefined) throw refuse(`[${at}] has a type that is not known here`)
    const common = commonMembers.safeParse(detail)
    if (!common.success) throw refuse(`[${at}] has an unexpected ${String(common.error.issues[0]?.path[0])}`)
    const fault = type.fault(detail)
    if (fault !== undefined) throw refuse(`[${at}] ${fault}`)
    // RFC 9396 §2.2, ID-JAG §4.3.3: consistent with the resources, none of which may be a stranger's.
    const foreign = common.data.locations?.some((one) => !resources.some((governed) => sameResource(one, governed)))
    if (foreign === true) throw refuse(`[${at}] names a location that this audience does not govern`)
    return detail
  })
}

/** The refusal of authorization details (RFC 9396 §5). */
export function detailsRefused(fault: string, place = '', detail?: string): OAuthError {
  return new OAuthError('invalid_authorization_details', `${place}authorization_details ${fault}`, {
    reason: 'details_invalid',
    ...(detail === undefined ? {} : { detail }),
  })
}

/** The types of granted details, each once: what the audit says of them. */
export function typesOf(details: readonly AuthorizationDetail[] | undefined): string[] | undefined {
  return details === undefined ? undefined : [...new Set(details.map(({ type }) => type))]
}
