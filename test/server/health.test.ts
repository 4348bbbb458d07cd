import fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { healthRoutes, type ReadinessCondition, readinessOf } from '../../src/server/health.ts'

/** A condition that a test breaks by giving it a fault. */
function condition(name: string) {
  const one = {
    name,
    fault: undefined as string | undefined,
    asked: 0,
    async check() {
      one.asked += 1
      if (one.fault !== undefined) throw new Error(one.fault)
    },
  }
  return one
}

function watched(...conditions: ReadinessCondition[]) {
  const clock = { at: 1000 }
  const warnings: string[] = []
  const readiness = readinessOf({ conditions, now: () => clock.at, warn: (message) => warnings.push(message) })
  return { clock, warnings, readiness }
}

describe('readiness', () => {
  it('names what does not hold and since when, and tells the log why, once', async () => {
    const [store, audit] = [condition('store'), condition('audit')]
    const { clock, warnings, readiness } = watched(store, audit)
    expect(await readiness.failing()).toEqual([])
    store.fault = 'no answer from redis://user:word@cache'
    clock.at = 1010
    expect(await readiness.failing()).toEqual([{ name: 'store', since: 1010 }])
    clock.at = 1020
    expect(await readiness.failing()).toEqual([{ name: 'store', since: 1010 }])
    expect(warnings).toEqual(['not ready: store: no answer from redis://user:word@cache'])
    store.fault = undefined
    clock.at = 1030
    expect(await readiness.failing()).toEqual([])
    expect(warnings[1]).toBe('ready again: store')
  })

  it('checks a condition at most once a second, however often it is asked, and again when the clock is set back', async () => {
    const store = condition('store')
    const { clock, readiness } = watched(store)
    await Promise.all(Array.from({ length: 100 }, () => readiness.failing()))
    clock.at += 0.9
    await readiness.failing()
    expect(store.asked).toBe(1)
    clock.at += 0.1
    await readiness.failing()
    expect(store.asked).toBe(2)
    clock.at -= 3600
    await readiness.failing()
    expect(store.asked).toBe(3)
  })

  it('takes a condition that does not answer for one that does not hold, and does not ask it a second time meanwhile', async () => {
    let answer = () => {}
    let asked = 0
    const check = () =>
      new Promise<void>((resolve) => {
        asked += 1
        answer = resolve
      })
    const { clock, warnings, readiness } = watched({ name: 'store', check })
    expect(await readiness.failing()).toEqual([{ name: 'store', since: 1000 }])
    clock.at = 1005
    expect(await readiness.failing()).toEqual([{ name: 'store', since: 1000 }])
    expect(asked).toBe(1)
    expect(warnings).toEqual(['not ready: store: no answer within 300 ms'])
    answer()
    await new Promise((resolve) => setImmediate(resolve))
    clock.at = 1010
    const next = readiness.failing()
    answer()
    expect(await next).toEqual([])
    expect(asked).toBe(2)
  })

  it('ends for good when the process stops, whatever holds', async () => {
    const { clock, readiness } = watched(condition('store'))
    readiness.stop()
    clock.at = 1005
    readiness.stop()
    expect(await readiness.failing()).toEqual([{ name: 'stopping', since: 1000 }])
  })
})

describe('the health routes', () => {
  it('answer 200, or 503 with names and times and no word of the error', async () => {
    const store = condition('store')
    const { clock, readiness } = watched(store)
    const app = fastify()
    healthRoutes(app, readiness)
    const ready = await app.inject('/health/ready')
    expect([ready.statusCode, ready.json(), ready.headers['cache-control']]).toEqual([200, { ready: true }, 'no-store'])
    store.fault = 'no answer from redis://user:word@cache'
    clock.at = 1010
    const failing = await app.inject('/health/ready')
    expect([failing.statusCode, failing.headers['cache-control']]).toEqual([503, 'no-store'])
    expect(failing.json()).toEqual({ ready: false, failing: [{ name: 'store', since: '1970-01-01T00:16:50.000Z' }] })
    const live = await app.inject('/health/live')
    expect([live.statusCode, live.json(), live.headers['cache-control']]).toEqual([200, { live: true }, 'no-store'])
  })
})
