import { chmod } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { run } from '../../src/cli/serve.ts'
import { changed, environment, example, exampleFolder, type Folder } from '../server/example.ts'
import { printed } from './printed.ts'
import { serve } from './serve-process.ts'

let folder: Folder
beforeAll(async () => {
  folder = await exampleFolder()
})
afterAll(() => folder.remove())

/** The exit code and the report of the real command. */
async function started(config: object, variables: NodeJS.ProcessEnv = {}, args: string[] = []) {
  const { ended, output } = serve(['--config', await folder.write(config), ...args], variables)
  return { code: (await ended)[0], said: output.stderr.replace(/ +/g, ' ') }
}

/** Whether only judging the file finds it right. */
async function accepted(config: object, variables: NodeJS.ProcessEnv = {}, args: string[] = []): Promise<boolean> {
  const io = printed({ ...environment, ...variables })
  return (await run(['--check', '--config', await folder.write(config), ...args], io)) === 0
}

it('a store address that is none is refused, with the setting and the forms there are', async () => {
  const { code, said } = await started(example, { XAA_STORE: 'redis//cache' })
  expect(code).toBe(1)
  expect(said).toContain('store is not a store XAA_STORE, found "redis//cache"')
  expect(said).toContain('there are memory, lmdb, { lmdb: PATH }, redis://…')
  expect(await accepted(example, { XAA_STORE: 'redis://cache' })).toBe(true)
})

it('a store that is not there is refused, with the setting and the address', async () => {
  const free = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => free.once('listening', resolve))
  const address = `redis://127.0.0.1:${(free.address() as AddressInfo).port}`
  await new Promise((resolve) => free.close(resolve))
  const { code, said } = await started(example, { XAA_STORE: address })
  expect(code).toBe(1)
  // Warnings of the start come before it.
  expect(said.trimEnd().split('\n').at(-1)).toBe(
    `xaa serve: store: ${address} cannot be used: ECONNREFUSED. Check the address and the server.`,
  )
})

it('a key file that others may read is refused, with its setting and the remedy', async () => {
  const key = join(folder.path, 'idp.json')
  await chmod(key, 0o644)
  const { code, said } = await started(example)
  await chmod(key, 0o600)
  expect(code).toBe(1)
  expect(said).toMatch(/ idp\.keys [^\n]*idp\.json/)
  expect(said).toContain('chmod 600')
  expect(await accepted(example)).toBe(true)
})

it.each([
  ['--workers', {}, ['--workers', '3']],
  ['the variable XAA_WORKERS', { XAA_WORKERS: '3' }, []],
])('memory for three workers is refused, with the setting and the remedy: by %s', async (_, variables, args) => {
  const { code, said } = await started({ ...example, store: 'memory' }, variables, args)
  expect(code).toBe(1)
  expect(said).toContain('1 problem.')
  expect(said).toMatch(
    / store memory would let each of 3 workers accept the same token xaa\.yaml:\d+, set store to lmdb/,
  )
  expect(await accepted({ ...example, store: 'memory' }, {}, ['--workers', '1'])).toBe(true)
  expect(await accepted(example, variables, args)).toBe(true)
})

it('memory for several machines is refused, with the setting and the remedy', async () => {
  const { code, said } = await started({ ...example, store: 'memory', instances: 2 })
  expect(code).toBe(1)
  expect(said).toContain('store memory would let each of 2 instances accept the same token xaa.yaml:')
  expect(said).toContain('set store to redis://…')
})

it('a store of one machine is refused for several, and Redis is accepted', async () => {
  for (const store of [undefined, 'lmdb', { lmdb: 'here' }]) {
    const config = changed('store', store, { ...example, store: 'lmdb', instances: 2 })
    expect(await accepted(config)).toBe(false)
    expect(await accepted({ ...config, instances: 1, workers: 2 })).toBe(true)
  }
  expect(await accepted({ ...example, instances: 2, store: 'redis://cache' })).toBe(true)
  const { code, said } = await started(example, { XAA_INSTANCES: '2' })
  expect(code).toBe(1)
  expect(said).toContain('store lmdb is of one machine, and instances is 2')
  expect(said).toContain('set store to redis://…; or, on one machine, instances to 1 and workers to their number')
})
