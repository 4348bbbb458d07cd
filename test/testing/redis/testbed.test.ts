/** The test bed on a Redis: instances that share nothing else, and what stays in the Redis afterwards. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type RedisServer, redisServer } from '../../store/redis/redis-server.ts'
import { idJag, redeemAt, spawnTestbed, startTestbed } from '../testbed-process.ts'

let folder = ''
let redis: RedisServer
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xaa-testbed-'))
  redis = await redisServer()
})
afterAll(async () => {
  await redis.remove()
  await rm(folder, { recursive: true, force: true })
})

it('--store redis://… --instances 2 redeems an ID-JAG once, and leaves only keys of its own', {
  timeout: 180_000,
}, async () => {
  const { bed, child, ended } = await startTestbed(join(folder, 'redis.json'), [
    ...['--store', redis.address, '--instances', '2'],
  ])
  try {
    const [first = '', second = ''] = bed.resourceAs.find(({ name }) => name === 'chat')?.tokenEndpoints ?? []
    const assertion = await idJag(bed)
    expect((await redeemAt(bed, second, assertion)).status).toBe(200)
    for (const endpoint of [first, second])
      expect((await redeemAt(bed, endpoint, assertion)).body).toMatchObject({ error: 'invalid_grant' })
    expect((await redeemAt(bed, first, await idJag(bed))).status).toBe(200)
  } finally {
    child.kill('SIGTERM')
  }
  expect(await ended).toEqual([0, null])
  const keys = (await redis.ask('KEYS', '*')) as string[]
  expect(keys.length).toBeGreaterThan(0)
  expect(keys.filter((key) => !key.startsWith('{xaa'))).toEqual([])
})

it('a Redis that forgets is refused with its setting, at once', { timeout: 60_000 }, async () => {
  await redis.ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
  const { said, ended } = spawnTestbed(['--out', join(folder, 'never.json'), '--store', redis.address])
  expect(await ended).toEqual([1, null])
  expect(said()).toBe(
    'xaa testbed: store: Redis forgets keys when its memory is full (maxmemory-policy allkeys-lru). Run CONFIG SET maxmemory-policy noeviction, and set it in redis.conf.\n',
  )
  await redis.ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
})
