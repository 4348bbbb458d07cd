import type { ChildProcess } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lmdbStore } from '../../src/store/lmdb.ts'
import { expectNoneForgotten, expectOneWinner, racer } from './processes.ts'

let folder: string
let clock: number
const children: ChildProcess[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xaa-lmdb-'))
  clock = 1_800_000_000
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(folder, { recursive: true })
})
const open = (change: { directory?: string; maxEntries?: number } = {}) =>
  lmdbStore({ directory: join(folder, 'state'), now: () => clock, skew: 30, ...change })

describe('the embedded store', () => {
  it('lets one of several processes win each id, and forgets none when one of them is killed', async () => {
    const directory = join(folder, 'state')
    for (let at = 0; at < 3; at++) children.push(await racer(directory))
    for (let round = 0; round < 5; round++)
      await expectOneWinner(
        children,
        Array.from({ length: 200 }, (_, at) => `race-${round}-${at}`),
      )
    const [victim] = children
    if (victim === undefined) throw new Error('no process')
    clock = Date.now() / 1000
    expect(await expectNoneForgotten(victim, 'killed', open)).toBeGreaterThanOrEqual(200)
    await expectOneWinner(children.slice(1), ['after the kill'])
  })

  it('knows nothing of before its making, and everything since, also after a restart', async () => {
    const first = await open()
    expect(first.fence()).toBe(1_800_000_030)
    await first.once('a', clock + 600)
    const version = await first.records.change([{ kind: 'block', id: 'mallory', expected: 0, value: { by: 'admin' } }])
    await first.close()
    clock += 300
    const second = await open()
    expect(second.fence()).toBe(1_800_000_030)
    expect(await second.once('a', clock + 600)).toBe(false)
    expect(await second.records.get('block', 'mallory')).toEqual({ id: 'mallory', version, value: { by: 'admin' } })
    expect(await second.records.revision()).toBe(version)
    await second.close()
  })

  it('[ATK-065] refuses when it is full, and never forgets what is still of use', async () => {
    const store = await open({ maxEntries: 50 })
    for (let id = 0; id < 50; id++) await store.once(`k${id}`, id < 10 ? clock + 31 : clock + 600)
    await expect(async () => await store.once('more', clock + 600)).rejects.toMatchObject({ name: 'StoreFullError' })
    expect(await store.once('k0', clock + 600)).toBe(false)
    clock += 31
    // What has ended is forgotten in the background.
    await expect
      .poll(() => Promise.resolve(store.once('more', clock + 600)).catch(({ name }: Error) => name))
      .toBe(true)
    for (let id = 10; id < 50; id++) expect(await store.once(`k${id}`, clock + 600)).toBe(false)
    await store.close()
  })

  it('makes its directory for its owner alone, and uses none that others may read', async () => {
    const store = await open()
    expect((await stat(join(folder, 'state'))).mode & 0o777).toBe(0o700)
    await store.close()
    const directory = join(folder, 'open')
    await mkdir(directory)
    await chmod(directory, 0o755)
    await expect(open({ directory })).rejects.toMatchObject({
      name: 'StoreUnsafeError',
      message: `store: others may read the directory ${directory}. Run chmod 700 ${directory}.`,
    })
    await chmod(directory, 0o700)
    await (await open({ directory })).close()
  })

  it('says which directory cannot be used', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(open({ directory: join(folder, 'file', 'state') })).rejects.toThrow(/cannot be used \(ENOTDIR\)/)
  })
})
