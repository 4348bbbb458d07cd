/** Turns what a zod schema found into problems an operator can act on. */

import * as z from 'zod'
import { foundText, type Path, type Problem, pathText } from './problems.ts'
import { nearest } from './spelling.ts'

/** A mapping with these keys and no others. */
export function mapping<Shape extends z.ZodRawShape>(shape: Shape): z.ZodObject<Shape, z.core.$strict> {
  // zod carries one text with an issue. For an unknown key it is the list of those that are known.
  return z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : undefined),
  })
}

/** Why a value is refused, and what to do about it. */
export interface Judgement {
  message: string
  remedy?: string
}

/** A string that a judge accepts by finding nothing. */
export function judged(judge: (text: string) => Judgement | undefined): z.ZodString {
  return z.string().superRefine((text, context) => {
    const judgement = judge(text)
    if (judgement !== undefined) refuse(context, judgement)
  })
}

/** Adds a problem at the value that is being read. */
export function refuse(context: Pick<z.RefinementCtx, 'addIssue'>, { message, remedy }: Judgement): void {
  context.addIssue({ code: 'custom', message, params: { remedy } })
}

/** Keys whose values are never shown. */
const secretKey = /secret|password|token$/i

/** The problems in the order of the issues. `value` is what was parsed; `placeOf` says where each part of it stands. */
export function schemaProblems(
  issues: readonly z.core.$ZodIssue[],
  value: unknown,
  placeOf: (path: Path) => string,
): Problem[] {
  return issues.flatMap((issue) => problemsOf(issue, issue.path as Path, value, placeOf))
}

function problemsOf(issue: z.core.$ZodIssue, path: Path, value: unknown, placeOf: (path: Path) => string): Problem[] {
  const found = valueAt(value, path)
  const at = (where: Path, rest: Omit<Problem, 'path' | 'place'>): Problem => ({
    path: pathText(where),
    place: placeOf(where),
    ...rest,
  })
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => {
      const known = issue.message.split(' ')
      const meant = nearest(key, known)
      const remedy = meant === undefined ? `known here: ${known.join(', ')}` : `did you mean "${meant}"?`
      return at([...path, key], { message: 'is not a known key', remedy })
    })
  if (issue.code === 'invalid_union') {
    const fits = (error: z.core.$ZodIssue) =>
      error.path.length > 0 ||
      (error.code !== 'invalid_type' && (error.code !== 'invalid_value' || typeof found === 'string'))
    const branch = issue.errors.find((errors) => errors.every(fits))
    if (branch !== undefined)
      return branch.flatMap((error) => problemsOf(error, [...path, ...(error.path as Path)], value, placeOf))
  }
  if (found === undefined) return [at(path, { message: 'is missing' })]
  const remedy = issue.code === 'custom' ? issue.params?.remedy : undefined
  return [
    at(path, {
      message: messageOf(issue, found),
      ...(path.some((step) => secretKey.test(String(step))) ? {} : { found: foundText(found) }),
      ...(typeof remedy === 'string' ? { remedy } : remedyFor(issue, found)),
    }),
  ]
}

const typeNames: { [type: string]: string } = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
}

function messageOf(issue: z.core.$ZodIssue, found: unknown): string {
  if (issue.code === 'invalid_type') return `must be ${typeNames[issue.expected] ?? issue.expected}`
  if (issue.code === 'invalid_value') return `must be ${issue.values.map(String).join(' or ')}`
  if (issue.code === 'too_small')
    return typeof found === 'number' ? `must be at least ${issue.minimum}` : 'must not be empty'
  if (issue.code === 'too_big')
    return typeof found === 'number' ? `must be at most ${issue.maximum}` : `must have at most ${issue.maximum} entries`
  return issue.message
}

function remedyFor(issue: z.core.$ZodIssue, found: unknown): { remedy?: string } {
  if (
    issue.code === 'invalid_type' &&
    issue.expected === 'string' &&
    (typeof found === 'number' || typeof found === 'boolean')
  )
    return { remedy: `YAML reads it as a ${typeof found}: put it in quotes` }
  const meant =
    issue.code === 'invalid_value' && typeof found === 'string' ? nearest(found, issue.values.map(String)) : undefined
  return meant === undefined ? {} : { remedy: `did you mean "${meant}"?` }
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inside, step) => (inside as { [key: string | number]: unknown } | null | undefined)?.[step],
    value,
  )
}
