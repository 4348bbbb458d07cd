/** Private keys on disk: one JWK Set in one file that only its owner may read, replaced in one step. */

import { constants } from 'node:fs'
import { type FileHandle, link, mkdir, open, readlink, realpath, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve, sep } from 'node:path'
import type { JWK } from 'jose'
import { JsonError, type JsonObject, parseJsonObject } from '../protocol/json.ts'
import { KeySetError } from '../protocol/keys.ts'
import { type OwnKey, ownKeysOf } from '../protocol/own-keys.ts'

/** Why a key file is not used, as a sentence that begins with its path; `remedy` says what to do. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError'
  /** The sentence without the path. */
  readonly fact: string
  readonly remedy: string | undefined
  constructor(path: string, fact: string, options: { remedy?: string | undefined; cause?: unknown } = {}) {
    super(`${path} ${fact}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.fact = fact
    this.remedy = options.remedy
  }
}

const maxBytes = 256 * 1024

/** The keys of a private JWK Set, checked and ready to sign, and the file they came from. */
export interface SigningKeyFile {
  path: string
  keys: readonly OwnKey[]
}

/**
 * Reads a private JWK Set (ATK-137). Throws {@link KeyFileError} for a file that is missing, empty or larger than 256 KiB, that others
 * than its owner may touch, that is reached by a link out of its folder, or that holds anything but usable private signing keys.
 * The permissions are not looked at on Windows, which has other ones. Does NOT look at the clock: keys may be over.
 */
export async function readKeyFile(path: string): Promise<{ keys: JWK[] }> {
  const { jwks } = await readChecked(path)
  return jwks
}

/** Reads a private JWK Set as the signing keys of a role. Throws what {@link readKeyFile} throws. */
export async function readSigningKeyFile(path: string): Promise<SigningKeyFile> {
  const { keys } = await readChecked(path)
  return { path, keys }
}

/** The private JWK Set in a file, as {@link readKeyFile} refuses files. Does NOT look at its keys, which may be for anything. */
export async function readPrivateKeys(path: string): Promise<{ keys: JWK[] }> {
  await refuseLinkOut(path)
  return { keys: parse(path, await readOwned(path)).keys as JWK[] }
}

async function readChecked(path: string): Promise<{ jwks: { keys: JWK[] }; keys: OwnKey[] }> {
  const jwks = await readPrivateKeys(path)
  try {
    return { jwks, keys: await ownKeysOf(jwks) }
  } catch (cause) {
    const fact = cause instanceof KeySetError ? cause.message : 'holds a key that cannot be read'
    throw new KeyFileError(path, fact, { cause, remedy: `a new one is made by: xaa keys make ${path}` })
  }
}

async function refuseLinkOut(path: string): Promise<void> {
  try {
    if ((await readlink(path).catch(() => undefined)) === undefined) return
    const folder = await realpath(dirname(resolve(path)))
    if (!(await realpath(path)).startsWith(folder + sep))
      throw new KeyFileError(path, 'is a link to a file outside its folder', { remedy: 'name the file itself' })
  } catch (cause) {
    throw cause instanceof KeyFileError ? cause : unreadable(path, cause)
  }
}

async function readOwned(path: string): Promise<Uint8Array> {
  let file: FileHandle | undefined
  try {
    // Without O_NONBLOCK, a named pipe in the file's place would keep the start waiting for ever.
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0))
    const { mode, size } = await file.stat()
    if (!isRegular(mode)) throw new KeyFileError(path, 'is not a file')
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new KeyFileError(path, `may be read or written by others (mode ${(mode & 0o777).toString(8)})`, {
        remedy: `chmod 600 ${path}`,
      })
    if (size === 0)
      throw new KeyFileError(path, 'is empty', { remedy: 'delete it and make a new one: xaa keys make FILE' })
    if (size > maxBytes) throw new KeyFileError(path, `is larger than ${maxBytes} bytes`)
    return await file.readFile()
  } catch (cause) {
    throw cause instanceof KeyFileError ? cause : unreadable(path, cause)
  } finally {
    await file?.close()
  }
}

function isRegular(mode: number): boolean {
  return (mode & constants.S_IFMT) === constants.S_IFREG
}

function parse(path: string, bytes: Uint8Array): JsonObject {
  const text = Buffer.from(bytes).toString('latin1').trim()
  const remedy = `the server reads a private JWK Set: xaa keys make ${path}`
  if (text.startsWith('-----BEGIN')) throw new KeyFileError(path, 'is a PEM file', { remedy })
  if (/^[\w-]+(\.[\w-]*){4}$/.test(text)) throw new KeyFileError(path, 'is encrypted', { remedy })
  let jwks: JsonObject
  try {
    jwks = parseJsonObject(bytes)
  } catch (cause) {
    throw new KeyFileError(path, cause instanceof JsonError ? cause.message : 'is not JSON', { cause, remedy })
  }
  if (Object.hasOwn(jwks, 'ciphertext')) throw new KeyFileError(path, 'is encrypted', { remedy })
  if (Object.hasOwn(jwks, 'kty'))
    throw new KeyFileError(path, 'is a single key and no set', { remedy: 'put it into {"keys": [ … ]}' })
  const { keys } = jwks
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'object' && key !== null))
    throw new KeyFileError(path, 'is not a JWK Set', { remedy })
  return jwks
}

function unreadable(path: string, cause: unknown): KeyFileError {
  const { code } = cause as { code?: unknown }
  if (code === 'ENOENT')
    return new KeyFileError(path, 'does not exist', { cause, remedy: `make it: xaa keys make ${path}` })
  if (code === 'EEXIST')
    return new KeyFileError(path, 'exists already', { cause, remedy: `add a key to it: xaa keys rotate ${path}` })
  return new KeyFileError(path, `cannot be used (${typeof code === 'string' ? code : 'unknown'})`, { cause })
}

/**
 * Writes a private JWK Set so that a reader sees the old set or the new one and never a half: mode 0600, on disk before it gets its
 * name. A missing folder is made with mode 0700; one that is there keeps its own. `onlyNew` refuses to replace a file. Throws
 * {@link KeyFileError}.
 */
export async function writeKeyFile(
  path: string,
  jwks: { keys: JWK[] },
  { onlyNew }: { onlyNew: boolean },
): Promise<void> {
  const folder = dirname(resolve(path))
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    throw unreadable(path, cause)
  })
  const draft = join(folder, `.${basename(path)}.${process.pid}`)
  await drafted(path, draft, async () => jwks, onlyNew)
}

/**
 * Replaces a private JWK Set by the keys that `change` gives, in one step, and gives all that `change` gave; what it throws leaves the
 * file as it is. Two changes never cross: the second one finds the draft of the first, and throws {@link KeyFileError}, as for
 * everything {@link readKeyFile} refuses.
 */
export async function changeKeyFile<Change extends { keys: JWK[] }>(
  path: string,
  change: (keys: JWK[]) => Promise<Change>,
): Promise<Change> {
  const draft = join(dirname(resolve(path)), `.${basename(path)}.next`)
  return await drafted(path, draft, async () => await change((await readKeyFile(path)).keys), false)
}

async function drafted<Content extends { keys: JWK[] }>(
  path: string,
  draft: string,
  write: () => Promise<Content>,
  onlyNew: boolean,
): Promise<Content> {
  const file = await open(draft, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw unreadable(path, cause)
    const remedy = `wait for it, or delete what it left behind if none runs: rm ${draft}`
    throw new KeyFileError(path, 'is being changed by another command', { cause, remedy })
  })
  let renamed = false
  try {
    const content = await write()
    await file.writeFile(`${JSON.stringify({ keys: content.keys }, null, 2)}\n`)
    await file.sync()
    // link refuses an existing name, rename replaces it. Both are one step.
    if (onlyNew) await link(draft, path)
    else await rename(draft, path)
    renamed = !onlyNew
    return content
  } catch (cause) {
    throw (cause as { code?: unknown }).code === undefined ? cause : unreadable(path, cause)
  } finally {
    await file.close()
    // From the rename on, the name may belong to the draft of somebody else.
    if (!renamed) await rm(draft, { force: true })
  }
}
