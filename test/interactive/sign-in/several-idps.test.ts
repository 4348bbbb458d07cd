/** Sign-in where several companies send their people: the IdP is chosen by the e-mail domain, and none can answer for another. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { CompanyIdp } from './company-idp.ts'
import { openStage, type Stage, wiki } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage('acme.example', 'beta.example')
})
afterAll(() => stage.close())
afterEach(() => {
  for (const idp of stage.idps) idp.astray = {}
})
const idps = () => stage.idps as [CompanyIdp, CompanyIdp]

/** Begins at the IdP of an address, and stops where it sends the browser back. */
async function answered(email: string, browser = stage.browser()) {
  const question = await browser.open(stage.authorize(wiki))
  const onward = await browser.ask(question.url, {
    method: 'POST',
    body: new URLSearchParams({ email }),
    headers: { origin: stage.issuer },
  })
  const there = /content="0; url=([^"]+)"/.exec(onward.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
  const back = await browser.ask(new URL(there))
  return { browser, step: question.url, onward, callback: new URL(back.headers.get('location') ?? '') }
}

describe('a person of one of several companies', () => {
  it.each([
    ['alice@acme.example', 0],
    ['Alice@ACME.example ', 0],
    ['bob@beta.example', 1],
  ] as const)('types %j and is sent to the IdP of that domain', async (email, at) => {
    const browser = stage.browser()
    const question = await browser.open(stage.authorize(wiki))
    expect(question.text).toContain('Sign in for <bdi>Wiki</bdi>')
    const before = stage.idps.map(({ asked }) => asked.length)
    const page = await browser.submit(question, 'email', email)
    expect(page.text).toContain('wants to act for you')
    expect(page.text).toContain(at === 0 ? 'Company of acme.example' : 'Company of beta.example')
    expect(stage.idps.map(({ asked }, one) => asked.length - (before[one] ?? 0))).toEqual(at === 0 ? [1, 0] : [0, 1])
    expect(stage.idps[at]?.asked.at(-1)?.get('login_hint')).toBe(email.trim())
  })

  it.each([
    'alice@elsewhere.example',
    'alice@sub.acme.example',
    'alice@notacme.example',
    'acme.example',
    '@acme.example',
    'alice@beta.example@elsewhere.example',
    '',
  ])('is told that there is no sign-in for %j, and not for which there is', async (email) => {
    const browser = stage.browser()
    const page = await browser.submit(await browser.open(stage.authorize(wiki)), 'email', email)
    expect(page).toMatchObject({ status: 400, text: expect.stringContaining('There is no sign-in for this address') })
    const text = page.text.replace(`value="${email}"`, '')
    for (const { emailDomains, name, issuer } of stage.options.signInIssuers)
      for (const secret of [...emailDomains, name ?? '', issuer]) expect(text).not.toContain(secret)
    expect((await browser.submit(page, 'email', 'alice@acme.example')).text).toContain('wants to act for you')
  })

  it('sees what was typed again, and no more than that', async () => {
    const browser = stage.browser()
    const page = await browser.submit(await browser.open(stage.authorize(wiki)), 'email', '"><script>alert(1)</script>')
    expect(page.text).toContain('value="&quot;&gt;&lt;script&gt;')
    expect(page.text).not.toContain('<script>')
  })

  it('can go back to the application instead', async () => {
    const browser = stage.browser()
    const { url } = await browser.submit(await browser.open(stage.authorize(wiki)), 'cancel', 'yes')
    expect(url.searchParams.get('error')).toBe('access_denied')
  })

  it('is asked for another address when somebody else is to sign in', async () => {
    const browser = stage.browser()
    const page = await browser.submit(await browser.open(stage.authorize(wiki)), 'email', 'alice@acme.example')
    const question = await browser.open(new URL(/href="([^"]+\/anew)"/.exec(page.text)?.[1] ?? '', page.url))
    const other = await browser.submit(question, 'email', 'bob@beta.example')
    expect(other.text).toContain('alice@beta.example')
    expect(idps()[1].asked.at(-1)?.get('prompt')).toBe('login')
  })
})

describe('mix-up: an answer of one IdP', () => {
  it('is refused in a sign-in at another, by its `iss`; nothing is sent to either token endpoint [SB-05]', async () => {
    const [acme, beta] = idps()
    const browser = stage.browser()
    const atBeta = await answered('bob@beta.example', browser)
    const { callback } = await answered('alice@acme.example', browser)
    const redeemed = [acme.redeemed.length, beta.redeemed.length]
    for (const name of ['code', 'iss']) callback.searchParams.set(name, atBeta.callback.searchParams.get(name) ?? '')
    expect(await browser.open(callback)).toMatchObject({ status: 400 })
    expect([acme.redeemed.length, beta.redeemed.length]).toEqual(redeemed)
    expect((await browser.open(atBeta.callback)).text).toContain('wants to act for you')
  })

  it('is refused by the address it comes to, where an IdP does not announce `iss` [SB-05]', async () => {
    const quiet = await openStage('acme.example', 'beta.example')
    const [acme, beta] = quiet.idps as [CompanyIdp, CompanyIdp]
    for (const idp of [acme, beta])
      idp.astray = {
        metadata: { authorization_response_iss_parameter_supported: undefined },
        answer: { iss: undefined },
      }
    const browser = quiet.browser()
    const begin = async (email: string) => {
      const question = await browser.open(quiet.authorize(wiki))
      const onward = await browser.ask(question.url, { method: 'POST', body: new URLSearchParams({ email }) })
      const there = /content="0; url=([^"]+)"/.exec(onward.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
      return new URL((await browser.ask(new URL(there))).headers.get('location') ?? '')
    }
    const [atAcme, atBeta] = [await begin('alice@acme.example'), await begin('bob@beta.example')]
    expect([atAcme.pathname, atBeta.pathname]).toEqual([
      '/sign-in/callback/acme.example',
      '/sign-in/callback/beta.example',
    ])
    // Acme, turned bad, has sent the browser to Beta with the state of its own sign-in: Beta answers to Beta's address.
    const mixed = new URL(atBeta)
    mixed.searchParams.set('state', atAcme.searchParams.get('state') ?? '')
    expect((await browser.open(mixed)).status).toBe(400)
    expect([acme.redeemed, beta.redeemed]).toEqual([[], []])
    expect((await browser.open(atBeta)).text).toContain('wants to act for you')
    await quiet.close()
  })
})
