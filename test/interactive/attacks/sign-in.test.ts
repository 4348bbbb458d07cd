/** Attacks on the sign-in and the consent: other people's steps, other companies' people, and what an IdP may say of somebody. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Deployment, deploy, mcp, type Visit, wiki } from '../deployment.ts'
import type { Browser } from '../sign-in/browser.ts'
import { type CompanyIdp, companyIdp } from '../sign-in/company-idp.ts'

let chat: Deployment
let acme: CompanyIdp
let beta: CompanyIdp
beforeAll(async () => {
  acme = await companyIdp('acme.example')
  beta = await companyIdp('beta.example')
  const place = ({ issuer }: CompanyIdp, domain: string) => ({
    issuer,
    clientId: 'chat-server',
    clientSecret: 'a-secret',
    emailDomains: [domain],
  })
  chat = await deploy({
    interactive: { signIn: [place(acme, 'acme.example'), place(beta, 'beta.example')] },
    accounts: [
      { id: 'a-alice', email: 'alice@acme.example' },
      { id: 'b-alice', email: 'alice@beta.example' },
    ],
  })
  for (const domain of ['acme.example', 'beta.example']) await signIn(`alice@${domain}`)
})
afterEach(() => {
  acme.astray = {}
  beta.astray = {}
})
afterAll(async () => {
  await chat.close()
  await acme.close()
  await beta.close()
})

/** Opens the request of an application, and answers the question for the e-mail address. */
const signIn = async (email: string, browser: Browser = chat.browser(wiki)): Promise<Visit> =>
  await browser.submit(await browser.open(chat.authorize(wiki)), 'email', email)

const accountOf = async (email: string) => {
  const browser = chat.browser(wiki)
  const back = await browser.submit(await signIn(email, browser), 'decision', 'allow')
  const form = {
    code: back.url.searchParams.get('code') ?? '',
    code_verifier: 'v'.repeat(43),
    redirect_uri: wiki.redirectUri,
  }
  const { status } = await chat.post('/token', { grant_type: 'authorization_code', ...form }, { as: wiki })
  return [status, chat.last('code')?.account]
}

/** Follows the way to the IdP by hand, up to the address that it sends the browser back to. */
const callbackOf = async (email: string, browser: Browser): Promise<URL> => {
  const page = await browser.open(chat.authorize(wiki))
  const answer = await browser.ask(new URL(page.url), {
    method: 'POST',
    body: new URLSearchParams({ email }),
    headers: { origin: chat.issuer, 'sec-fetch-site': 'same-origin' },
  })
  const address = /url=([^"]+)"/.exec(answer.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const { headers } = await fetch(address, { redirect: 'manual' })
  return new URL(headers.get('location') ?? '')
}

describe('an IdP', () => {
  it('speaks for its own people alone: an address of another company leads to nobody’s account', async () => {
    expect(await accountOf('alice@beta.example')).toEqual([200, 'b-alice'])
    expect(await accountOf('alice@acme.example')).toEqual([200, 'a-alice'])
    const stolen = [
      { sub: 'eve', email: 'alice@acme.example', email_verified: true },
      { sub: 'eve', email: 'ALICE@ACME.EXAMPLE', email_verified: true },
      { sub: 'eve', email: 'alice@acme.example@beta.example', email_verified: true },
      { sub: 'eve', email: '"alice@acme.example" <eve@beta.example>', email_verified: true },
      { sub: 'eve', email: 'alice@acme.example\0@beta.example', email_verified: true },
      { sub: 'eve', email: 'alice@beta.example.', email_verified: true },
      { sub: 'eve', email: 'alice@beta.example', email_verified: 'true' },
      { sub: 'eve', email: 'alice@beta.example', email_verified: 1 },
      { sub: 'eve', email: 'alice@beta.example' },
    ]
    for (const claims of stolen) {
      beta.astray = { claims: { email_verified: undefined, ...claims } }
      const page = await signIn('eve@beta.example')
      expect([claims, page.status]).toEqual([claims, 403])
      expect(chat.last('consent')).toMatchObject({ outcome: 'refused', issuer: beta.issuer, subject: 'eve' })
    }
    beta.astray = {}
    expect(await accountOf('alice@beta.example')).toEqual([200, 'b-alice'])
  })

  it.each<[string, { [claim: string]: unknown }]>([
    ['a subject that is none', { sub: '' }],
    ['a subject of 256 characters', { sub: 'x'.repeat(256) }],
    ['a subject that is a number', { sub: 7 }],
    ['an e-mail address of 64 KB', { email: `${'x'.repeat(65_536)}@beta.example` }],
    ['an e-mail address that is a list', { email: ['alice@beta.example'] }],
    ['a thousand methods', { amr: Array.from({ length: 1000 }, () => 'pwd') }],
    ['another issuer', { iss: 'https://acme.example' }],
    ['another audience', { aud: 'somebody-else' }],
    ['several audiences without azp', { aud: ['chat-server', 'somebody-else'], azp: 'somebody-else' }],
    ['another nonce', { nonce: 'x' }],
    ['a time that is over', { exp: 1 }],
  ])('that says %s signs nobody in', async (_, claims) => {
    beta.astray = { claims }
    const page = await signIn('alice@beta.example')
    expect([page.status, page.url.origin]).toEqual([400, chat.issuer])
    expect(page.text.length).toBeLessThan(5000)
    expect(chat.last('consent')).toMatchObject({ outcome: 'refused', reason: 'sign_in_failed' })
    beta.astray = {}
    expect((await signIn('alice@beta.example')).status).toBe(200)
  })

  it('that names a person in HTML, or backwards, has it shown as text', async () => {
    for (const email of [
      '<img src=x onerror=alert(1)>@beta.example',
      '"><script>x</script>',
      'moc.elpmaxe@\u202eecila',
    ]) {
      beta.astray = { claims: { email, email_verified: false } }
      const page = await signIn('alice@beta.example')
      expect(page.text).not.toMatch(/<(script|img)|\u202e/)
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
    }
  })

  it('that refuses in HTML is quoted nowhere', async () => {
    beta.astray = { error: '<script>alert(1)</script>', answer: { error_description: '<script>alert(2)</script>' } }
    const page = await signIn('alice@beta.example')
    expect([page.status, page.text.includes('alert(')]).toEqual([403, false])
  })
})

describe('a sign-in', () => {
  it('of an attacker, handed to somebody else, signs that person in nowhere: not as callback, nor finished', async () => {
    const [attacker, victim] = [chat.browser(wiki), chat.browser(wiki)]
    const callback = await callbackOf('alice@beta.example', attacker)
    const own = await victim.open(chat.authorize(wiki))
    expect((await victim.open(callback)).status).toBe(400)
    const [, uid = ''] = /^([\w-]+)\./.exec(callback.searchParams.get('state') ?? '') ?? []
    for (const place of [`/sign-in/${uid}`, own.url.pathname]) {
      const address = new URL(`${place}/finish${callback.search}`, chat.issuer)
      expect((await victim.open(address)).status).toBe(400)
    }
    expect((await victim.ask(own.url)).text).toContain('Work e-mail address')
    expect((await attacker.open(callback)).text).toContain('wants to act for you')
  })

  it('takes no answer of another IdP, whatever parameters say that it is the right one', async () => {
    const browser = chat.browser(wiki)
    const asked = acme.redeemed.length
    const callback = await callbackOf('alice@beta.example', browser)
    const { searchParams: foreign } = await callbackOf('alice@acme.example', chat.browser(wiki))
    const mixed = new URL(callback)
    mixed.searchParams.set('code', foreign.get('code') ?? '')
    mixed.searchParams.set('iss', acme.issuer)
    expect((await browser.open(mixed)).status).toBe(400)
    expect(acme.redeemed).toHaveLength(asked)
    // The answer was taken once: the right one comes too late, and a new sign-in is needed.
    expect((await browser.open(callback)).status).toBe(400)
    expect((await signIn('alice@beta.example', browser)).status).toBe(200)
  })

  it('cannot be left out: the way back to the application leads to the sign-in again', async () => {
    const browser = chat.browser(wiki)
    const page = await browser.open(chat.authorize(wiki))
    const resume = new URL(page.url.pathname.replace('/sign-in/', '/authorize/'), chat.issuer)
    const again = await browser.open(resume)
    expect(again.url.searchParams.get('code')).toBeNull()
    expect((await chat.browser(wiki).open(resume)).status).toBe(400)
    const consent = await signIn('alice@beta.example', browser)
    const early = await browser.open(consent.url.href.replace('/sign-in/', '/authorize/'))
    expect(early.url.searchParams.get('code')).toBeNull()
  })
})

describe('a consent', () => {
  it.each<[string, { [name: string]: string }]>([
    ['of another origin', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['of no origin', { origin: 'null' }],
    ['of a sibling', { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' }],
    ['of a lookalike', { origin: 'http://127.0.0.1.evil.example' }],
    ['that says where it comes from twice', { origin: 'https://evil.example, http://127.0.0.1' }],
    ['typed as an address', { 'sec-fetch-site': 'none' }],
  ])('by a form %s is refused, and the person is asked still', async (_, headers) => {
    const browser = chat.browser(wiki)
    const page = await signIn('alice@beta.example', browser)
    const before = chat.audit.length
    expect((await browser.submit(page, 'decision', 'allow', headers)).status).toBe(403)
    expect(chat.audit).toHaveLength(before)
    expect((await browser.submit(page, 'decision', 'allow')).url.searchParams.get('code')).toBeTruthy()
  })

  it('by GET, by JSON, by a file or twice over is none', async () => {
    const browser = chat.browser(wiki)
    const page = await signIn('alice@beta.example', browser)
    const address = new URL(`${page.url.pathname}/consent`, chat.issuer)
    const granted = () =>
      chat.audit.filter(({ action, outcome }) => action === 'consent' && outcome === 'granted').length
    const before = granted()
    const send = async (body: string | FormData, type?: string) =>
      await browser.ask(address, { method: 'POST', body, headers: type === undefined ? {} : { 'content-type': type } })
    const file = new FormData()
    file.set('decision', 'allow')
    const answers = [
      await browser.ask(new URL(`${address}?decision=allow`)),
      await send('{"decision":"allow"}', 'application/json'),
      await send('decision=allow', 'text/plain'),
      await send(file),
      await send('decision=allow&decision=allow', 'application/x-www-form-urlencoded'),
      await send(`decision=allow&x=${'x'.repeat(5000)}`, 'application/x-www-form-urlencoded'),
      await send('', 'application/x-www-form-urlencoded'),
    ]
    for (const { status } of answers) expect([400, 404, 413, 415]).toContain(status)
    expect(granted()).toBe(before)
    expect((await browser.submit(page, 'decision', 'allow')).url.searchParams.get('code')).toBeTruthy()
    expect(granted()).toBe(before + 1)
  })

  it('grants what the page showed, whatever the form adds', async () => {
    const browser = chat.browser(wiki)
    const page = await signIn('alice@beta.example', browser)
    const address = new URL(`${page.url.pathname}/consent`, chat.issuer)
    const more = {
      decision: 'allow',
      scope: 'chat.read chat.write',
      resource: mcp,
      account: 'a-alice',
      client_id: 'managed',
    }
    const back = await browser.open(address, {
      method: 'POST',
      body: new URLSearchParams(more),
      headers: { origin: chat.issuer },
    })
    const form = {
      code: back.url.searchParams.get('code') ?? '',
      code_verifier: 'v'.repeat(43),
      redirect_uri: wiki.redirectUri,
    }
    const { body } = await chat.post('/token', { grant_type: 'authorization_code', ...form }, { as: wiki })
    expect(body.scope).toBe('chat.read')
    expect(chat.last('code')).toMatchObject({ account: 'b-alice', client: 'wiki' })
  })
})
