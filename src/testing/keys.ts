/** Fresh keys for everybody in the world, and the folder that holds the private ones while the world lasts. */

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import { type SignatureAlgorithm, type SigningKeys, signingKeysOf } from '../protocol/keys.ts'
import { writeKeyFile } from '../server/key-files.ts'

/** A private JWK Set, its file, and the same keys ready to sign. */
export interface KeyPairs {
  file: string
  jwks: { keys: JWK[] }
  signingKeys: SigningKeys
}

export interface KeyFolder {
  /** Makes one key for each algorithm and writes them to `NAME.json`, mode 0600. The first one signs. */
  make(name: string, algorithms: readonly SignatureAlgorithm[]): Promise<KeyPairs>
  /** Deletes the folder and what is in it. */
  remove(): Promise<void>
}

/** Makes a folder of its own in the system's place for temporary files, mode 0700. */
export async function keyFolder(): Promise<KeyFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'xaa-keys-'))
  return {
    async make(name, algorithms) {
      const keys: JWK[] = []
      for (const alg of algorithms) keys.push(await newKey(alg))
      const file = join(folder, `${name}.json`)
      await writeKeyFile(file, { keys }, { onlyNew: true })
      return { file, jwks: { keys }, signingKeys: await signingKeysOf({ keys }) }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

async function newKey(alg: SignatureAlgorithm): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), use: 'sig', alg }
}

/** 192 random bits in characters of `[A-Za-z0-9_-]`. */
export function newId(): string {
  return randomBytes(24).toString('base64url')
}

/** A few random characters for a name that differs in every world, so that nobody can rely on it; no secret. */
export function newSuffix(): string {
  return randomBytes(3).toString('hex')
}
