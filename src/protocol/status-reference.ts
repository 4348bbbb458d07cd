/** Where the status of an access token stands: an index of its issuer, as a place in one of the issuer's Token Status Lists. */

import * as z from 'zod'
import { JwtError } from './jwt-error.ts'

/** How many tokens one list has room for. */
export const statusListLength = 65_536

/** The claim `status` of a referenced token (draft-ietf-oauth-status-list-21 §6.1), in the names of the wire. */
export interface StatusClaim {
  status_list: { idx: number; uri: string }
}

const StatusClaim = z.looseObject({ status_list: z.looseObject({ idx: z.int().min(0), uri: z.string().max(2048) }) })

/** The address of one list, below its issuer: `…/status/0` has the indexes 0 to 65 535. */
export function statusListUri(issuer: string, list: number): string {
  return `${issuer.endsWith('/') ? issuer.slice(0, -1) : issuer}/status/${list}`
}

/** The claim for an index of this issuer: a whole number from 0 on. */
export function statusClaimOf(issuer: string, index: number): StatusClaim {
  const list = Math.floor(index / statusListLength)
  return { status_list: { idx: index % statusListLength, uri: statusListUri(issuer, list) } }
}

/**
 * Reads the claim `status` of a verified token; undefined when it has none. Throws {@link JwtError} `malformed` for a claim that names
 * no list: whoever says that a status exists must be asked, and we know no other way to ask.
 */
export function readStatusClaim(claim: unknown): StatusClaim['status_list'] | undefined {
  if (claim === undefined) return undefined
  const read = StatusClaim.safeParse(claim)
  if (!read.success) throw new JwtError('malformed', "unexpected 'status' claim value")
  return read.data.status_list
}

/** The index that a token of this issuer has by its claim `status`; undefined when it is none that {@link statusClaimOf} makes. */
export function statusIndexOf(issuer: string, claim: unknown): number | undefined {
  const place = readStatusClaim(claim)
  if (place === undefined || place.idx >= statusListLength) return undefined
  const list = Number(place.uri.slice(place.uri.lastIndexOf('/') + 1))
  return Number.isInteger(list) && statusListUri(issuer, list) === place.uri
    ? list * statusListLength + place.idx
    : undefined
}
