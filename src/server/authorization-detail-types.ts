/** The types of authorization details as a configuration has them: a JSON Schema each, compiled once, and a rule for each member. */

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import * as z from 'zod'
import type { DetailType } from '../protocol/authorization-details.ts'
import { JsonError, type JsonObject, parseJsonObject } from '../protocol/json.ts'
import type { Sources } from './references.ts'
import { mapping, refuse } from './schema-problems.ts'

const maxFaultLength = 200

/** A type that cannot be used, with the sentence that follows the name of its schema. */
export class DetailSchemaError extends Error {
  override readonly name = 'DetailSchemaError'
}

/**
 * A type whose objects are judged by a JSON Schema (2020-12): the whole object, `type` included, and own members alone. Rejects with
 * {@link DetailSchemaError} for a schema with a keyword or format it does not know, a `$ref` out of itself (nothing is ever fetched), or
 * without a word on further members.
 */
export async function detailTypeOf(
  type: string,
  schema: JsonObject,
  narrow: DetailType['narrow'] = {},
): Promise<DetailType> {
  // RFC 9396 §5: unknown members are refused, so a schema that forgot about them would let them in.
  if (schema.additionalProperties === undefined && schema.unevaluatedProperties === undefined)
    throw new DetailSchemaError('does not say additionalProperties: false (RFC 9396 §5: unknown members are refused)')
  const validate = await compiled(schema)
  return {
    type,
    narrow,
    fault(detail) {
      if (validate(detail) === true) return undefined
      const { instancePath = '', message = 'is not as its type says' } = validate.errors?.[0] ?? {}
      return `${instancePath === '' ? '' : `at ${instancePath} `}${message}`.slice(0, maxFaultLength)
    },
  }
}

async function compiled(schema: JsonObject) {
  const { Ajv2020 } = await import('ajv/dist/2020.js')
  const ajv = new Ajv2020({
    strict: true,
    // A choice of required members is written beside the properties, not around them.
    strictRequired: false,
    allowUnionTypes: true,
    ownProperties: true,
    logger: false,
  })
  try {
    return ajv.compile<unknown>(schema)
  } catch (cause) {
    throw new DetailSchemaError(`is no JSON Schema that can be used: ${(cause as Error).message}`, { cause })
  }
}

/** Members that policy cannot give a rule: the type itself, and the locations, which are the resources'. */
const ruledAlready = ['type', 'locations']

/** One entry of `authorizationDetailsTypes`: `schema` is written out, or `{ file: path }`. */
export function detailType({ folder }: Sources) {
  return mapping({
    type: z.string().min(1).max(255),
    schema: z.record(z.string(), z.json()).transform(async (schema, context): Promise<JsonObject> => {
      const { file, ...rest } = schema
      if (typeof file !== 'string' || Object.keys(rest).length > 0) return schema
      try {
        return parseJsonObject(await readFile(resolve(folder, file)))
      } catch (cause) {
        const fact = cause instanceof JsonError ? cause.message : 'cannot be read'
        refuse(context, { message: `names the file ${file}, which ${fact}`, remedy: 'it must be a JSON Schema' })
        return z.NEVER
      }
    }),
    narrow: z.record(z.string(), z.enum(['subset', 'max', 'equal', 'any'])).default({}),
  }).transform(async ({ type, schema, narrow }, context): Promise<DetailType> => {
    const stop = (message: string, path: string, remedy?: string) => {
      context.addIssue({ code: 'custom', message, path: [path], params: { remedy } })
      return z.NEVER
    }
    const ruled = Object.keys(narrow).find((member) => ruledAlready.includes(member))
    if (ruled !== undefined) return stop(`has a rule for ${ruled}, which has one already`, 'narrow', 'remove it')
    try {
      return await detailTypeOf(type, schema, narrow)
    } catch (cause) {
      if (!(cause instanceof DetailSchemaError)) throw cause
      return stop(cause.message, 'schema', 'write a JSON Schema 2020-12 that needs no other document')
    }
  })
}
