/** What a configuration names and does not hold: secrets, key files, public keys. Read while the configuration is read. */

import { readFile, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import * as z from 'zod'
import { JsonError, type JsonObject, parseJsonObject } from '../protocol/json.ts'
import { KeySetError, type KeySource, keySetOf } from '../protocol/keys.ts'
import { KeyFileError, readSigningKeyFile, type SigningKeyFile } from './key-files.ts'
import { type Judgement, mapping, refuse } from './schema-problems.ts'
import type { Environment } from './variables.ts'

/** Where references lead. */
export interface Sources {
  /** The folder of the configuration file: relative paths start there. */
  folder: string
  environment: Environment
}

const minSecretLength = 32
/** Of 32 random hexadecimal digits, one text in thirty million has fewer. */
const minDistinctCharacters = 8

/**
 * A secret: `{ env: NAME }` or `{ file: path }` (a last line break is not part of it). Unless `development` is set, it is refused when it
 * is written out, when its file is open to others than its owner, and when {@link judgeSecret} finds it weak. `clientSecret` also refuses
 * characters that clients encode in several ways. Does NOT know whether it was drawn at random.
 */
export function secret({ folder, environment }: Sources, options: { development: boolean; clientSecret: boolean }) {
  return z
    .union([z.string(), mapping({ env: z.string() }), mapping({ file: z.string() })], {
      error: 'must be { env: NAME } or { file: path }',
    })
    .transform(async (reference, context): Promise<string> => {
      const stop = (message: string, remedy?: string) => {
        refuse(context, remedy === undefined ? { message } : { message, remedy })
        return z.NEVER
      }
      if (typeof reference === 'string' && !options.development)
        return stop(
          'must not be written into the file',
          'put it into a variable and write { env: NAME }, or into a file and write { file: path }',
        )
      let text: string | undefined
      if (typeof reference === 'string') text = reference
      else if ('env' in reference)
        text = Object.hasOwn(environment, reference.env) ? environment[reference.env] : undefined
      else text = await readFile(resolve(folder, reference.file), 'utf8').then(withoutLineBreak, () => undefined)
      if (text === undefined || text === '') {
        if (typeof reference === 'string') return stop('must not be empty')
        return 'env' in reference
          ? stop(`names the variable ${reference.env}, which is not set`)
          : stop(`names the file ${reference.file}, which cannot be read or is empty`)
      }
      if (typeof reference !== 'string' && 'file' in reference && !options.development) {
        const path = resolve(folder, reference.file)
        const open = await openToOthers(path)
        if (open !== undefined)
          return stop(
            `names the file ${reference.file}, which others may read or write (mode ${open})`,
            `chmod 600 ${path}`,
          )
      }
      const judgement = judgeSecret(text, options)
      return judgement === undefined ? text : stop(judgement.message, judgement.remedy)
    })
}

/** The mode of a file that others than its owner may touch; undefined for any other, and on Windows. */
async function openToOthers(path: string): Promise<string | undefined> {
  const { mode } = await stat(path)
  return process.platform !== 'win32' && (mode & 0o077) !== 0 ? (mode & 0o777).toString(8) : undefined
}

/** What is wrong with a secret itself; undefined when nothing is. */
export function judgeSecret(
  text: string,
  { development, clientSecret }: { development: boolean; clientSecret: boolean },
): Judgement | undefined {
  const remedy = 'a good one: openssl rand -hex 32'
  if (!development && text.length < minSecretLength)
    return { message: `is shorter than ${minSecretLength} characters`, remedy }
  if (!development && new Set(text).size < minDistinctCharacters)
    return { message: `is made of fewer than ${minDistinctCharacters} different characters`, remedy }
  if (clientSecret && !/^[A-Za-z0-9._~-]+$/.test(text))
    return { message: 'may hold only the characters A-Z a-z 0-9 . _ ~ -', remedy }
  return undefined
}

function withoutLineBreak(text: string): string {
  return text.replace(/\r?\n$/, '')
}

/** The path of a private JWK Set, read as the signing keys of a role. Whatever {@link readSigningKeyFile} refuses is a problem here. */
export function signingKeys({ folder }: Sources) {
  return z.string().transform(async (path, context): Promise<SigningKeyFile> => {
    try {
      return await readSigningKeyFile(resolve(folder, path))
    } catch (cause) {
      if (!(cause instanceof KeyFileError)) throw cause
      refuse(context, { message: cause.fact, ...(cause.remedy === undefined ? {} : { remedy: cause.remedy }) })
      return z.NEVER
    }
  })
}

/** The public keys of a client, to verify with and to show. */
export interface PublicKeys extends KeySource {
  /** The set as it was given: {@link keySetOf} refuses one with a private key. */
  jwks: JsonObject
}

/** The keys of a public JWK Set. Throws as {@link keySetOf} does. */
export async function publicKeysOf(jwks: JsonObject): Promise<PublicKeys> {
  return { ...(await keySetOf(jwks)), jwks }
}

/** A public JWK Set that is written out. */
export const writtenPublicKeys = z
  .record(z.string(), z.json())
  .transform(async (jwks, context): Promise<PublicKeys> => {
    try {
      return await publicKeysOf(jwks)
    } catch (cause) {
      if (!(cause instanceof KeySetError)) throw cause
      refuse(context, { message: cause.message, remedy: 'it must be a JWK Set of public keys' })
      return z.NEVER
    }
  })

/** `{ file: path }`: the public JWK Set of a client. */
export function publicKeys({ folder }: Sources) {
  return mapping({ file: z.string() }).transform(async ({ file }, context): Promise<PublicKeys> => {
    try {
      return await publicKeysOf(parseJsonObject(await readFile(resolve(folder, file))))
    } catch (cause) {
      const fact = cause instanceof KeySetError || cause instanceof JsonError ? cause.message : 'cannot be read'
      refuse(context, {
        message: `names the file ${file}, which ${fact}`,
        remedy: 'it must be a JWK Set of public keys',
      })
      return z.NEVER
    }
  })
}
