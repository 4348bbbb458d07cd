/** Sign-in at one company's IdP: the way there and back, and every answer that is not the right one. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { OAuthError } from '../../../src/protocol/errors.ts'
import type { Astray } from './company-idp.ts'
import { openStage, type Stage, wiki } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await openStage('acme.example')
})
afterAll(() => stage.close())
afterEach(() => {
  for (const idp of stage.idps) idp.astray = {}
  stage.reported.splice(0)
  stage.audit.events.splice(0)
  stage.accounts.of = async () => 'alice-here'
})
const company = () => {
  const [idp] = stage.idps
  if (idp === undefined) throw new Error('there is no IdP')
  return idp
}

/** Begins, and stops where the IdP sends the browser back: nothing of the answer has been used. */
async function answered(browser = stage.browser()) {
  const step = (await browser.ask(stage.authorize(wiki))).headers.get('location') ?? ''
  const there = await browser.ask(new URL(step, stage.issuer))
  const back = await browser.ask(new URL(there.headers.get('location') ?? ''))
  return { browser, step: new URL(step, stage.issuer), callback: new URL(back.headers.get('location') ?? '') }
}

describe('a person at one company', () => {
  it('is sent to its IdP at once, with PKCE, state and nonce, and asked for consent when back [O2-12]', async () => {
    const browser = stage.browser()
    const page = await browser.open(stage.authorize(wiki))
    expect(page).toMatchObject({ status: 200, text: expect.stringContaining('wants to act for you') })
    const asked = Object.fromEntries(company().asked.at(-1) ?? [])
    expect(asked).toMatchObject({
      response_type: 'code',
      client_id: 'chat-server',
      redirect_uri: `${stage.issuer}/sign-in/callback`,
      scope: 'openid email',
      code_challenge_method: 'S256',
      nonce: expect.stringMatching(/^.{43}$/),
    })
    expect(asked).not.toHaveProperty('prompt')
    expect(company().redeemed.at(-1)?.get('code_verifier')).toMatch(/^.{43}$/)
    expect(company().credentials.at(-1)).toMatch(/^Basic /)
    expect(page.text).toContain('alice@acme.example')
  })

  it('comes to the application with a code, `state` and `iss` [O2-14]', async () => {
    const browser = stage.browser()
    const { url } = await browser.submit(await browser.open(stage.authorize(wiki)), 'decision', 'allow')
    expect(url.href.startsWith(`${wiki.redirectUri}?`)).toBe(true)
    expect(Object.fromEntries(url.searchParams)).toEqual({
      code: expect.any(String),
      state: 'a-state',
      iss: stage.issuer,
    })
  })

  it('goes by the claim that lasts and must be of the company, where the issuer signs in others, too', async () => {
    const seen: string[] = []
    stage.accounts.of = async ({ sub }) => {
      seen.push(sub)
      return 'alice-here'
    }
    const [entry] = stage.options.signInIssuers
    if (entry === undefined) throw new Error('nobody signs in')
    entry.person = { userClaim: 'oid', tenant: { claim: 'tid', values: ['acme'] } }
    try {
      for (const [claims, status] of [
        [{ oid: 'alice-for-good', tid: 'acme' }, 200],
        [{ oid: 'alice-for-good', tid: 'other' }, 403],
        [{ oid: 'alice-for-good' }, 403],
        [{ tid: 'acme' }, 400],
        [{ oid: 7, tid: 'acme' }, 400],
      ] as const) {
        company().astray = { claims }
        expect((await stage.browser().open(stage.authorize(wiki))).status, JSON.stringify(claims)).toBe(status)
      }
      expect(company().asked.at(-1)?.get('scope')).toBe('openid email profile')
    } finally {
      delete entry.person
    }
    expect(seen).toEqual(['alice-for-good'])
  })

  it('is known by what the ID Token says: who, when, and how', async () => {
    const seen: unknown[] = []
    stage.accounts.of = async (person) => {
      seen.push(person)
      return 'alice-here'
    }
    await stage.browser().open(stage.authorize(wiki))
    expect(seen).toEqual([
      {
        issuer: company().issuer,
        sub: 'alice-at-work',
        email: 'alice@acme.example',
        emailVerified: true,
        authTime: expect.any(Number),
        acr: 'urn:example:two-factors',
        amr: ['pwd', 'otp'],
      },
    ])
  })

  it.each([
    ['false', false],
    ['a text', 'true'],
    ['missing', undefined],
  ])('has no verified e-mail address when email_verified is %s', async (_, email_verified) => {
    company().astray.claims = { email_verified }
    const seen: boolean[] = []
    stage.accounts.of = async ({ emailVerified }) => {
      seen.push(emailVerified)
      return 'alice-here'
    }
    await stage.browser().open(stage.authorize(wiki))
    expect(seen).toEqual([false])
  })

  it('signs in anew when the application asks for it, and not before', async () => {
    const browser = stage.browser()
    await browser.submit(await browser.open(stage.authorize(wiki)), 'decision', 'allow')
    const before = company().asked.length
    await browser.open(stage.authorize(wiki))
    expect(company().asked).toHaveLength(before)
    await browser.open(stage.authorize(wiki, { prompt: 'login' }))
    expect(company().asked).toHaveLength(before + 1)
    expect(company().asked.at(-1)?.get('prompt')).toBe('login')
  })

  it('is asked by the IdP for a sign-in as fresh as the application wants it, and an older one is not taken', async () => {
    const fresh = await stage.browser().open(stage.authorize(wiki, { max_age: '60', scope: 'openid chat.read' }))
    expect(fresh.text).toContain('wants to act for you')
    expect(company().asked.at(-1)?.get('max_age')).toBe('60')
    company().astray.claims = { auth_time: Math.floor(Date.now() / 1000) - 3600 }
    const stale = await stage.browser().open(stage.authorize(wiki, { max_age: '60', scope: 'openid chat.read' }))
    expect(stale).toMatchObject({ status: 400, text: expect.stringContaining('could not be used') })
  })

  it('is told so when there is no account, and can sign in as somebody else', async () => {
    stage.accounts.of = async () => {
      throw new OAuthError('access_denied', 'no account', { reason: 'subject_unknown' })
    }
    const browser = stage.browser()
    const page = await browser.open(stage.authorize(wiki))
    expect(page).toMatchObject({ status: 403, text: expect.stringContaining('There is no account for you here') })
    expect(stage.audit.events).toMatchObject([
      {
        action: 'consent',
        outcome: 'refused',
        reason: 'subject_unknown',
        error: 'access_denied',
        client: 'wiki',
        issuer: company().issuer,
        subject: 'alice-at-work',
        correlationId: page.headers.get('x-correlation-id'),
      },
    ])
    stage.accounts.of = async () => 'somebody-else'
    const again = /href="([^"]+\/anew)"/.exec(page.text)?.[1] ?? ''
    expect((await browser.open(new URL(again, page.url))).text).toContain('wants to act for you')
    expect(company().asked.at(-1)?.get('prompt')).toBe('login')
  })

  it('can give up, and the application is told', async () => {
    company().astray.error = 'login_required'
    const browser = stage.browser()
    const { url } = await browser.submit(await browser.open(stage.authorize(wiki)), 'cancel', 'yes')
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ error: 'access_denied', iss: stage.issuer })
  })

  it('meets a page with 503 while the accounts cannot be asked', async () => {
    stage.accounts.of = async () => {
      throw new OAuthError('temporarily_unavailable', 'the store', { reason: 'replay_store_unavailable' })
    }
    const page = await stage.browser().open(stage.authorize(wiki))
    expect(page).toMatchObject({ status: 503, text: expect.stringContaining('does not work now') })
    expect(stage.reported).toHaveLength(1)
    expect(page.text).toContain(page.headers.get('x-correlation-id'))
  })
})

describe('an IdP that says no', () => {
  it.each(['access_denied', 'login_required'])(
    'with %s leads to a page from which one can try again',
    async (error) => {
      company().astray.error = error
      const browser = stage.browser()
      const page = await browser.open(stage.authorize(wiki))
      expect(page).toMatchObject({ status: 403, text: expect.stringContaining('did not sign you in') })
      company().astray = {}
      const again = /href="([^"]+)">Try again/.exec(page.text)?.[1] ?? ''
      expect((await browser.open(new URL(again, page.url))).text).toContain('wants to act for you')
      expect(stage.reported).toEqual([])
    },
  )
})

describe('an answer of the IdP is refused', () => {
  it.each<[string, Astray]>([
    ['with another nonce', { claims: { nonce: 'of-somebody-else' } }],
    ['without a nonce', { claims: { nonce: undefined } }],
    ['with the ID Token of another issuer', { claims: { iss: 'https://idp.other.example' } }],
    ['with an ID Token for another client', { claims: { aud: 'another-client' } }],
    ['with an ID Token that has expired', { claims: { exp: 1_600_000_000 } }],
    ['with an ID Token signed by another key', { foreignKey: true }],
    ['without a subject', { claims: { sub: '' } }],
    ['with an e-mail address that is no text', { claims: { email: 7 } }],
    ['when `iss` is that of another [SB-05]', { answer: { iss: 'https://idp.other.example' } }],
    ['when `iss` is missing, and was announced [O2-14]', { answer: { iss: undefined } }],
    ['when its code is not known at the IdP', { answer: { code: 'injected' } }],
  ])('%s', async (_, astray) => {
    company().astray = astray
    const browser = stage.browser()
    const before = stage.signIns.size
    const page = await browser.open(stage.authorize(wiki))
    expect(page).toMatchObject({ status: 400, text: expect.stringContaining('could not be used') })
    expect(stage.signIns.size).toBe(before)
    const [{ error } = { error: undefined }] = stage.reported
    expect(error).toMatchObject({ name: 'SignInError', message: expect.stringContaining(company().issuer) })
    expect(stage.audit.events).toMatchObject([{ outcome: 'refused', reason: 'sign_in_failed' }])
    company().astray = {}
    expect((await stage.browser().open(stage.authorize(wiki))).text).toContain('wants to act for you')
  })

  it('and the report of it holds neither code nor token', async () => {
    company().astray = { answer: { code: 'injected-code', iss: 'https://idp.other.example' } }
    await stage.browser().open(stage.authorize(wiki))
    const [{ error } = { error: undefined }] = stage.reported
    expect((error as Error).cause).toBeUndefined()
    expect(String((error as Error).stack)).not.toContain('injected-code')
  })

  it('with a state that nobody sent', async () => {
    const { browser, callback } = await answered()
    for (const state of ['', 'made-up', `${'x'.repeat(21)}.${'y'.repeat(32)}`]) {
      const wrong = new URL(callback)
      wrong.searchParams.set('state', state)
      expect((await browser.open(wrong)).status).toBe(400)
    }
    const twice = new URL(callback)
    twice.searchParams.append('state', callback.searchParams.get('state') ?? '')
    expect((await browser.open(twice)).status).toBe(400)
    expect((await browser.open(callback)).text).toContain('wants to act for you')
  })

  it('with the state of another sign-in of the same browser', async () => {
    const browser = stage.browser()
    const [first, second] = [await answered(browser), await answered(browser)]
    const finish = new URL(`${first.step.href}/finish${second.callback.search}`)
    expect((await browser.open(finish)).status).toBe(400)
    expect((await browser.open(second.callback)).text).toContain('wants to act for you')
  })

  it('when it comes a second time', async () => {
    const { browser, step, callback } = await answered()
    const finish = new URL(`${step.href}/finish${callback.search}`)
    const redeemed = company().redeemed.length
    expect((await browser.ask(finish)).status).toBe(303)
    const again = await browser.ask(finish)
    expect(again).toMatchObject({ status: 400, text: expect.stringContaining('was used before') })
    expect(company().redeemed).toHaveLength(redeemed + 1)
  })

  it('in another browser, which it signs in nowhere; nothing is spent, and the right one goes on', async () => {
    const { browser, callback } = await answered()
    const redeemed = company().redeemed.length
    const victim = stage.browser()
    const page = await victim.open(callback)
    expect(page).toMatchObject({ status: 400, text: expect.stringContaining('begun in another browser') })
    expect(victim.cookies('chat_session')).toEqual([])
    expect(company().redeemed).toHaveLength(redeemed)
    expect((await browser.open(callback)).text).toContain('wants to act for you')
  })

  it('at a callback address of another IdP', async () => {
    const { browser, callback } = await answered()
    const elsewhere = new URL(callback.href.replace('/callback', '/callback/acme.example'))
    expect((await browser.open(elsewhere)).status).toBe(400)
  })
})

describe('an IdP that cannot be used', () => {
  const broken = async (astray: Astray) => {
    const ill = await openStage('ill.example')
    const [idp] = ill.idps
    if (idp !== undefined) idp.astray = astray
    return ill
  }

  it.each<[string, number, Astray]>([
    ['answers the token request with 500', 503, { tokenStatus: 500 }],
    ['answers the token request with 404', 400, { tokenStatus: 404 }],
    ['names another issuer', 400, { metadata: { issuer: 'https://idp.other.example' } }],
    ['sends browsers to a script', 400, { metadata: { authorization_endpoint: 'javascript:alert(1)' } }],
    ['sends browsers in the clear', 400, { metadata: { authorization_endpoint: 'http://idp.other.example/' } }],
    ['names no place to send browsers to', 400, { metadata: { authorization_endpoint: undefined } }],
    ['signs with shared secrets alone', 400, { metadata: { id_token_signing_alg_values_supported: ['HS256'] } }],
    ['takes no secret', 400, { metadata: { token_endpoint_auth_methods_supported: ['private_key_jwt'] } }],
    ['keeps its tokens inside', 503, { metadata: { token_endpoint: 'http://169.254.169.254/token' } }],
  ])('because it %s leads to a page with %i', async (_, status, astray) => {
    const ill = await broken(astray)
    const page = await ill.browser().open(ill.authorize(wiki))
    expect(page.status).toBe(status)
    expect(ill.reported).toHaveLength(1)
    await ill.close()
  })

  it('because its issuer is spelled in another way leads to a page with 400', async () => {
    const ill = await openStage('ill.example')
    const [idp] = ill.idps
    if (idp !== undefined) idp.astray = { metadata: { issuer: `${idp.issuer}/` } }
    expect((await ill.browser().open(ill.authorize(wiki))).status).toBe(400)
    expect(idp?.asked).toEqual([])
    await ill.close()
  })

  it('because it does not answer leads to a page with 503', async () => {
    const ill = await openStage('ill.example')
    const browser = ill.browser()
    await Promise.all(ill.idps.map((idp) => idp.close()))
    const page = await browser.open(ill.authorize(wiki))
    expect(page).toMatchObject({ status: 503, text: expect.stringContaining('cannot be reached') })
    await ill.close()
  })

  it('takes the secret in the body where it wants it there', async () => {
    const other = await broken({ metadata: { token_endpoint_auth_methods_supported: ['client_secret_post'] } })
    expect((await other.browser().open(other.authorize(wiki))).text).toContain('wants to act for you')
    expect(other.idps[0]?.redeemed.at(-1)?.get('client_secret')).toBe('a-secret')
    await other.close()
  })
})

describe('the document of an IdP', () => {
  it('is read once for ten minutes, and after a failure again within seconds', async () => {
    const clocked = await openStage('acme.example')
    const [idp] = clocked.idps
    if (idp === undefined) throw new Error('there is no IdP')
    const clock = { now: 1_800_000_000 }
    clocked.options.ports.now = () => clock.now
    idp.astray = { metadata: { issuer: 'https://idp.other.example' } }
    const visit = async () => (await clocked.browser().open(clocked.authorize(wiki))).status
    expect(await visit()).toBe(400)
    idp.astray = {}
    expect(await visit()).toBe(400)
    expect(idp.discoveries).toBe(1)
    clock.now += 6
    expect(await visit()).toBe(200)
    clock.now += 590
    expect(await visit()).toBe(200)
    expect(idp.discoveries).toBe(2)
    clock.now += 20
    expect(await visit()).toBe(200)
    expect(idp.discoveries).toBe(3)
    await clocked.close()
  })

  it('may leave the e-mail address to UserInfo (OpenID Connect Core §5.4)', async () => {
    const thin = await openStage('thin.example')
    const [idp] = thin.idps
    if (idp === undefined) throw new Error('there is no IdP')
    idp.astray = { thin: true }
    const seen: unknown[] = []
    thin.accounts.of = async (person) => {
      seen.push(person)
      return 'alice-here'
    }
    await thin.browser().open(thin.authorize(wiki))
    expect(seen).toMatchObject([{ email: 'alice@thin.example', emailVerified: true }])
    await thin.close()
  })
})
