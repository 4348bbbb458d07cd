/** The part of the configuration about encrypted ID-JAGs: whose key they are encrypted to, and with which they are opened. */

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import * as z from 'zod'
import { type DecryptionKey, decryptionKeysOf, type RecipientKey, recipientKeyOf } from '../protocol/encryption-keys.ts'
import { JsonError, parseJsonObject } from '../protocol/json.ts'
import { KeySetError } from '../protocol/keys.ts'
import type { Finding, Part } from './config-part.ts'
import { KeyFileError, readPrivateKeys } from './key-files.ts'
import type { Sources } from './references.ts'
import { mapping, refuse } from './schema-problems.ts'

const makeOne = 'a new one is made by: xaa keys make FILE --alg ECDH-ES+A256KW'

/** `resourceAs.encryption`: the private JWK Set that opens ID-JAGs, and whether one in the clear is refused. */
export function encryptionSchema({ folder }: Sources) {
  const keys = z.string().transform(async (path, context): Promise<readonly DecryptionKey[]> => {
    try {
      return await decryptionKeysOf(await readPrivateKeys(resolve(folder, path)))
    } catch (cause) {
      const fact = cause instanceof KeyFileError ? cause.fact : cause instanceof KeySetError ? cause.message : undefined
      if (fact === undefined) throw cause
      refuse(context, { message: fact, remedy: makeOne })
      return z.NEVER
    }
  })
  return mapping({ keys, required: z.boolean().default(false) }).optional()
}

/** `encryption` of a resource server: `metadata`, or `{ file: path }` with a public JWK Set. */
export function recipientSchema({ folder }: Sources) {
  return z
    .union([z.literal('metadata'), mapping({ file: z.string() })], { error: 'must be metadata or { file: path }' })
    .transform(async (place, context): Promise<'metadata' | RecipientKey> => {
      if (place === 'metadata') return place
      const stop = (fact: string) => {
        refuse(context, {
          message: `names the file ${place.file}, which ${fact}`,
          remedy: 'it must be a JWK Set with a public key of use enc',
        })
        return z.NEVER
      }
      try {
        const jwks = parseJsonObject(await readFile(resolve(folder, place.file)))
        return (await recipientKeyOf(jwks)) ?? stop('holds no key that can be used')
      } catch (cause) {
        return stop(cause instanceof KeySetError || cause instanceof JsonError ? cause.message : 'cannot be read')
      }
    })
    .optional()
}

/** Encryption that is configured and switched off would be none, unseen. */
export function checkEncryption(role: Part, entries: readonly Part[]): Finding[] {
  if (role.at('branches').at('jwe-support').value === true) return []
  return entries
    .map((entry) => entry.at('encryption'))
    .filter(({ exists }) => exists)
    .map(({ path }) => ({
      path,
      message: 'needs the branch jwe-support',
      remedy: `add branches: { jwe-support: true } to ${role.path.join('.')}`,
    }))
}
