/** Reads an `application/x-www-form-urlencoded` body exactly, and gives its parameters by name. */

import { OAuthError } from './errors.ts'
import { recentlyUsed } from './recently-used.ts'

const maxParameters = 64

/** The parameters of one request as they came, in order, values not empty. */
export interface Form {
  /** The value, or undefined when the parameter is absent. Empty counts as absent (RFC 6749 §3.1). */
  optional(name: string): string | undefined
  /** The value; absent or empty is `invalid_request`. */
  required(name: string): string
  /** All values of a parameter that may be sent more than once (`resource`, RFC 8707 §2). */
  all(name: string): string[]
}

/**
 * Parses a body. Refuses with `invalid_request` what URLSearchParams would quietly repair: a broken percent escape,
 * bytes that are not UTF-8, a NUL or another control character; more than 64 parameters; and any parameter that is
 * sent twice, unless `repeatable` names it (RFC 6749 §3.2). Unknown parameters are kept and ignored by the grants.
 */
export function parseForm(body: string, repeatable: readonly string[] = []): Form {
  const values = new Map<string, string[]>()
  const pairs = body === '' ? [] : body.split('&')
  if (pairs.length > maxParameters)
    throw new OAuthError('invalid_request', `the form has more than ${maxParameters} parameters`, {
      reason: 'too_large',
      status: 413,
    })
  for (const pair of pairs) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const name = decode(equals === -1 ? pair : pair.slice(0, equals), 'the name of a parameter')
    const value = equals === -1 ? '' : decodeValue(pair.slice(equals + 1), name)
    const known = values.get(name)
    if (known === undefined) values.set(name, [value])
    else if (repeatable.includes(name)) known.push(value)
    // RFC 6749 §3.2: parameters MUST NOT be included more than once. Compared after decoding: %61 is a.
    else
      throw new OAuthError('invalid_request', `${nameForPeople(name)} must not be sent more than once`, {
        reason: 'repeated_parameter',
      })
  }
  const first = (name: string) => values.get(name)?.find((value) => value !== '')
  return {
    optional: first,
    required(name) {
      const value = first(name)
      if (value === undefined)
        throw new OAuthError('invalid_request', `${name} is required`, { reason: 'missing_parameter' })
      return value
    },
    all: (name) => (values.get(name) ?? []).filter((value) => value !== ''),
  }
}

/** Parameters that say the same in request after request, and no secret. */
const repeated = new Set([
  'grant_type',
  'requested_token_type',
  'subject_token_type',
  'actor_token_type',
  'client_assertion_type',
  'audience',
  'resource',
  'scope',
])
/** What such values were decoded to, by their text. */
const decoded = recentlyUsed<string>(1000)
const longestKept = 256

function decodeValue(text: string, name: string): string {
  if (text.length > longestKept || !repeated.has(name)) return decode(text, name)
  const known = decoded.get(text)
  if (known !== undefined) return known
  const value = decode(text, name)
  // A copy: what is cut from a string keeps all of it in memory, and there are tokens in it.
  const copy = Buffer.from(text, 'latin1').toString('latin1')
  if (copy === text) decoded.set(copy, value === text ? copy : value)
  return value
}

function decode(text: string, name: string): string {
  let plain: string
  try {
    const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
    // Throws for %zz, for %C0%AF and every other sequence that is not UTF-8.
    plain = spaced.includes('%') ? decodeURIComponent(spaced) : spaced
  } catch (cause) {
    throw new OAuthError('invalid_request', `${nameForPeople(name)} is not form-encoded UTF-8`, {
      reason: 'malformed',
      cause,
    })
  }
  // U+FFFD is what a decoder before us puts in place of bytes that were not UTF-8.
  if (/[\u0000-\u0008\u000a-\u001f\u007f\ufffd]/.test(plain))
    throw new OAuthError('invalid_request', `${nameForPeople(name)} holds a control character or broken UTF-8`, {
      reason: 'malformed',
    })
  return plain
}

function nameForPeople(name: string): string {
  return /^[\w .:[\]-]{1,64}$/.test(name) ? name : 'a parameter'
}

/** What stands between the spaces of a scope; nothing of it is judged. */
export function scopeTokens(scope: string): string[] {
  if (scope === '') return []
  return scope.includes(' ') ? scope.split(' ').filter((token) => token !== '') : [scope]
}

/** One scope token (RFC 6749 §3.3). */
export const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/**
 * Splits a scope string into its tokens, each once; none for the empty string. `invalid_scope` for a character outside RFC 6749 §3.3, and
 * for spaces alone. Several spaces in a row are taken as one.
 */
export function parseScope(scope: string): string[] {
  const tokens = scopeTokens(scope)
  // RFC 6749 §3.3: a scope is at least one token. Taken as no scope at all, spaces would ask for everything.
  if (tokens.length === 0 && scope !== '')
    throw new OAuthError('invalid_scope', 'scope holds spaces alone', { reason: 'scope_denied' })
  for (const token of tokens)
    if (!scopeToken.test(token))
      throw new OAuthError('invalid_scope', 'scope holds a character that RFC 6749 section 3.3 does not allow', {
        reason: 'scope_denied',
      })
  return tokens.length < 2 ? tokens : [...new Set(tokens)]
}
