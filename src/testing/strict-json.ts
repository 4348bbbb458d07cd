/** JSON bodies read as strictly as tokens: what was judged is what is done, and none is too deep to be walked. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { JsonError, parseJson } from '../protocol/json.ts'

const maxBodyBytes = 256 * 1024

/** A body that cannot be read: 400, and a sentence that may be sent. */
class BodyError extends Error {
  override readonly name = 'BodyError'
  readonly statusCode = 400
}

/** Makes a scope take `application/json` of at most 256 KiB and nothing else, by the rules of {@link parseJson}. An empty body is none. */
export function takeStrictJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer', bodyLimit: maxBodyBytes },
    async (_request: FastifyRequest, bytes: Buffer) => (bytes.length === 0 ? undefined : bodyOf(bytes)),
  )
}

function bodyOf(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes)
  } catch (cause) {
    if (cause instanceof JsonError) throw new BodyError(`the body ${cause.message}`, { cause })
    throw cause
  }
}
