/** Fresh keys for everybody in the world, and the folder that holds the private ones while the world lasts. */

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JWK } from 'jose'
import type { SignatureAlgorithm } from '../protocol/keys.ts'
import { readSigningKeyFile, type SigningKeyFile, writeKeyFile } from '../server/key-files.ts'
import { newPrivateKey } from '../server/key-rotation.ts'
import { type FollowedKeys, type FollowOptions, followSigningKeys } from '../server/signing-keys.ts'

/** A private JWK Set as it was made, its file, and the keys of that file ready to sign: they follow it. */
export interface KeyPairs {
  file: string
  jwks: { keys: JWK[] }
  /** The same as a configuration has them. */
  read: SigningKeyFile
  signingKeys: FollowedKeys
}

export interface KeyFolder {
  /** Where it is. */
  path: string
  /** Makes one key for each algorithm and writes them to `NAME.json`, mode 0600. The first one signs. */
  make(name: string, algorithms: readonly SignatureAlgorithm[]): Promise<KeyPairs>
  /** Follows no file any more, and deletes the folder and what is in it. */
  remove(): Promise<void>
}

/** Makes a folder in the system's place for temporary files, mode 0700, and gives its path. */
export async function makeFolder(): Promise<string> {
  return await mkdtemp(join(tmpdir(), 'xaa-keys-'))
}

/** Takes over a folder for keys. */
export function keyFolder(folder: string, options: FollowOptions): KeyFolder {
  const followed: FollowedKeys[] = []
  return {
    path: folder,
    async make(name, algorithms) {
      const keys: JWK[] = []
      for (const alg of algorithms) keys.push(await newPrivateKey(alg))
      const file = join(folder, `${name}.json`)
      await writeKeyFile(file, { keys }, { onlyNew: true })
      const read = await readSigningKeyFile(file)
      const signingKeys = followSigningKeys(read, options)
      followed.push(signingKeys)
      return { file, jwks: { keys }, read, signingKeys }
    },
    async remove() {
      for (const keys of followed) keys.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** 192 random bits in characters of `[A-Za-z0-9_-]`. */
export function newId(): string {
  return randomBytes(24).toString('base64url')
}

/** A secret of 384 random bits, in characters that nobody encodes in two ways. */
export function newSecret(): string {
  return `${newId()}-${newId()}`
}

/** A few random characters for a name that differs in every world, so that nobody can rely on it; no secret. */
export function newSuffix(): string {
  return randomBytes(3).toString('hex')
}
