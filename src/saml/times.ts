/** Moments and validity as SAML writes them. */

import type { Seconds } from '../protocol/ports.ts'

const dateTime = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z$/

/** SAML core §1.3.3: a moment in UTC, written with Z. Undefined for anything else. */
export function momentOf(text: string | undefined): Seconds | undefined {
  if (text === undefined || !dateTime.test(text)) return undefined
  return Date.parse(text) / 1000
}
