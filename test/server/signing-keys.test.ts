/** Signing keys that follow their file, while it is rotated, purged, replaced and broken. */

import { chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JWK } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { TimedJwk } from '../../src/protocol/key-schedule.ts'
import { readSigningKeyFile, writeKeyFile } from '../../src/server/key-files.ts'
import { type FollowedKeys, followSigningKeys } from '../../src/server/signing-keys.ts'
import { privateJwk } from '../fixture/keys.ts'

let folder: string
let path: string
let made = 0
let now: number
let warnings: string[]
let purged: string[]
let elsewhere: string[]
let keys: FollowedKeys

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xaa-follow-'))
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(async () => {
  made++
  path = join(folder, `keys-${made}.json`)
  now = 1000
  warnings = []
  purged = []
  elsewhere = []
  await write(await privateJwk('a'))
  keys = await follow()
})
afterEach(() => keys.close())

async function follow(onPurged: (kid: string) => void = (kid) => purged.push(kid)): Promise<FollowedKeys> {
  return followSigningKeys(await readSigningKeyFile(path), {
    now: () => now,
    warn: (message) => warnings.push(message),
    onPurged,
    isPurged: (kid) => elsewhere.includes(kid),
  })
}
const write = (...all: TimedJwk[]) => writeKeyFile(path, { keys: all }, { onlyNew: false })
const timed = async (kid: string, from?: number, until?: number): Promise<TimedJwk> => ({
  ...(await privateJwk(kid)),
  ...(from === undefined ? {} : { xaa_signs_from: from }),
  ...(until === undefined ? {} : { xaa_published_until: until }),
})
const kids = (set: { keys: JWK[] }) => set.keys.map(({ kid }) => kid)
const find = async (kid: string) => await keys.source.find({ alg: 'ES256', kid })
const unknown = expect.objectContaining({ name: 'JwtError', reason: 'key_unknown' })

describe('a rotation', () => {
  it('says since when the key signs that signs now, where the file does', async () => {
    expect(keys.signingSince()).toBeUndefined()
    await write(await timed('a', undefined, 5300), await timed('b', 900))
    await keys.look()
    expect(keys.signingSince()).toBe(900)
    elsewhere = ['a', 'b']
    expect(keys.signingSince()).toBeUndefined()
  })

  it('is followed by the file once, and by the clock from then on', async () => {
    await write(await timed('a', undefined, 5300), await timed('b', 1600))
    expect(kids(keys.published())).toEqual(['a'])
    await keys.look()
    expect([keys.current().kid, kids(keys.published())]).toEqual(['a', ['a', 'b']])
    now = 1600
    expect([keys.current().kid, kids(keys.published())]).toEqual(['b', ['a', 'b']])
    await find('a')
    now = 5300
    expect([keys.current().kid, kids(keys.published())]).toEqual(['b', ['b']])
    await expect(find('a')).rejects.toEqual(unknown)
    expect([warnings, purged]).toEqual([[], []])
  })

  it('is followed without being asked, a moment after the file was replaced', async () => {
    await write(await timed('a', undefined, 5300), await timed('b', 1600))
    await expect.poll(() => kids(keys.published()), { timeout: 20_000 }).toEqual(['a', 'b'])
  })

  it('is no longer followed after the end, and the keys of then stay', async () => {
    const looking = keys.look()
    keys.close()
    await write(await timed('a', undefined, 5300), await timed('b', 1600))
    await looking
    await keys.look()
    expect([keys.current().kid, kids(keys.published())]).toEqual(['a', ['a']])
  })

  it('lets a key go without a word when it was over, or is within 5 seconds', async () => {
    for (const [at, warned] of [
      [5295, []],
      [5294, ['a']],
    ] as const) {
      now = 4000
      purged = []
      await write(await timed('a', undefined, 5300), await timed('b', 1600))
      const followed = await follow()
      onTestFinished(() => followed.close())
      now = at
      await write(await timed('b', 1600))
      await followed.look()
      expect(purged).toEqual(warned)
    }
  })
})

describe('a purge', () => {
  it('takes a key out of use at once, says so, and tells the other replicas', async () => {
    await write(await timed('a', undefined, 5300), await timed('b', 1600))
    await keys.look()
    await write(await timed('b', 1600))
    await keys.look()
    expect([keys.current().kid, kids(keys.published())]).toEqual(['b', ['b']])
    await expect(find('a')).rejects.toEqual(unknown)
    expect(keys.isPurged('a')).toBe(true)
    expect(purged).toEqual(['a'])
    expect(warnings).toEqual([expect.stringContaining('the key a no longer, before its time')])
  })

  it('holds also when an old copy of the file brings the key back', async () => {
    await write(await privateJwk('b'))
    await keys.look()
    await write(await privateJwk('a'), await privateJwk('b'))
    await keys.look()
    expect([keys.current().kid, kids(keys.published())]).toEqual(['b', ['b']])
    await expect(find('a')).rejects.toEqual(unknown)
    expect(warnings[1]).toContain('which was purged: it is not used')
    expect(purged).toEqual(['a'])
  })

  it('at another replica holds here, before the file arrives, and is said once', async () => {
    await write(await privateJwk('a'), await privateJwk('b'))
    await keys.look()
    elsewhere = ['a']
    expect([keys.current().kid, kids(keys.published())]).toEqual(['b', ['b']])
    await expect(find('a')).rejects.toEqual(unknown)
    for (const _ of [1, 2]) await keys.look()
    expect(warnings).toEqual([expect.stringContaining('Copy the new file here')])
    await write(await privateJwk('b'))
    await keys.look()
    elsewhere = []
    await expect(find('a')).rejects.toEqual(unknown)
    expect([warnings.length, purged]).toEqual([1, []])
  })

  it('of every key leaves nothing to sign with, and that is 503', async () => {
    elsewhere = ['a']
    expect(() => keys.current()).toThrow(expect.objectContaining({ code: 'temporarily_unavailable' }))
    await write(await privateJwk('c'))
    await keys.look()
    expect(keys.current().kid).toBe('c')
  })

  it('is in force although telling the others fails, and that is said', async () => {
    const followed = await follow(() => {
      throw new Error('store away')
    })
    onTestFinished(() => followed.close())
    await write(await privateJwk('a'), await privateJwk('b'), await privateJwk('c'))
    await followed.look()
    await write(await privateJwk('c'))
    await followed.look()
    expect(kids(followed.published())).toEqual(['c'])
    expect(['a', 'b', 'c'].map(followed.isPurged)).toEqual([true, true, false])
    expect(warnings.filter((message) => message.includes('store away'))).toHaveLength(2)
  })
})

describe('a file that cannot be used', () => {
  it.each<[string, () => Promise<unknown>, string]>([
    ['half of it', async () => await writeFile(path, (await readFile(path, 'utf8')).slice(0, 40)), 'is not'],
    ['nothing', () => writeFile(path, ''), 'is empty'],
    ['gone', () => rename(path, `${path}.away`), 'does not exist'],
    ['open to others', () => chmod(path, 0o644), 'may be read or written by others'],
    ['a set whose keys all end', async () => await write(await timed('a', 1, 5)), 'holds no key without an end'],
  ])(
    '(%s) leaves the last good keys in use, is warned about once with a remedy, and is read again when it is right',
    async (_, spoil, fact) => {
      await keys.look()
      await spoil()
      for (const _time of [1, 2, 3]) await keys.look()
      expect([keys.current().kid, kids(keys.published())]).toEqual(['a', ['a']])
      expect(warnings).toEqual([expect.stringContaining(`${path} ${fact}`)])
      expect(warnings[0]).toContain('Remedy: ')
      await write(await privateJwk('a'), await timed('b', 1600))
      await keys.look()
      expect(kids(keys.published())).toEqual(['a', 'b'])
      expect(purged).toEqual([])
    },
  )

  it('is never seen half while it is replaced again and again', async () => {
    const two = [await privateJwk('a'), await timed('b', 1600)]
    for (let turn = 0; turn < 40; turn++) {
      const writing = write(...(turn % 2 === 0 ? two : [...two, await timed('c', 1700)]))
      await Promise.all([writing, keys.look(), keys.look()])
      expect(keys.current().kid).toBe('a')
    }
    expect(warnings.filter((message) => !message.includes('key c'))).toEqual([])
  })
})
