/** Reads JSON that a stranger signed or published: no duplicate member, no byte order mark, bounded size and depth. */

export class JsonError extends Error {
  override readonly name = 'JsonError'
}

export type JsonObject = { [name: string]: unknown }

const maxDepth = 32
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Parses UTF-8 bytes to one JSON object, as strictly as {@link parseJson}. Throws {@link JsonError} for any other top level, too. */
export function parseJsonObject(bytes: Uint8Array): JsonObject {
  const value = parseJson(bytes)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new JsonError('is not a JSON object')
  return value as JsonObject
}

/**
 * Parses UTF-8 bytes to one JSON value. Throws {@link JsonError} for bytes that are not UTF-8, a byte order mark, a
 * member that stands twice in one object (RFC 7519 §4 and RFC 7515 §4 let us refuse it, and last-wins would let two
 * readers disagree), a member called `__proto__`, one called `length` that is an object or array, and nesting deeper than 32.
 * Numbers too large for a double become Infinity: schemas above refuse those.
 */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string
  try {
    text = strictUtf8.decode(bytes)
  } catch {
    throw new JsonError('is not UTF-8')
  }
  // Depth first: JSON.parse and every walk after it would recurse as deep as a stranger likes.
  scan(text)
  try {
    return JSON.parse(text)
  } catch {
    throw new JsonError('is not JSON')
  }
}

/**
 * Walks the text once and keeps, for every object that is open, the names seen in it. It judges only what JSON.parse
 * does not, and may misread text that JSON.parse refuses anyway.
 */
function scan(text: string): void {
  const open: (string[] | Set<string> | null)[] = []
  /** The name before the value that comes next. */
  let name: string | undefined
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (character === 0x7b || character === 0x5b) {
      // Zod compares whatever is called length with a number, also of what is no string and no array: an object may throw there.
      if (name === 'length') throw new JsonError('holds a member length that is no number')
      name = undefined
      open.push(character === 0x7b ? [] : null)
      if (open.length > maxDepth) throw new JsonError(`is nested deeper than ${maxDepth}`)
    } else if (character === 0x7d || character === 0x5d) {
      open.pop()
    } else if (character === 0x22) {
      const end = endOfString(text, at)
      const last = open.length - 1
      const names = open[last]
      name = undefined
      if (names && isMemberName(text, end)) {
        name = memberName(text.slice(at, end))
        open[last] = withName(names, name)
      }
      at = end - 1
    }
  }
}

/** The position after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let backslashes = quote - 1
    while (text.charCodeAt(backslashes) === 0x5c) backslashes--
    // An odd number of them: the last one belongs to the quote.
    if ((quote - backslashes) % 2 === 1) return quote + 1
  }
  throw new JsonError('is not JSON')
}

function isMemberName(text: string, after: number): boolean {
  for (let at = after; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (character === 0x3a) return true
    if (character !== 0x20 && character !== 0x09 && character !== 0x0a && character !== 0x0d) return false
  }
  return false
}

function memberName(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1)
  try {
    // "a" and "\u0061" are the same name.
    return JSON.parse(quoted) as string
  } catch {
    throw new JsonError('is not JSON')
  }
}

/** From so many names on, they are looked up and no longer compared one by one. */
const many = 24

function withName(names: string[] | Set<string>, name: string): string[] | Set<string> {
  const known = Array.isArray(names) ? names.includes(name) : names.has(name)
  if (known) throw new JsonError('holds a member twice')
  if (name === '__proto__') throw new JsonError('holds a member that is never a claim')
  if (!Array.isArray(names)) return names.add(name)
  if (names.length === many) return new Set(names).add(name)
  names.push(name)
  return names
}
