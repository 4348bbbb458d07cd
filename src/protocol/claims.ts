/** Claims read by a table: every token of a kind is, and a general schema would cost more than all other checks of it. */

import { scopeToken } from './form.ts'
import type { JsonObject } from './json.ts'

/** Reads one claim that is there: its value as it is gone by, or undefined when it is not what it must be. */
export type ClaimReader = (value: unknown) => unknown

/** One claim of a kind of token. */
export interface ClaimRow {
  name: string
  required: boolean
  /** Takes it out of the claims: a place in the code for each claim is looked up there faster than by a name that changes. */
  of: (claims: JsonObject) => unknown
  read: ClaimReader
}

/** What was read: the claims as they are gone by, those of no row as they came; or the first row that is not as it must be. */
export type ReadClaims = { claims: JsonObject } | { fault: string }

/** A claim that must be there. */
export function required(name: string, of: ClaimRow['of'], read: ClaimReader): ClaimRow {
  return { name, required: true, of, read }
}

/** A claim that may be absent. null is not absent. */
export function optional(name: string, of: ClaimRow['of'], read: ClaimReader): ClaimRow {
  return { name, required: false, of, read }
}

/**
 * Reads claims in the order of the rows. What it is given is the caller's alone, and becomes what it gives: a claim that is gone by as
 * something else than was written, as an array in place of one string, is that afterwards. Read again, it is the same.
 */
export function readClaims(claims: JsonObject, rows: readonly ClaimRow[]): ReadClaims {
  for (const row of rows) {
    const value = row.of(claims)
    if (value === undefined && !row.required) continue
    const found = value === undefined ? undefined : row.read(value)
    if (found === undefined) return { fault: row.name }
    if (found !== value) claims[row.name] = found
  }
  return { claims }
}

/** A string of 1 to `length` characters, no control characters, no half of a surrogate pair. */
export function textOf(length: number): ClaimReader {
  return (value) => (isText(value, length) ? value : undefined)
}

/** A string of at most so many characters. */
export function stringOf(length: number): ClaimReader {
  return (value) => (typeof value === 'string' && value.length <= length ? value : undefined)
}

/** A finite number: JSON.parse reads 1e400 as Infinity. */
export function numberClaim(value: unknown): unknown {
  return Number.isFinite(value) ? value : undefined
}

/** An array of at most `most` values, each as `read` takes it. */
export function arrayOf(read: ClaimReader, most: number, least = 0): ClaimReader {
  return (value) =>
    Array.isArray(value) &&
    value.length >= least &&
    value.length <= most &&
    value.every((one) => read(one) !== undefined)
      ? value
      : undefined
}

/** An object that is no array. */
export function objectClaim(value: unknown): unknown {
  return isObject(value) ? value : undefined
}

/** Whether a value is an object, and neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Scope tokens with spaces between them (RFC 6749 §3.3); none in the empty string. */
export function scopeClaim(value: unknown): unknown {
  if (typeof value !== 'string') return undefined
  return value.split(' ').every((part) => part === '' || scopeToken.test(part)) ? value : undefined
}

/** Whether a value is a string of 1 to `length` characters, no control characters, no half of a surrogate pair. */
export function isText(value: unknown, length: number): value is string {
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= length &&
    value.isWellFormed() &&
    !/[\u0000-\u001f\u007f]/.test(value)
  )
}
