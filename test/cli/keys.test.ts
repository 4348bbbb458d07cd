import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/keys.ts'
import { signingKeysOf } from '../../src/protocol/keys.ts'
import { readKeyFile } from '../../src/server/key-files.ts'
import { printed } from './printed.ts'

let folder: string
let file: string
let made = 0

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xaa-cli-keys-'))
})
beforeEach(() => {
  made++
  file = join(folder, `keys-${made}.json`)
})
afterAll(() => rm(folder, { recursive: true }))

async function keys(...args: string[]) {
  const io = printed()
  const code = await run(args, io)
  return { code, stdout: io.stdout, stderr: io.stderr }
}

async function listed(): Promise<{ kid: string; alg: string; signs: boolean }[]> {
  return JSON.parse((await keys('list', file, '--json')).stdout)
}

describe('xaa keys', () => {
  it.each(['ES256', 'EdDSA', 'RS256', 'PS256'])('makes a %s key that can sign', async (alg) => {
    expect((await keys('make', file, '--alg', alg)).code).toBe(0)
    const signer = (await signingKeysOf(await readKeyFile(file))).current()
    expect(signer.alg).toBe(alg)
  })

  it('makes ES256 when no algorithm is named, and never over a file that is there', async () => {
    await keys('make', file)
    const before = await readFile(file, 'utf8')
    expect(await listed()).toMatchObject([{ alg: 'ES256', signs: true }])
    expect(await keys('make', file)).toMatchObject({ code: 1, stderr: expect.stringContaining('exists already') })
    expect(await readFile(file, 'utf8')).toBe(before)
  })

  it('rotates: a second key is published, then it signs, then the first one goes', async () => {
    await keys('make', file)
    const [old] = await listed()
    await keys('make', file, '--next', '--alg', 'EdDSA')
    const [, next] = await listed()
    expect(await listed()).toMatchObject([
      { kid: old?.kid, signs: true },
      { alg: 'EdDSA', signs: false },
    ])
    await keys('promote', file)
    expect(await listed()).toMatchObject([
      { kid: next?.kid, signs: true },
      { kid: old?.kid, signs: false },
    ])
    await keys('retire', file)
    expect(await listed()).toEqual([{ kid: next?.kid, alg: 'EdDSA', signs: true }])
  })

  it('refuses a third key, and to promote or retire the only one', async () => {
    await keys('make', file)
    for (const act of ['promote', 'retire'])
      expect(await keys(act, file)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('holds only the key that signs'),
      })
    await keys('make', file, '--next')
    expect(await keys('make', file, '--next')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('holds two keys already'),
    })
    expect(await listed()).toHaveLength(2)
  })

  it('shows no private part', async () => {
    await keys('make', file)
    const { d } = (await readKeyFile(file)).keys[0] ?? {}
    for (const args of [
      ['list', file],
      ['list', file, '--json'],
      ['make', file, '--next'],
      ['promote', file],
    ]) {
      const { code, stdout, stderr } = await keys(...args)
      expect(code).toBe(0)
      expect(stdout + stderr).not.toContain(d)
    }
  })

  it('needs a key file for --next', async () => {
    expect(await keys('make', file, '--next')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('does not exist'),
    })
  })

  it.each([
    { args: [] },
    { args: ['make'] },
    { args: ['make', 'a', 'b'] },
    { args: ['burn', 'a'] },
    { args: ['toString', 'a'] },
    { args: ['make', 'a', '--size', '5'] },
    { args: ['make', 'a', '--alg', 'HS256'] },
    { args: ['make', 'a', '--alg', 'none'] },
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
