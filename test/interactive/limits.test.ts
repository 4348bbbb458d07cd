/** Limits on what anybody may ask of the code grant: whom they stop, and whom they leave alone. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, deploy, mcp, wiki } from './deployment.ts'

describe('the pages', () => {
  let chat: Deployment
  beforeAll(async () => {
    chat = await deploy({}, 1, { limits: { pagesPerMinute: 30 } })
  })
  afterAll(() => chat.close())

  it('beyond the limit of a sender are 429 with Retry-After, leave no record behind, and one event in the audit', async () => {
    expect((await chat.token(wiki)).status).toBe(200)
    const steps = async () => (await chat.store.records.list('interactive-interaction')).length
    const before = await steps()
    const flood = await Promise.all(
      Array.from({ length: 60 }, () => fetch(chat.authorize(wiki), { redirect: 'manual' })),
    )
    const refused = flood.filter(({ status }) => status === 429)
    expect(new Set(flood.map(({ status }) => status))).toEqual(new Set([303, 429]))
    expect(refused.length).toBeGreaterThan(20)
    for (const { headers } of refused) {
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    }
    expect(await refused[0]?.text()).toContain('too many pages were asked for from this address')
    const limited = chat.audit.filter(({ reason }) => reason === 'rate_limited')
    expect(limited).toHaveLength(refused.length)
    expect(limited[0]).toMatchObject({ action: 'consent', outcome: 'refused', error: 'temporarily_unavailable' })
    expect(await steps()).toBe(before + flood.length - refused.length)
  })

  it('of the sign-in are counted with them, and tokens are not', async () => {
    const page = await fetch(`${chat.issuer}/sign-in/unknown`)
    expect(page.status).toBe(429)
    expect(await page.text()).toContain('Not so fast')
    const answer = await chat.refresh(wiki, 'none-such')
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
  })
})

describe('the tokens of one client', () => {
  let chat: Deployment
  beforeAll(async () => {
    const registration = { scopes: ['chat.read'], resources: [mcp] }
    chat = await deploy({ interactive: { registration } }, 1, { limits: { requestsPerSecond: 1 } })
  })
  afterAll(() => chat.close())

  it('are its share, as everywhere; what others ask for in the name of a public client takes nothing from a known one', async () => {
    const redirectUri = 'http://127.0.0.1/callback'
    const { body } = await chat.register({ redirect_uris: [redirectUri] })
    const editor = { clientId: String(body.client_id), redirectUri }
    const flood = await Promise.all(Array.from({ length: 50 }, () => chat.refresh(editor, 'none-such')))
    const refused = flood.filter(({ status }) => status === 429)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused[0]?.body.error).toBe('temporarily_unavailable')
    expect(refused[0]?.headers.get('retry-after')).toBe('1')
    expect(chat.audit.filter(({ reason }) => reason === 'rate_limited')).toHaveLength(refused.length)
    expect((await chat.token(wiki)).status).toBe(200)
    const own = await Promise.all(Array.from({ length: 50 }, () => chat.refresh(wiki, 'none-such')))
    expect(own.some(({ status }) => status === 429)).toBe(true)
  })
})
