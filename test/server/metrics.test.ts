/** The metrics of `xaa serve` as Prometheus reads them: what they count, that the audit says the same, and that nothing of a caller is in them. */

import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { reasons } from '../../src/protocol/reasons.ts'
import { type ReadFamily, readExposition, seriesValue } from '../fixture/exposition.ts'
import { rawRequest } from '../fixture/raw-request.ts'
import { type Deployment, deploy } from './deployment.ts'
import { environment } from './example.ts'

let world: Deployment
beforeAll(async () => {
  world = await deploy(1, { more: { metrics: { listen: '127.0.0.1:0' } } })
})
afterAll(async () => await world.close())

async function scraped(): Promise<Map<string, ReadFamily>> {
  const response = await fetch(world.metrics)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return readExposition(await response.text())
}

const assertion = async () => (await world.exchange(0, await world.idToken())).body.access_token

/** The four words of every event that the audit kept, each with how often. */
function decided(): [string, number][] {
  const counted = new Map<string, number>()
  for (const line of world.audit) {
    const { role, action, outcome, reason } = JSON.parse(line)
    if (outcome === undefined) continue
    const words = `${role} ${action} ${outcome} ${reason}`
    counted.set(words, (counted.get(words) ?? 0) + 1)
  }
  return [...counted].sort()
}

function decisions(families: Map<string, ReadFamily>): [string, number][] {
  const samples = families.get('xaa_decisions_total')?.samples ?? []
  const lines = samples.map(({ labels: { role, action, outcome, reason }, value }): [string, number] => [
    `${role} ${action} ${outcome} ${reason}`,
    value,
  ])
  return lines.sort()
}

describe('metrics', () => {
  it('count granted and refused requests by role, action, outcome and reason, and time them', async () => {
    const jag = await assertion()
    expect((await world.redeem(0, jag)).status).toBe(200)
    expect((await world.redeem(0, jag)).status).toBe(400)
    expect((await world.exchange(0, 'no.token.atall')).status).toBe(400)
    const text = await (await fetch(world.metrics)).text()
    for (const line of [
      '# TYPE xaa_decisions_total counter',
      'xaa_decisions_total{role="idp",action="exchange",outcome="granted",reason="granted"} 1',
      'xaa_decisions_total{role="resource-as",action="redeem",outcome="granted",reason="granted"} 1',
      'xaa_decisions_total{role="resource-as",action="redeem",outcome="refused",reason="replay"} 1',
      '# TYPE xaa_request_duration_seconds histogram',
      'xaa_request_duration_seconds_count{role="idp",endpoint="token",outcome="granted"} 1',
      'xaa_request_duration_seconds_count{role="idp",endpoint="token",outcome="refused"} 1',
      'xaa_request_duration_seconds_count{role="resource-as",endpoint="token",outcome="granted"} 1',
      'xaa_request_duration_seconds_bucket{le="+Inf",role="resource-as",endpoint="token",outcome="refused"} 1',
      'xaa_single_use_duration_seconds_count{outcome="spent"} 1',
      'xaa_single_use_duration_seconds_count{outcome="replayed"} 1',
      'xaa_spent_ids 1',
      'xaa_key_set_fetches_total{role="idp",outcome="fetched"} 1',
      'xaa_key_set_fetches_total{role="resource-as",outcome="fetched"} 1',
      'xaa_audit_waiting 0',
      'xaa_requests_in_progress 0',
      'xaa_ready 1',
    ])
      expect(text.split('\n')).toContain(line)
  })

  it('hold what the process itself costs', async () => {
    const families = await scraped()
    expect(seriesValue(families, 'process_cpu_seconds_total')).toBeGreaterThan(0)
    expect(seriesValue(families, 'process_resident_memory_bytes')).toBeGreaterThan(1e6)
    expect(families.get('nodejs_eventloop_lag_p99_seconds')?.type).toBe('gauge')
    expect(families.get('nodejs_gc_duration_seconds')?.type).toBe('histogram')
  })

  it('and the audit say the same', async () => {
    const token = (await world.redeem(0, await assertion())).body.access_token
    await world.introspect(0, token)
    await world.revoke(0, token)
    await world.admin(0, 'GET', '/blocks', { token: 'wrong' })
    await world.exchange(0, await world.idToken(), 'nothing')
    expect(decisions(await scraped())).toEqual(decided())
  })

  it('count what is answered before any endpoint, which stands in no audit', async () => {
    const before = world.audit.length
    await fetch(`${world.idp}/nowhere`)
    await fetch(`${world.chat}/%c0%af`)
    await rawRequest(Number(new URL(world.idp).port), ['NONSENSE'])
    const families = await scraped()
    const turnedAway = (role: string, reason: string) =>
      seriesValue(families, 'xaa_requests_turned_away_total', { role, reason })
    expect([turnedAway('idp', 'nowhere'), turnedAway('idp', 'broken'), turnedAway('idp', 'too_many')]).toEqual([
      1, 1, 0,
    ])
    expect(turnedAway('resource-as', 'broken')).toBe(1)
    expect(world.audit).toHaveLength(before)
  })

  it('are at one address of their own listener, and at no other', async () => {
    for (const origin of [world.idp, world.chat]) expect((await fetch(`${origin}/metrics`)).status).toBe(404)
    expect((await fetch(`${world.addresses[0]?.admin}/metrics`)).status).toBe(401)
    expect((await fetch(world.metrics.replace('/metrics', '/'))).status).toBe(404)
    expect((await fetch(world.metrics, { method: 'POST' })).status).toBe(404)
    const answer = await fetch(world.metrics)
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
  })
})

describe('whatever a caller sends', () => {
  const mark = () => `mark${randomBytes(6).toString('hex')}`

  /** Requests that put something new wherever something can be put. */
  async function attack(): Promise<void> {
    const of = (): { [name: string]: string } =>
      Object.fromEntries(
        ['grant_type', 'audience', 'scope', 'resource', 'assertion', 'subject_token', 'client_id', 'client_secret'].map(
          (name) => [name, mark()],
        ),
      )
    const send = async (url: string, init: RequestInit = {}) => {
      const headers = { authorization: `Basic ${btoa(`${mark()}:${mark()}`)}`, dpop: mark(), [mark()]: mark() }
      await fetch(url, { method: 'POST', body: new URLSearchParams(of()), headers, ...init })
    }
    await send(`${world.idp}/token`)
    await send(`${world.idp}/token`, { headers: {} })
    await send(`${world.idp}/token?${mark()}=${mark()}`)
    await send(`${world.idp}/${mark()}`)
    await send(`${world.chat}/token`)
    await send(`${world.chat}/introspect`)
    await send(`${world.chat}/revoke`)
    await send(`${world.chat}/token`, { body: mark(), headers: { 'content-type': mark() } })
    await world.exchange(0, `eyJ${mark()}.${mark()}.${mark()}`)
    await world.exchange(0, await world.idToken({ iss: `https://${mark()}.example` }))
    await world.exchange(0, await world.idToken({ sub: mark(), [mark()]: mark() }), mark())
    await world.redeem(0, `${await assertion()}${mark()}`)
    await world.admin(0, 'GET', `/${mark()}`, { token: mark() })
  }
  const seriesOf = (families: Map<string, ReadFamily>) =>
    [...families].filter(([name]) => name.startsWith('xaa_')).flatMap(([, { samples }]) => samples)

  it('[ATK-136] nothing of it, and no token or secret, is in the metrics', async () => {
    await attack()
    const text = await (await fetch(world.metrics)).text()
    expect(text).toContain('reason="client_unauthenticated"')
    for (const secret of ['mark', 'eyJ', 'alice', 'assistant', ...Object.values(environment)])
      expect(text).not.toContain(secret)
  })

  it('labels are words of closed lists, and there are no more series after it than before', async () => {
    await attack()
    const before = seriesOf(await scraped()).length
    for (let round = 0; round < 4; round++) await attack()
    const after = seriesOf(await scraped())
    expect(after).toHaveLength(before)
    const words: { [label: string]: readonly string[] } = {
      role: ['idp', 'resource-as', 'admin', 'metrics'],
      action: ['exchange', 'redeem', 'introspect', 'revoke', 'admin'],
      endpoint: ['token', 'introspect', 'revoke'],
      outcome: ['granted', 'refused', 'failed', 'spent', 'replayed', 'full', 'fetched', ...reasons],
      reason: [...reasons, 'too_many', 'broken', 'nowhere'],
      call: ['once', 'count', 'records', 'check'],
    }
    for (const { labels } of after)
      for (const [name, value] of Object.entries(labels)) if (name !== 'le') expect(words[name]).toContain(value)
  })
})
