/** A part of a configuration as it stands in the file, before any schema: whatever is there, with its path. */

import type { Path, Problem } from './problems.ts'

/** What a check found, at the path of a part. */
export type Finding = Omit<Problem, 'path' | 'place'> & { path: Path }

/**
 * Lets the checks between values run over a file whose single values are still wrong, so that all problems come at once. A part
 * that is missing or of another type reads as nothing; that it is so, the schema says.
 */
export interface Part {
  readonly path: Path
  readonly value: unknown
  at(key: string): Part
  /** The entries of a list. */
  items(): Part[]
  /** The value, if it is text. */
  readonly text: string | undefined
  readonly exists: boolean
}

/** The part at a path; the top when none is given. */
export function partOf(value: unknown, path: Path = []): Part {
  return {
    path,
    value,
    at: (key) => partOf(isMapping(value) && Object.hasOwn(value, key) ? value[key] : undefined, [...path, key]),
    items: () => (Array.isArray(value) ? value.map((item, at) => partOf(item, [...path, at])) : []),
    text: typeof value === 'string' ? value : undefined,
    exists: value !== undefined,
  }
}

function isMapping(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The texts at one key of every entry of a list. */
export function textsOf(list: Part, key: string): string[] {
  return list.items().flatMap((item) => item.at(key).text ?? [])
}

/** A finding for every text that stands a second time. */
export function repeated(
  parts: readonly Part[],
  what: string,
  same: (text: string) => string = (text) => text,
): Finding[] {
  const seen = new Set<string>()
  return parts.flatMap((part) => {
    if (part.text === undefined) return []
    const key = same(part.text)
    if (seen.has(key))
      return [{ path: part.path, message: `is ${what} a second time`, found: JSON.stringify(part.text) }]
    seen.add(key)
    return []
  })
}

/** A finding when a text is none of the known ones. */
export function unknownName(part: Part, known: readonly string[], what: string, remedy: string): Finding[] {
  if (part.text === undefined || known.includes(part.text)) return []
  return [{ path: part.path, message: `names no ${what}`, found: JSON.stringify(part.text), remedy }]
}
