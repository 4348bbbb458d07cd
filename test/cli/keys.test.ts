import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/keys.ts'
import { signingKeysOf } from '../../src/protocol/own-keys.ts'
import { readKeyFile, writeKeyFile } from '../../src/server/key-files.ts'
import { newPrivateKey } from '../../src/server/key-rotation.ts'
import { printed } from './printed.ts'

let folder: string
let file: string
let made = 0
let now: number

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xaa-cli-keys-'))
})
beforeEach(() => {
  made++
  // 2027-01-15T08:00:00Z
  now = 1_800_000_000
  file = join(folder, `keys-${made}.json`)
})
afterAll(() => rm(folder, { recursive: true }))

async function keys(...args: string[]) {
  const io = printed()
  const code = await run(args, io, () => now)
  return { code, stdout: io.stdout, stderr: io.stderr }
}

interface Listed {
  kid: string
  alg: string
  state: string
  signsFrom?: number
  publishedUntil?: number
}

async function listed(): Promise<Listed[]> {
  return JSON.parse((await keys('list', file, '--json')).stdout)
}
const refused = (words: string) => ({ code: 1, stdout: '', stderr: expect.stringContaining(words) })

describe('xaa keys', () => {
  it.each(['ES256', 'EdDSA', 'RS256', 'PS256'])('makes a %s key that can sign', async (alg) => {
    expect((await keys('make', file, '--alg', alg)).code).toBe(0)
    const signer = (await signingKeysOf(await readKeyFile(file))).current()
    expect(signer.alg).toBe(alg)
  })

  it('makes ES256 when no algorithm is named, and never over a file that is there', async () => {
    await keys('make', file)
    const before = await readFile(file, 'utf8')
    expect(await listed()).toEqual([{ kid: expect.any(String), alg: 'ES256', state: 'signs' }])
    const again = await keys('make', file)
    expect(again).toMatchObject(refused('exists already. Remedy: add a key to it: xaa keys rotate'))
    expect(await readFile(file, 'utf8')).toBe(before)
  })

  it('rotates with one command: published now, signing later, and the old one goes after that', async () => {
    await keys('make', file)
    const [old] = await listed()
    expect(await keys('rotate', file, '--alg', 'EdDSA')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /EdDSA key .* signs from 2027-01-15T09:00:00Z\n.*published until 2027-01-15T11:00:00Z\n$/,
      ),
      stderr: '',
    })
    const next = { kid: expect.any(String), alg: 'EdDSA', signsFrom: now + 3600 }
    expect(await listed()).toEqual([
      { ...old, publishedUntil: now + 10_800 },
      { ...next, state: 'next' },
    ])
    const signingKeys = await signingKeysOf(await readKeyFile(file), () => now)
    expect([signingKeys.current().alg, signingKeys.published().keys.length]).toEqual(['ES256', 2])
    now += 3600
    expect(await listed()).toMatchObject([
      { kid: old?.kid, state: 'published' },
      { alg: 'EdDSA', state: 'signs' },
    ])
    expect(signingKeys.current().alg).toBe('EdDSA')
    expect(await keys('retire', file)).toMatchObject(refused('stays published until 2027-01-15T11:00:00Z'))
    now += 7200
    expect((await listed())[0]?.state).toBe('over')
    expect(await keys('retire', file)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`${old?.kid} removed`),
    })
    expect(await listed()).toMatchObject([{ alg: 'EdDSA', state: 'signs' }])
    expect(await keys('retire', file)).toMatchObject(refused('holds no key that comes to an end'))
  })

  it('rotates after a lead and with a time to keep of the operator’s choice, and warns where they are short', async () => {
    await keys('make', file)
    expect(await keys('rotate', file, '--lead', '599', '--keep', '3659')).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/--lead is short.*\n.*--keep is short/),
    })
    expect(await listed()).toMatchObject([{ publishedUntil: now + 599 + 3659 }, { signsFrom: now + 599 }])
    now += 600
    expect(await keys('rotate', file, '--lead', '600', '--keep', '3660')).toMatchObject({ code: 0, stderr: '' })
  })

  it('rotates one step at a time, and says when the next can be, or how to take the last one back', async () => {
    await keys('make', file)
    await keys('rotate', file)
    const before = await readFile(file, 'utf8')
    const [old, next] = await listed()
    expect(await keys('rotate', file)).toMatchObject(refused('signs from 2027-01-15T09:00:00Z'))
    expect((await keys('rotate', file)).stderr).toContain(`xaa keys purge ${file} ${next?.kid}`)
    expect(await readFile(file, 'utf8')).toBe(before)
    expect((await keys('purge', file, next?.kid ?? '')).code).toBe(0)
    expect(await listed()).toEqual([{ kid: old?.kid, alg: 'ES256', state: 'signs' }])
  })

  it('rotates on without an end, and takes what is over with it', async () => {
    await keys('make', file)
    for (let turn = 0; turn < 5; turn++) {
      expect((await keys('rotate', file)).code).toBe(0)
      now += 3600
    }
    expect((await listed()).map(({ state }) => state)).toEqual(['over', 'published', 'published', 'signs'])
  })

  it('purges the only key by a new one of its kind, with a warning', async () => {
    await keys('make', file, '--alg', 'EdDSA')
    const [stolen] = await listed()
    expect(await keys('purge', file, stolen?.kid ?? '')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`${stolen?.kid} purged; EdDSA key`),
      stderr: expect.stringMatching(/refuse its tokens until they fetch again\n.*xaa issuers purge-keys ISSUER/),
    })
    const [made, ...more] = await listed()
    expect(made).toMatchObject({ alg: 'EdDSA', state: 'signs' })
    expect(made?.kid).not.toBe(stolen?.kid)
    expect(more).toEqual([])
  })

  it('purges the key that signs by one that others know already, without that warning', async () => {
    await keys('make', file)
    const [first] = await listed()
    await keys('rotate', file)
    now += 3600
    const [, second] = await listed()
    const { code, stderr } = await keys('purge', file, second?.kid ?? '')
    expect(code).toBe(0)
    expect(stderr).not.toContain('until they fetch again')
    expect(await listed()).toEqual([{ kid: first?.kid, alg: 'ES256', state: 'signs' }])
  })

  it('knows a key whose id begins with a hyphen, as one in 64 does', async () => {
    const [one, other] = [await newPrivateKey('ES256'), await newPrivateKey('ES256')]
    const kid = `-${one.kid.slice(1)}`
    await writeKeyFile(file, { keys: [{ ...one, kid }, other] }, { onlyNew: true })
    expect(await keys('purge', file, kid)).toMatchObject({ code: 0, stdout: expect.stringContaining(`${kid} purged`) })
    expect(await listed()).toEqual([{ kid: other.kid, alg: 'ES256', state: 'signs' }])
  })

  it('purges no key that is not there', async () => {
    await keys('make', file)
    const before = await readFile(file, 'utf8')
    expect(await keys('purge', file, 'nobody')).toMatchObject(
      refused('holds no key nobody. Remedy: show what it holds: xaa keys list'),
    )
    expect(await readFile(file, 'utf8')).toBe(before)
  })

  it('lists for people, too', async () => {
    await keys('make', file)
    await keys('rotate', file)
    const [old, next] = await listed()
    expect((await keys('list', file)).stdout).toBe(
      `${old?.kid}  ES256  signs, published until 2027-01-15T11:00:00Z\n${next?.kid}  ES256  next, signs from 2027-01-15T09:00:00Z\n`,
    )
  })

  it('changes a file of two keys and no times, as an earlier version wrote it', async () => {
    const two = [await newPrivateKey('ES256'), await newPrivateKey('EdDSA')]
    await writeKeyFile(file, { keys: two }, { onlyNew: true })
    expect((await listed()).map(({ state }) => state)).toEqual(['signs', 'published'])
    expect((await keys('rotate', file)).code).toBe(0)
    now += 3600
    expect((await listed()).map(({ state }) => state)).toEqual(['published', 'published', 'signs'])
  })

  it('shows no private part', async () => {
    await keys('make', file)
    const { d, kid = '' } = (await readKeyFile(file)).keys[0] ?? {}
    for (const args of [
      ['list', file],
      ['list', file, '--json'],
      ['rotate', file],
      ['purge', file, kid],
    ]) {
      const { code, stdout, stderr } = await keys(...args)
      expect(code).toBe(0)
      expect(stdout + stderr).not.toContain(d)
    }
  })

  it.each(['rotate', 'retire', 'list'])('needs a key file to %s', async (act) => {
    expect(await keys(act, file)).toMatchObject(refused('does not exist. Remedy: make it: xaa keys make'))
    expect(await readdir(folder)).not.toContain(`.${basename(file)}.next`)
  })

  it('changes nothing while another command does', async () => {
    await keys('make', file)
    const draft = join(folder, `.${basename(file)}.next`)
    await writeFile(draft, '')
    expect(await keys('rotate', file)).toMatchObject(refused(`is being changed by another command. Remedy: `))
    await rm(draft)
    const both = await Promise.all([keys('rotate', file), keys('rotate', file)])
    expect(both.map(({ code }) => code).sort()).toEqual([0, 1])
    expect(await listed()).toHaveLength(2)
  })

  it.each([
    { args: [] },
    { args: ['make'] },
    { args: ['make', 'a', 'b'] },
    { args: ['purge', 'a'] },
    { args: ['burn', 'a'] },
    { args: ['promote', 'a'] },
    { args: ['toString', 'a'] },
    { args: ['make', 'a', '--size', '5'] },
    { args: ['make', 'a', '--lead', '5'] },
    { args: ['list', 'a', '--keep', '5'] },
    { args: ['make', 'a', '--alg', 'HS256'] },
    { args: ['make', 'a', '--alg', 'none'] },
    { args: ['rotate', 'a', '--alg', 'ES384'] },
    { args: ['rotate', 'a', '--lead', '1h'] },
    { args: ['rotate', 'a', '--lead', '-1'] },
    { args: ['rotate', 'a', '--keep', ''] },
    { args: ['rotate', 'a', '--keep', '2592001'] },
  ])('answers $args with how it is used, and code 2', async ({ args }) => {
    expect(await keys(...args)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('xaa keys make FILE'),
    })
  })

  it('prints its help on request', async () => {
    expect(await keys('--help')).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('xaa keys make FILE'),
    })
  })
})
