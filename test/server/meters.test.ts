/** The meters of a process one by one: what each counts when things go wrong, and that it changes nothing of what it measures. */

import fastify, { type FastifyPluginAsync } from 'fastify'
import { expect, it } from 'vitest'
import type { Awaitable } from '../../src/protocol/awaitable.ts'
import type { AuditEvent } from '../../src/protocol/ports.ts'
import { countedAudit } from '../../src/server/metrics/counted-audit.ts'
import { expositionOf } from '../../src/server/metrics/exposition.ts'
import { durations, type Readable } from '../../src/server/metrics/families.ts'
import { newMetering } from '../../src/server/metrics/metering.ts'
import { metricsPlugin } from '../../src/server/metrics/metrics-app.ts'
import { timedRequests } from '../../src/server/metrics/timed-requests.ts'
import { timedStore } from '../../src/server/metrics/timed-store.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { ConflictError, type Store, StoreFullError, StoreUnavailableError } from '../../src/store/store.ts'
import { certificateNamed } from '../fixture/certificates.ts'
import { readExposition, seriesValue } from '../fixture/exposition.ts'
import { auditEvent } from './audit-event.ts'

async function read(metrics: readonly Readable[]) {
  const all = await Promise.all(metrics.map((one) => one.read()))
  return readExposition((await expositionOf([{ metrics: all }])).text)
}

it('an event is counted when it is kept, one that is not kept is counted as that, and one that waits is seen waiting', async () => {
  const kept: AuditEvent[] = []
  let fails = false
  let go = () => {}
  const { audit, metrics } = countedAudit({
    async record(event) {
      if (fails) throw new Error('the disk is full')
      kept.push(event)
      await new Promise<void>((resolve) => {
        go = resolve
      })
    },
    async close() {},
  })
  const recorded = audit.record(auditEvent())
  const waiting = await read(metrics)
  expect(seriesValue(waiting, 'xaa_audit_waiting')).toBe(1)
  expect(waiting.get('xaa_decisions_total')?.samples).toEqual([])
  go()
  await recorded
  fails = true
  await expect(audit.record(auditEvent({ outcome: 'refused', reason: 'replay' }))).rejects.toThrow('the disk is full')
  const families = await read(metrics)
  expect(seriesValue(families, 'xaa_audit_waiting')).toBe(0)
  expect(seriesValue(families, 'xaa_audit_failures_total')).toBe(1)
  expect(families.get('xaa_decisions_total')?.samples.map(({ value }) => value)).toEqual([kept.length])
})

it('a store is timed by what it says, its failures are counted by call, and its answers and errors are its own', async () => {
  let time = 0
  const inner = memoryStore({ now: () => 1000 })
  let failure: Error | undefined
  const or = async <Answer>(answer: () => Awaitable<Answer>) => {
    time += 3
    if (failure !== undefined) throw failure
    return await answer()
  }
  const unwell: Store = {
    ...inner,
    once: (key, until) => or(() => inner.once(key, until)),
    count: (key, window) => or(() => inner.count(key, window)),
    countOf: (key) => or(() => inner.countOf(key)),
    check: () => or(() => inner.check()),
    records: { ...inner.records, revision: () => or(() => inner.records.revision()) },
  }
  const { store, metrics } = timedStore(unwell, () => time)
  expect([await store.once('a', 2000), await store.once('a', 2000)]).toEqual([true, false])
  expect(await store.count('c', 60)).toEqual(await store.countOf('c'))
  await store.check()
  expect([await store.records.revision(), store.fence()]).toEqual([0, 1030])
  const change = { kind: 'k', id: 'i', expected: 7, value: {} }
  await expect(store.records.change([change])).rejects.toThrow(ConflictError)

  failure = new StoreFullError('full')
  await expect(async () => await store.once('b', 2000)).rejects.toBe(failure)
  failure = new StoreUnavailableError('down')
  for (const call of [store.once('b', 2000), store.count('c', 60), store.countOf('c'), store.check()])
    await expect(call).rejects.toBe(failure)
  await expect(store.records.revision()).rejects.toBe(failure)

  const families = await read(metrics)
  for (const outcome of ['spent', 'replayed', 'full', 'failed'])
    expect(seriesValue(families, 'xaa_single_use_duration_seconds_count', { outcome })).toBe(1)
  expect(seriesValue(families, 'xaa_single_use_duration_seconds_sum', { outcome: 'spent' })).toBeCloseTo(0.003)
  expect(seriesValue(families, 'xaa_single_use_duration_seconds_bucket', { outcome: 'spent', le: '0.002' })).toBe(0)
  expect(seriesValue(families, 'xaa_single_use_duration_seconds_bucket', { outcome: 'spent', le: '0.005' })).toBe(1)
  const failed = (call: string) => seriesValue(families, 'xaa_store_failures_total', { call })
  expect(['once', 'count', 'records', 'check'].map(failed)).toEqual([2, 2, 1, 1])
  expect(seriesValue(families, 'xaa_spent_ids')).toBe(1)
})

it('a store that need not wait is timed as one that must', async () => {
  let time = 0
  const inner = memoryStore({ now: () => ++time, maxEntries: 1 })
  const { store, metrics } = timedStore(inner, () => ++time)
  expect([await store.once('a', 2000), await store.once('a', 2000)]).toEqual([true, false])
  await expect(async () => await store.once('b', 2000)).rejects.toThrow(StoreFullError)
  const families = await read(metrics)
  for (const outcome of ['spent', 'replayed', 'full']) {
    expect(seriesValue(families, 'xaa_single_use_duration_seconds_count', { outcome })).toBe(1)
    expect(seriesValue(families, 'xaa_single_use_duration_seconds_sum', { outcome })).toBeCloseTo(0.002)
  }
  expect(seriesValue(families, 'xaa_store_failures_total', { call: 'once' })).toBe(1)
})

it('a store that cannot tell how much it holds hides nothing else', async () => {
  const { spentIds: _, ...silent } = memoryStore({ now: () => 1000 })
  const broken = () => {
    throw new Error('the store is closed')
  }
  for (const store of [silent, { ...silent, spentIds: broken }])
    expect((await read(timedStore(store, () => 0).metrics)).get('xaa_spent_ids')?.samples).toEqual([])
})

it('a duration on a bound is within it, and one beyond every bound is counted, too', () => {
  const family = durations('d', 'of something', [0.1, 1])
  for (const milliseconds of [100, 1000, 5000]) family.of({}).observe(milliseconds)
  expect(family.read().values.map(({ value }) => value)).toEqual([1, 2, 3, 6.1, 3])
})

it('requests are timed at endpoints alone, by outcome, and a body that is not read is not timed', async () => {
  let time = 1
  const family = durations('d', 'of requests')
  const app = fastify({ bodyLimit: 10 })
  const plugin: FastifyPluginAsync = async (scope) => {
    for (const path of ['/token', '/jwks'])
      scope.post(path, async (request, reply) => {
        time += 40
        return await reply.code(Number(request.body)).send()
      })
  }
  await app.register(timedRequests(plugin, { role: 'idp', family, clock: () => time }))
  const post = async (path: string, body: string) => {
    const answer = await app.inject({ method: 'POST', url: path, body, headers: { 'content-type': 'text/plain' } })
    return answer.statusCode
  }
  for (const status of [200, 302, 400, 429, 500, 503]) expect(await post('/token', String(status))).toBe(status)
  expect(await post('/token', '2'.repeat(11))).toBe(413)
  expect(await post('/jwks', '200')).toBe(200)
  const count = family.read().values.filter(({ metricName }) => metricName === 'd_count')
  expect(count.map(({ labels, value }) => [labels.endpoint, labels.outcome, value])).toEqual([
    ['token', 'granted', 2],
    ['token', 'refused', 2],
    ['token', 'failed', 2],
  ])
  await app.close()
})

it('a process tells when its certificate ends, why keys could not be fetched, since when its key signs, and that it is not ready', async () => {
  const metering = newMetering(() => 0)
  const { cert, x509 } = certificateNamed('server')
  metering.certificateOf('idp')({ cert })
  const fetched = metering.keysFetched('resource-as')
  fetched()
  fetched('jwks_unavailable')
  metering.watch({
    readiness: { failing: async () => [{ name: 'store', since: 1 }] },
    requestsInProgress: () => 3,
    policyRevision: () => 12,
    roles: [
      { role: 'idp', signingKeys: { signingSince: () => 1_800_000_000 } },
      { role: 'resourceAs', signingKeys: { signingSince: () => undefined } },
    ],
  })
  const families = readExposition((await expositionOf([{ metrics: await metering.read() }])).text)
  const expiry = seriesValue(families, 'xaa_certificate_expiry_timestamp_seconds', { role: 'idp' })
  expect(expiry).toBe(Date.parse(x509.validTo) / 1000)
  for (const outcome of ['fetched', 'jwks_unavailable'])
    expect(seriesValue(families, 'xaa_key_set_fetches_total', { role: 'resource-as', outcome })).toBe(1)
  expect(families.get('xaa_signing_key_start_timestamp_seconds')?.samples).toEqual([
    { name: 'xaa_signing_key_start_timestamp_seconds', labels: { role: 'idp' }, value: 1_800_000_000 },
  ])
  expect([seriesValue(families, 'xaa_ready'), seriesValue(families, 'xaa_requests_in_progress')]).toEqual([0, 3])
  expect(seriesValue(families, 'xaa_policy_revision')).toBe(12)
})

it('each worker has series of its own', async () => {
  const [one, two] = [durations('d', 'of something', [1]), durations('d', 'of something', [1])]
  for (const family of [one, two]) family.of({ outcome: 'granted' }).observe(5)
  const readings = [one, two].map((family, at) => ({ worker: at + 1, metrics: [family.read()] }))
  const families = readExposition((await expositionOf(readings)).text)
  for (const worker of ['1', '2'])
    expect(seriesValue(families, 'd_bucket', { le: '1', outcome: 'granted', worker })).toBe(1)
})

it('metrics are for whoever has the token, where there is one, and ten readers at once cost as much as one', async () => {
  const token = 'metrics-token-0123456789-0123456789-01'
  let readings = 0
  const app = fastify()
  const read = async () => {
    readings += 1
    return []
  }
  await app.register(metricsPlugin(token, read))
  const get = async (authorization?: string) =>
    await app.inject({ url: '/metrics', ...(authorization === undefined ? {} : { headers: { authorization } }) })
  for (const wrong of [undefined, 'Bearer', `Bearer ${token}x`, `Basic ${token}`, `Bearer ${token} ${token}`]) {
    const answer = await get(wrong)
    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer realm="metrics"'])
    expect(answer.body).not.toContain(token)
  }
  expect(readings).toBe(0)
  const answers = await Promise.all(Array.from({ length: 10 }, () => get(`Bearer ${token}`)))
  expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(10).fill(200))
  expect(readings).toBe(1)
  expect((await get(`Bearer ${token}`)).statusCode).toBe(200)
  expect(readings).toBe(2)
  await app.close()
})
