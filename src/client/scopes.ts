/** Scope strings as sets of tokens (RFC 6749 §3.3). */

import { scopeToken } from '../protocol/form.ts'

/** The tokens of a scope string, each once. Tokens with characters that no scope may have are left out. */
export function scopesOf(text: string | undefined): string[] {
  return [...new Set((text ?? '').split(' ').filter((token) => scopeToken.test(token)))]
}

export function unionOf(...sets: readonly (readonly string[])[]): string[] {
  return [...new Set(sets.flat())]
}
