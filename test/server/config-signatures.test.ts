/** What a configuration may say about how signatures are computed. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readJwt, signJwt, verifySignature } from '../../src/protocol/jwt.ts'
import { type Config, readConfig } from '../../src/server/config.ts'
import { signaturesOf } from '../../src/server/config-signatures.ts'
import { publicJwk, signerOf, sourceOf } from '../fixture/keys.ts'
import { changed, environment, exampleFolder, type Folder } from './example.ts'

let folder: Folder
beforeAll(async () => {
  folder = await exampleFolder()
})
afterAll(() => folder.remove())

const read = async (path: string, value: unknown): Promise<Config> =>
  await readConfig(await folder.write(changed(path, value)), environment)

describe('signatures in a configuration', () => {
  it('are computed in threads, by our own verifier, and 10 000 ID Tokens are known, unless it says otherwise', async () => {
    const config = await read('signatures', undefined)
    expect(config.signatures).toEqual({ threads: 'auto', verifier: 'own' })
    expect(config.idp?.subjectTokenCache).toBe(10_000)
    expect((await read('idp.subjectTokenCache', 0)).idp?.subjectTokenCache).toBe(0)
  })

  it.each<[string, unknown, string, string]>([
    ['signatures', { threads: 'all' }, 'signatures.threads', 'must be auto or none'],
    ['signatures', { verifier: 'other' }, 'signatures.verifier', 'must be own or jose'],
    ['idp.subjectTokenCache', -1, 'idp.subjectTokenCache', 'must be at least 0'],
  ])('%s of %j are a problem', async (path, value, place, message) => {
    await expect(read(path, value)).rejects.toMatchObject({ problems: [{ path: place, message }] })
  })

  it.each(['own', 'jose'] as const)(
    'are good and bad alike, verifier: %s, for one worker or several',
    async (verifier) => {
      const token = await signJwt({}, 'JWT', await signerOf('k'))
      const good = { keys: await sourceOf(await publicJwk('k')), algorithms: ['ES256'] as const }
      const bad = { ...good, keys: await sourceOf({ ...(await publicJwk('other')), kid: 'k' }) }
      for (const threads of ['auto', 'none'] as const)
        for (const workers of [1, 2]) {
          const signatures = signaturesOf({ signatures: { threads, verifier }, workers })
          await verifySignature(readJwt(token), good, signatures)
          await expect(async () => await verifySignature(readJwt(token), bad, signatures)).rejects.toMatchObject({
            reason: 'signature_invalid',
          })
          await verifySignature(readJwt(await signJwt({}, 'JWT', await signerOf('k'), signatures)), good)
        }
    },
  )
})
