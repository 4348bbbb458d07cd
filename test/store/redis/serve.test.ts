import { afterAll, beforeAll, expect, it } from 'vitest'
import { serve } from '../../cli/serve-process.ts'
import { changed, exampleFolder, type Folder } from '../../server/example.ts'
import { type RedisServer, redisServer } from './redis-server.ts'

let folder: Folder
let redis: RedisServer
beforeAll(async () => {
  folder = await exampleFolder()
  redis = await redisServer()
})
afterAll(async () => {
  await redis.remove()
  await folder.remove()
})

it('xaa serve does not start on a Redis that evicts, and says what to set; it starts when that is done', async () => {
  const config = changed('resourceAs', undefined, changed('idp.listen', '127.0.0.1:0'))
  const args = ['--config', await folder.write({ ...config, store: redis.address })]
  await redis.ask('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
  const refused = serve(args)
  expect(await refused.ended).toEqual([1, null])
  // Warnings of the start come before it.
  expect(refused.output.stderr).toContain(
    'xaa serve: store: Redis forgets keys when its memory is full (maxmemory-policy allkeys-lru). Run CONFIG SET maxmemory-policy noeviction, and set it in redis.conf.\n',
  )
  await redis.ask('CONFIG', 'SET', 'maxmemory-policy', 'noeviction')
  const started = serve(args)
  const [, address] = await started.said(/listens +(\S+)[\s\S]*store +redis:/)
  const ready = await fetch(`${address}/health/ready`)
  expect([ready.status, await ready.json()]).toEqual([200, { ready: true }])
  await redis.kill()
  let answer: { ready: boolean; failing?: { name: string }[] } = { ready: true }
  while (answer.ready) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    answer = (await (await fetch(`${address}/health/ready`)).json()) as typeof answer
  }
  expect(answer.failing?.map(({ name }) => name)).toContain('store')
  started.child.kill('SIGINT')
  expect(await started.ended).toEqual([0, null])
  expect(started.output.stderr).toContain('not ready: store: ')
}, 60_000)
