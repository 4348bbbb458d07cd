import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { changeKeyFile, readKeyFile, readSigningKeyFile, writeKeyFile } from '../../src/server/key-files.ts'
import { newKey } from './example.ts'

let top: string
let folder: string
let file: string
const keys: Awaited<ReturnType<typeof newKey>>[] = []

beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), 'xaa-keys-'))
  keys.push(await newKey())
})
beforeEach(async () => {
  folder = join(top, `keys-${(await readdir(top)).length}`)
  file = join(folder, 'idp.json')
})
afterAll(() => rm(top, { recursive: true }))

describe('a key file', () => {
  it('is written for its owner alone, in a folder for its owner alone, and read back [ATK-137]', async () => {
    await writeKeyFile(file, { keys }, { onlyNew: true })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect(await readKeyFile(file)).toEqual({ keys })
  })

  it('is replaced in one step and leaves no draft behind', async () => {
    await writeKeyFile(file, { keys }, { onlyNew: true })
    const second = [...keys, await newKey('EdDSA')]
    await writeKeyFile(file, { keys: second }, { onlyNew: false })
    expect((await readKeyFile(file)).keys).toEqual(second)
    expect(await readdir(folder)).toEqual(['idp.json'])
  })

  it('that is there already is not replaced by a new one', async () => {
    await writeKeyFile(file, { keys }, { onlyNew: true })
    const before = await readFile(file, 'utf8')
    await expect(writeKeyFile(file, { keys: [await newKey()] }, { onlyNew: true })).rejects.toThrow('exists already')
    expect(await readFile(file, 'utf8')).toBe(before)
    expect(await readdir(folder)).toEqual(['idp.json'])
  })

  it('is changed in one step, and stays as it is when the change is refused', async () => {
    await writeKeyFile(file, { keys }, { onlyNew: true })
    const added = await newKey('EdDSA')
    const change = await changeKeyFile(file, async (before) => ({ keys: [...before, added], said: before.length }))
    expect(change.said).toBe(1)
    expect(await readKeyFile(file)).toEqual({ keys: [...keys, added] })
    expect((await readSigningKeyFile(file)).keys.map(({ kid }) => kid)).toEqual([keys[0]?.kid, added.kid])
    await expect(changeKeyFile(file, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect((await readKeyFile(file)).keys).toHaveLength(2)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['idp.json'])
  })

  it('is changed by one at a time: of two who begin together, the second is refused and overwrites nothing', async () => {
    await writeKeyFile(file, { keys }, { onlyNew: true })
    const second = await newKey()
    await changeKeyFile(file, async (before) => {
      await expect(changeKeyFile(file, async () => ({ keys: [second] }))).rejects.toMatchObject({
        fact: 'is being changed by another command',
        remedy: expect.stringContaining(`rm ${join(folder, '.idp.json.next')}`),
      })
      return { keys: before }
    })
    expect(await readKeyFile(file)).toEqual({ keys })
    await changeKeyFile(file, async () => ({ keys: [second] }))
    expect(await readKeyFile(file)).toEqual({ keys: [second] })
  })

  it('that is missing cannot be changed, and nothing is made in its place', async () => {
    await expect(changeKeyFile(file, async (before) => ({ keys: before }))).rejects.toThrow('does not exist')
    await mkdir(folder)
    await expect(changeKeyFile(file, async (before) => ({ keys: before }))).rejects.toThrow('does not exist')
    expect(await readdir(folder)).toEqual([])
  })

  it.each([0o640, 0o604, 0o620, 0o602, 0o644])(
    'of mode %o is refused, because others may touch it [ATK-137]',
    async (mode) => {
      await writeKeyFile(file, { keys }, { onlyNew: true })
      await chmod(file, mode)
      await expect(readKeyFile(file)).rejects.toMatchObject({ name: 'KeyFileError', remedy: `chmod 600 ${file}` })
      await chmod(file, 0o400)
      expect(await readKeyFile(file)).toEqual({ keys })
    },
  )

  it('that is a link out of its folder is refused, and a link inside it is not [ATK-137]', async () => {
    const elsewhere = join(top, 'elsewhere.json')
    await writeKeyFile(elsewhere, { keys }, { onlyNew: false })
    await mkdir(folder)
    await symlink(elsewhere, file)
    await expect(readKeyFile(file)).rejects.toThrow('is a link to a file outside its folder')
    await writeKeyFile(join(folder, 'real.json'), { keys }, { onlyNew: true })
    await symlink('real.json', join(folder, 'near.json'))
    expect(await readKeyFile(join(folder, 'near.json'))).toEqual({ keys })
  })

  it.each([
    ['nothing', '', 'is empty'],
    ['a PEM key', '-----BEGIN PRIVATE KEY-----\n', 'is a PEM file'],
    ['a compact JWE', 'eyJhbGciOiJkaXIifQ..aa.bb.cc', 'is encrypted'],
    ['a JSON JWE', '{"protected":"e30","ciphertext":"aa"}', 'is encrypted'],
    ['one bare key', '{"kty":"EC","d":"aa"}', 'is a single key and no set'],
    ['something else', '{"hello":1}', 'is not a JWK Set'],
    ['a list of nothing', '{"keys":[null]}', 'is not a JWK Set'],
    ['no JSON', 'hello', 'is not JSON'],
    ['an empty set', '{"keys":[]}', 'holds no key'],
    ['a key without algorithm', '{"keys":[{"kty":"EC","d":"aa"}]}', 'has no alg of'],
    ['a public key', '{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","x":"a","y":"b"}]}', 'has no private part'],
    [
      'a broken key',
      '{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","x":"a","y":"b","d":"c"}]}',
      'holds a key that is no valid ES256 key',
    ],
    ['a very long text', 'x'.repeat(300_000), 'is larger than 262144 bytes'],
  ])('that holds %s is refused with a sentence [ATK-137]', async (_, text, words) => {
    await mkdir(folder)
    await writeFile(file, text, { mode: 0o600 })
    await expect(readKeyFile(file)).rejects.toThrow(`${file} ${words}`)
  })

  it('that is missing, a folder or a pipe is refused and not waited for', async () => {
    await expect(readKeyFile(file)).rejects.toMatchObject({
      fact: 'does not exist',
      remedy: `make it: xaa keys make ${file}`,
    })
    await mkdir(file, { recursive: true, mode: 0o700 })
    await expect(readKeyFile(file)).rejects.toThrow('is not a file')
    const pipe = join(folder, 'pipe')
    await promisify(execFile)('mkfifo', ['-m', '600', pipe])
    await expect(readKeyFile(pipe)).rejects.toThrow('is not a file')
  })
})
