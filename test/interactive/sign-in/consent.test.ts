/** The consent: what the page says, what is granted, how long it is remembered, and from where it is not taken. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Browser } from './browser.ts'
import { editor, neighbour, openStage, program, resource, type Stage, stranger, wiki } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage('acme.example')
})
afterAll(() => stage.close())
afterEach(() => {
  for (const idp of stage.idps) idp.astray = {}
  delete stage.audit.broken
  stage.consents.splice(0)
  stage.reported.splice(0)
})

type Application = Parameters<Stage['authorize']>[0]

async function asked(application: Application, browser: Browser = stage.browser()) {
  return await browser.open(stage.authorize(application))
}

describe('the consent page', () => {
  it('names the application, the person, each right, the place, and where the browser goes', async () => {
    const { text } = await asked(wiki)
    for (const part of [
      '<bdi>Wiki</bdi> wants to act for you',
      'know this application and have entered it here',
      'alice@acme.example',
      'Company of acme.example',
      'read your messages',
      '<code>chat.write</code>',
      'Tidewater Chat',
      '<strong>wiki.example</strong>',
      'Not you?',
    ])
      expect(text).toContain(part)
  })

  it('says of an application with a metadata document whose it is, and that the name is its own word', async () => {
    const { text } = await asked(editor)
    expect(text).toContain('<strong>editor.example</strong>: that is proven')
    expect(text).toContain('Its name is what it calls itself')
  })

  it('says of an application that registered itself that nobody has checked it', async () => {
    expect((await asked(stranger)).text).toContain('Nobody has checked who this is')
  })

  it('says that a redirect to this machine goes to a program on it', async () => {
    expect((await asked(program)).text).toContain('<strong>a program on this computer</strong> (127.0.0.1:5000)')
  })

  it('[ATK-132] shows no text of a stranger unescaped: not the name, the scope, the resource, nor the redirect', async () => {
    const hostile = await openStage('acme.example')
    const bad = '"><img src=x onerror=alert(1)>'
    hostile.options.scopeText = () => bad
    hostile.options.resourceName = () => bad
    hostile.options.askingClient = async () => ({ clientId: bad, name: bad, kind: 'dynamic', redirectHost: bad })
    const [idp] = hostile.idps
    if (idp !== undefined) idp.astray = { claims: { email: bad } }
    const { text } = await hostile.browser().open(hostile.authorize(stranger))
    expect(text).toContain('&quot;&gt;&lt;img src=x onerror=alert(1)&gt;')
    expect(text).not.toContain('<img')
    await hostile.close()
  })

  it('cannot be framed, runs no script, and is kept nowhere', async () => {
    const { headers } = await asked(wiki)
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    )
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'same-origin',
      'x-correlation-id': expect.any(String),
    })
  })

  it('has its style sheet, and nothing else', async () => {
    const page = await asked(wiki)
    const style = /href="([^"]+\.css)"/.exec(page.text)?.[1] ?? ''
    const sheet = await fetch(new URL(style, page.url))
    expect(sheet.headers.get('content-type')).toBe('text/css; charset=utf-8')
    expect(page.text).not.toMatch(/<script|<img|style=/)
  })
})

describe('allowing', () => {
  it('grants exactly what was asked, keeps who it was, and writes it down', async () => {
    const browser = stage.browser()
    const { url } = await browser.submit(await asked(wiki, browser), 'decision', 'allow')
    const code = await stage.provider.AuthorizationCode.find(url.searchParams.get('code') ?? '')
    const grant = await stage.provider.Grant.find(code?.grantId ?? '')
    expect(grant?.resources).toEqual({ [resource]: 'chat.read chat.write' })
    expect(grant?.openid).toBeUndefined()
    expect(code).toMatchObject({ acr: 'urn:example:two-factors', amr: ['pwd', 'otp'], authTime: expect.any(Number) })
    expect(stage.signIns.get(code?.grantId ?? '')).toMatchObject({ sub: 'alice-at-work', email: 'alice@acme.example' })
    expect(stage.consents).toEqual([
      {
        granted: true,
        correlationId: expect.stringMatching(/./),
        client: 'wiki',
        account: expect.stringContaining('alice-at-work'),
        person: expect.objectContaining({ sub: 'alice-at-work' }),
        scope: 'chat.read chat.write',
        resource,
      },
    ])
  })

  it('asks again for what is new, and shows with it what is granted already', async () => {
    const browser = stage.browser()
    const first = await browser.open(stage.authorize(wiki, { scope: 'chat.read' }))
    expect(first.text).not.toContain('chat.write')
    const { url: one } = await browser.submit(first, 'decision', 'allow')
    const second = await asked(wiki, browser)
    expect(second.text).toContain('read your messages')
    expect(second.text).toContain('chat.write')
    const { url: two } = await browser.submit(second, 'decision', 'allow')
    const codes = await Promise.all(
      [one, two].map((url) => stage.provider.AuthorizationCode.find(url.searchParams.get('code') ?? '')),
    )
    expect(codes.map((code) => code?.scope)).toEqual(['chat.read', 'chat.read chat.write'])
    expect(codes[1]?.grantId).toBe(codes[0]?.grantId)
  })

  it('is kept out of the world while the audit cannot be written', async () => {
    const browser = stage.browser()
    const page = await asked(wiki, browser)
    stage.audit.broken = new Error('the disk is full')
    expect((await browser.submit(page, 'decision', 'allow')).status).toBe(500)
    expect(stage.reported).toHaveLength(1)
    delete stage.audit.broken
    expect((await browser.submit(page, 'decision', 'allow')).url.searchParams.has('code')).toBe(true)
  })

  it.each([wiki, editor])('is remembered of $clientId in this browser', async (application) => {
    const browser = stage.browser()
    await browser.submit(await asked(application, browser), 'decision', 'allow')
    expect((await asked(application, browser)).url.searchParams.has('code')).toBe(true)
    expect((await asked(application)).text).toContain('wants to act for you')
  })

  it.each([
    ['a program on this machine', program],
    ['a redirect to this machine', neighbour],
    ['a client that registered itself', stranger],
  ] as const)('is asked each time of %s', async (_, application) => {
    const browser = stage.browser()
    await browser.submit(await asked(application, browser), 'decision', 'allow')
    const again = await asked(application, browser)
    expect(again.text).toContain('wants to act for you')
    expect((await browser.submit(again, 'decision', 'allow')).url.searchParams.has('code')).toBe(true)
  })

  it('is possible at once for another application in the same browser, with the same sign-in', async () => {
    const browser = stage.browser()
    await browser.submit(await asked(wiki, browser), 'decision', 'allow')
    const before = stage.idps[0]?.asked.length
    const page = await asked(editor, browser)
    expect(page.text).toContain('alice@acme.example')
    const { url } = await browser.submit(page, 'decision', 'allow')
    const code = await stage.provider.AuthorizationCode.find(url.searchParams.get('code') ?? '')
    expect(stage.signIns.get(code?.grantId ?? '')).toMatchObject({ sub: 'alice-at-work' })
    expect(stage.idps[0]?.asked).toHaveLength(before ?? -1)
  })

  it('goes by the latest sign-in of the browser, also of one that no consent came after', async () => {
    const browser = stage.browser()
    const { url } = await browser.submit(await asked(wiki, browser), 'decision', 'allow')
    const code = await stage.provider.AuthorizationCode.find(url.searchParams.get('code') ?? '')
    const [idp] = stage.idps
    if (idp !== undefined) idp.astray = { claims: { acr: 'urn:example:stronger' } }
    const again = await browser.open(stage.authorize(wiki, { prompt: 'login' }))
    expect(again.url.searchParams.has('code')).toBe(true)
    expect(stage.signIns.get(code?.grantId ?? '')).toMatchObject({ acr: 'urn:example:stronger' })
    await browser.submit(await asked(editor, browser), 'decision', 'allow')
    expect(stage.consents.at(-1)).toMatchObject({ client: editor.clientId, person: { acr: 'urn:example:stronger' } })
  })

  it('needs a new sign-in where nobody knows any more who signed in', async () => {
    const browser = stage.browser()
    await browser.submit(await asked(wiki, browser), 'decision', 'allow')
    const before = stage.idps[0]?.asked.length ?? 0
    stage.signIns.clear()
    expect((await asked(editor, browser)).text).toContain('wants to act for you')
    expect(stage.idps[0]?.asked).toHaveLength(before + 1)
  })
})

describe('denying', () => {
  it('brings access_denied to the application, is written down, and grants nothing', async () => {
    const browser = stage.browser()
    const kept = stage.signIns.size
    const { url } = await browser.submit(await asked(wiki, browser), 'decision', 'deny')
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      error: 'access_denied',
      state: 'a-state',
      iss: stage.issuer,
    })
    expect(stage.consents).toMatchObject([{ granted: false, client: 'wiki', scope: 'chat.read chat.write' }])
    // That of the browser's session.
    expect(stage.signIns.size).toBe(kept + 1)
    expect((await asked(wiki, browser)).text).toContain('wants to act for you')
  })
})

describe('somebody else at the same browser', () => {
  it('signs in anew, and the session and consents of the one before are ended here', async () => {
    const browser = stage.browser()
    await browser.submit(await asked(wiki, browser), 'decision', 'allow')
    const page = await asked(editor, browser)
    const [idp] = stage.idps
    if (idp === undefined) throw new Error('there is no IdP')
    idp.astray = { claims: { sub: 'bob-at-work', email: 'bob@acme.example' } }
    const other = await browser.open(new URL(/href="([^"]+\/anew)"/.exec(page.text)?.[1] ?? '', page.url))
    expect(idp.asked.at(-1)?.get('prompt')).toBe('login')
    expect(other.text).toContain('bob@acme.example')
    const { url } = await browser.submit(other, 'decision', 'allow')
    const code = await stage.provider.AuthorizationCode.find(url.searchParams.get('code') ?? '')
    expect(code?.accountId).toContain('bob-at-work')
    expect((await asked(wiki, browser)).text).toContain('bob@acme.example')
  })

  it('is the same person, who only wanted to see: the session goes on', async () => {
    const browser = stage.browser()
    await browser.submit(await asked(wiki, browser), 'decision', 'allow')
    const page = await asked(editor, browser)
    const same = await browser.open(new URL(/href="([^"]+\/anew)"/.exec(page.text)?.[1] ?? '', page.url))
    expect(same.text).toContain('alice@acme.example')
    await browser.submit(same, 'decision', 'allow')
    expect((await asked(wiki, browser)).url.searchParams.has('code')).toBe(true)
  })
})

describe('a consent is not taken', () => {
  it.each<[string, { [name: string]: string }]>([
    ['another origin', { origin: 'https://evil.example' }],
    ['no origin that can be told', { origin: 'null' }],
    ['another site', { 'sec-fetch-site': 'cross-site' }],
    ['a neighbour of this host', { 'sec-fetch-site': 'same-site' }],
  ])('from %s', async (_, headers) => {
    const browser = stage.browser()
    const page = await asked(wiki, browser)
    expect(await browser.submit(page, 'decision', 'allow', headers)).toMatchObject({
      status: 403,
      text: expect.stringContaining('Another site has sent it'),
    })
    expect(stage.consents).toEqual([])
    expect((await browser.submit(page, 'decision', 'allow')).url.searchParams.has('code')).toBe(true)
  })

  it('at the address of another step than the one whose cookie comes along', async () => {
    const browser = stage.browser()
    const [page, other] = [await asked(wiki, browser), await asked(editor)]
    const cookie = ['chat_step', 'chat_step.sig'].map((name) => `${name}=${browser.cookies(name).at(-1)}`).join('; ')
    const post = async ({ pathname }: URL) => {
      const init = { method: 'POST', headers: { cookie }, body: new URLSearchParams({ decision: 'allow' }) }
      return (await fetch(new URL(`${pathname}/consent`, stage.issuer), init)).status
    }
    expect(await post(other.url)).toBe(400)
    expect(await post(page.url)).toBe(200)
  })

  it('from another browser', async () => {
    const browser = stage.browser()
    const page = await asked(wiki, browser)
    expect((await stage.browser().submit(page, 'decision', 'allow')).status).toBe(400)
    expect((await browser.submit(page, 'decision', 'allow')).url.searchParams.has('code')).toBe(true)
  })

  it.each(['', 'perhaps', 'allow&decision=deny'])('when it is %j', async (decision) => {
    const browser = stage.browser()
    const page = await asked(wiki, browser)
    const action = /action="([^"]+\/consent)"/.exec(page.text)?.[1] ?? ''
    const init = { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' } }
    const answer = await browser.open(new URL(action, page.url), { ...init, body: `decision=${decision}` })
    expect(answer.status).toBe(400)
    expect((await browser.submit(page, 'decision', 'allow')).url.searchParams.has('code')).toBe(true)
  })

  it.each([
    ['as JSON', { 'content-type': 'application/json' }, '{"decision":"allow"}', 415],
    ['when it is too large', { 'content-type': 'application/x-www-form-urlencoded' }, 'x'.repeat(5000), 413],
    ['when it is empty', {}, undefined, 400],
  ])('%s', async (_, headers, body, status) => {
    const browser = stage.browser()
    const page = await asked(wiki, browser)
    const action = new URL(/action="([^"]+\/consent)"/.exec(page.text)?.[1] ?? '', page.url)
    const answer = await browser.open(action, { method: 'POST', headers, ...(body === undefined ? {} : { body }) })
    expect(answer).toMatchObject({ status, text: expect.stringContaining('<h1>') })
    expect(stage.reported).toEqual([])
    expect((await browser.submit(page, 'decision', 'allow')).url.searchParams.has('code')).toBe(true)
  })

  it('before anybody has signed in', async () => {
    const browser = stage.browser()
    const step = (await browser.ask(stage.authorize(wiki))).headers.get('location') ?? ''
    const answer = await browser.open(new URL(`${step}/consent`, stage.issuer), {
      method: 'POST',
      body: new URLSearchParams({ decision: 'allow' }),
    })
    expect(answer.status).toBe(400)
    expect(stage.consents).toEqual([])
  })
})
