/** Narrows authorization details to what a policy gives: never more than was asked, never more than is given (RFC 9396 §6.1). */

import {
  type AuthorizationDetail,
  type DetailTypes,
  detailsRefused,
  maxDetails,
  type Narrowing,
} from './authorization-details.ts'
import { sameResource } from './resource.ts'

/** RFC 9396 §2.2: the members whose values are sets. `locations` are the resources', and have a rule of their own. */
const commonRules: { readonly [member: string]: Narrowing } = {
  actions: 'subset',
  datatypes: 'subset',
  privileges: 'subset',
}

/** What narrows. */
export interface DetailLimits {
  /** Undefined: none is known, and nothing is granted. */
  types: DetailTypes | undefined
  /** What policy gives: each an object in the form of a request, whose members are the most there may be. */
  given: readonly AuthorizationDetail[]
  /** The resources where an object of a type may be good. Undefined: it is good nowhere. */
  locationsFor(type: string): readonly string[] | undefined
}

/**
 * What of the objects is within one that is given. An object that two of them allow in part becomes two, and one that none allows is left
 * out. Of each member: a set keeps what is given, `max` the smaller number, `equal` the value when it is the same; `any` takes every value
 * where policy names none. A member that policy names and the request does not is filled in, and one that policy does not name drops the
 * object. What its type refuses after that is left out, too. Throws {@link OAuthError} when more than 16 objects would come of it.
 */
export function narrowDetails(
  asked: readonly AuthorizationDetail[],
  { types, given, locationsFor }: DetailLimits,
): AuthorizationDetail[] {
  const granted: AuthorizationDetail[] = []
  for (const detail of asked) {
    const type = types?.get(detail.type)
    if (type === undefined) continue
    const rules = { ...commonRules, ...type.narrow }
    const resources = locationsFor(detail.type)
    if (resources === undefined) continue
    for (const most of given.filter((one) => one.type === detail.type)) {
      const narrowed = within(detail, most, rules, resources)
      if (narrowed === undefined || type.fault(narrowed) !== undefined) continue
      if (!granted.some((one) => sameJson(one, narrowed))) granted.push(narrowed)
    }
  }
  if (granted.length > maxDetails)
    throw detailsRefused(`would become more than ${maxDetails} objects under policy: ask for fewer at a time`)
  return granted
}

function within(
  asked: AuthorizationDetail,
  given: AuthorizationDetail,
  rules: { readonly [member: string]: Narrowing },
  resources: readonly string[],
): AuthorizationDetail | undefined {
  const locations = locationsWithin(asked.locations, given.locations, resources)
  if (locations?.length === 0) return undefined
  const names = new Set([...Object.keys(asked), ...Object.keys(given)])
  const members: [string, unknown][] = []
  for (const name of names) {
    if (name === 'type' || name === 'locations') continue
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    const value = valueWithin(ownValue(asked, name), ownValue(given, name), rule)
    if (value === undefined) return undefined
    members.push([name, value])
  }
  const { type } = asked
  return { type, ...(locations === undefined ? {} : { locations }), ...Object.fromEntries(members) }
}

/** Undefined: named nowhere, so that the object is good at every resource of the token. */
function locationsWithin(
  asked: readonly string[] | undefined,
  given: readonly string[] | undefined,
  resources: readonly string[],
): string[] | undefined {
  const has = (list: readonly string[], one: string) => list.some((other) => sameResource(one, other))
  return (asked ?? given)?.filter((one) => has(resources, one) && (given === undefined || has(given, one)))
}

function valueWithin(asked: unknown, given: unknown, rule: Narrowing | undefined): unknown {
  if (asked === undefined) return given
  if (given === undefined) return rule === 'any' ? asked : undefined
  if (rule === 'subset') {
    if (!Array.isArray(asked) || !Array.isArray(given)) return undefined
    const left = asked.filter((one) => given.some((other) => sameJson(one, other)))
    return left.length === 0 ? undefined : left
  }
  if (rule === 'max') return typeof asked === 'number' && typeof given === 'number' ? Math.min(asked, given) : undefined
  return sameJson(asked, given) ? asked : undefined
}

function ownValue(detail: AuthorizationDetail, name: string): unknown {
  return Object.hasOwn(detail, name) ? detail[name] : undefined
}

/** Members in another order are the same. */
function sameJson(one: unknown, other: unknown): boolean {
  return inOrder(one) === inOrder(other)
}

function inOrder(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([first], [second]) => (first < second ? -1 : 1)))
      : part,
  )
}
