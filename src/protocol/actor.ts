/** The claim `act`: who acts for the person, and for whom that one acts in turn (RFC 8693 §4.1, ID-JAG §3.1). */

/** An actor as it is written. */
export interface ActorClaim {
  /** Who gave the actor its name. */
  iss?: string
  sub: string
  /** The kind of actor, such as `ai_agent` or `service`. */
  sub_profile?: string
  /** The one before it. */
  act?: { [member: string]: unknown }
}

const maxDepth = 4
const maxLength = 2048

/** Whether a claim is one that is carried on: an object, at most four actors deep, at most 2048 characters of JSON. */
export function isBoundedActor(value: unknown): value is { [member: string]: unknown } {
  let actor = value
  for (let depth = 1; actor !== undefined; depth++) {
    if (depth > maxDepth || typeof actor !== 'object' || actor === null || Array.isArray(actor)) return false
    actor = (actor as { act?: unknown }).act
  }
  return value !== undefined && JSON.stringify(value).length <= maxLength
}
