/** What an administrator's request must be, and the errors that say it is not. */

import type { FastifyRequest } from 'fastify'
import * as z from 'zod'
import { headerLines } from '../http/oauth-scope.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { Seen } from './policy/entry-administration.ts'

/** An answer other than a success: the status, and a sentence. */
export class AdminError extends Error {
  override readonly name = 'AdminError'
  readonly statusCode: number
  constructor(statusCode: number, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}

/** A value of the form that a schema says. Throws {@link AdminError} 400 with every problem, and what it takes. */
export function parsed<Shape extends z.ZodObject>(shape: Shape, value: unknown): z.output<Shape> {
  const read = shape.safeParse(value)
  if (read.success) return read.data
  const wanted = Object.keys(shape.shape).join(', ')
  throw new AdminError(400, `${z.prettifyError(read.error).replace(/\s+/g, ' ')} (takes: ${wanted})`)
}

/** The body, which is a JSON object. Throws {@link AdminError} 400 when there is none. */
export function bodyOf({ body }: FastifyRequest): JsonObject {
  if (typeof body !== 'object' || body === null) throw new AdminError(400, 'the body must be a JSON object')
  return body as JsonObject
}

/**
 * The version that the administrator saw (RFC 9110 §13.1.1, §13.1.2): `If-Match: "12"`, or `If-None-Match: *` where there was nothing;
 * undefined when neither is there. Throws {@link AdminError} 400 for anything else: a list or a weak tag names no version.
 */
export function seenIn(request: FastifyRequest): Seen | undefined {
  const match = headerLines(request, 'if-match')
  const noneMatch = headerLines(request, 'if-none-match')
  if (match.length + noneMatch.length === 0) return undefined
  if (match.length + noneMatch.length > 1) throw new AdminError(400, 'If-Match and If-None-Match: one of them, once')
  if (noneMatch[0] !== undefined) {
    if (noneMatch[0] !== '*') throw new AdminError(400, 'If-None-Match must be *, for an entry that is not there yet')
    return 'none'
  }
  const version = /^"(\d{1,15})"$/.exec(match[0] ?? '')?.[1]
  if (version === undefined)
    throw new AdminError(400, 'If-Match must be the version in quotes, such as "12": the ETag of the entry')
  return Number(version)
}

/** RFC 6585 §3: who did not say what they saw might overwrite what they did not see. */
export function preconditionMissing(): AdminError {
  return new AdminError(
    428,
    'say which version you saw: If-Match with the ETag of the entry, or If-None-Match: * to make a new one',
  )
}
