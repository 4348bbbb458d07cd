/** The agent's web application: who gets in, what a hostile name or form can do, and what each errand shows. */

import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { agentApp } from '../../src/demo/agent/agent-app.ts'
import type { Cast } from '../../src/demo/agent/cast.ts'
import { resultPage } from '../../src/demo/agent/result-page.ts'
import { type Demo, startDemo } from '../../src/demo/start.ts'
import { letIn } from '../../src/demo/story/without.ts'
import { walkSignIn } from '../../src/testing/headless-sign-in.ts'

const hostile = `<img src=x onerror="alert('1')">`

let stage: Demo
let app: FastifyInstance
let clock: number
let failures: unknown[]

beforeAll(async () => {
  stage = await startDemo({ port: 0, report: () => {} })
})
afterAll(() => stage.close())

beforeEach(async () => {
  app = await build(stage.cast)
})

/** An agent of its own beside the stage's, with a clock to move. */
async function build(cast: Cast): Promise<FastifyInstance> {
  clock = stage.world.now()
  failures = []
  const built = Fastify()
  agentApp(built, { cast, now: () => clock, report: (error) => failures.push(error) })
  await built.ready()
  return built
}

/** A browser with one cookie. */
function browser(at = app) {
  let cookie = ''
  async function send(request: InjectOptions) {
    const answer = await at.inject({ ...request, headers: { ...request.headers, cookie } })
    const set = answer.cookies.find(({ name }) => name === 'finch_session')
    if (set !== undefined) cookie = `${set.name}=${set.value}`
    return answer
  }
  const get = (url: string) => send({ method: 'GET', url })
  const formToken = async () => /name="form_token" value="([^"]+)"/.exec((await get('/')).body)?.[1] ?? ''
  return {
    get,
    cookie: () => cookie,
    formToken,
    post: (url: string, form: { [name: string]: string }) =>
      send({
        method: 'POST',
        url,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: new URLSearchParams(form).toString(),
      }),
    /** Presses a button, and follows to the page it leads to. */
    async press(url: string, form: { [name: string]: string } = {}) {
      const { statusCode, headers } = await this.post(url, { ...form, form_token: await formToken() })
      expect(statusCode).toBe(303)
      return await get(String(headers.location))
    },
    /** Goes to Passgate and comes back with its answer. */
    async visitProvider(person: string): Promise<URL> {
      return await walkSignIn(String((await get('/sign-in')).headers.location), person)
    },
    async signIn(person: string) {
      const callback = await this.visitProvider(person)
      return await get(callback.pathname + callback.search)
    },
  }
}

describe('signing in', () => {
  it('leads from the welcome page to what the agent may reach', async () => {
    const alice = browser()
    expect((await alice.get('/')).body).toContain('Sign in with your company')
    expect((await alice.signIn('alice')).headers.location).toBe('/')
    const home = await alice.get('/')
    expect(home.body).toContain('Hello, Alice Archer')
    expect(home.body).toContain('chat.write')
    expect((await alice.get('/id-token')).body).toContain('ties it to the one sign-in that Finch started')
  })

  it('asks for a code with PKCE, state and nonce', async () => {
    const address = new URL(String((await browser().get('/sign-in')).headers.location))
    expect(Object.fromEntries(address.searchParams)).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
    })
  })

  it('gives the session a new id, which no script can read', async () => {
    const alice = browser()
    await alice.get('/sign-in')
    const before = alice.cookie()
    const answer = await alice.signIn('alice')
    expect(alice.cookie()).not.toBe(before)
    expect(answer.headers['set-cookie']).toMatch(/; HttpOnly; SameSite=Lax$/)
    expect((await app.inject({ url: '/id-token', headers: { cookie: before } })).statusCode).toBe(303)
  })

  it('refuses an answer with the state of another sign-in, and takes its own afterwards only when begun again', async () => {
    const alice = browser()
    const callback = await alice.visitProvider('alice')
    const own = callback.pathname + callback.search
    callback.searchParams.set('state', 'another')
    const refused = await alice.get(callback.pathname + callback.search)
    expect([refused.statusCode, refused.body]).toEqual([400, expect.stringContaining('You are not signed in')])
    expect((await alice.get(own)).statusCode).toBe(400)
    expect((await alice.signIn('alice')).statusCode).toBe(303)
  })

  it('refuses an answer in a browser that did not begin it', async () => {
    const alice = browser()
    const callback = await alice.visitProvider('alice')
    const address = callback.pathname + callback.search
    expect((await browser().get(address)).statusCode).toBe(400)
    const mallory = browser()
    await mallory.get('/sign-in')
    expect((await mallory.get(address)).statusCode).toBe(400)
    expect((await alice.get(address)).statusCode).toBe(303)
  })

  it('refuses an ID Token that was made for another sign-in', async () => {
    const alice = browser()
    const begun = new URL(String((await alice.get('/sign-in')).headers.location))
    const changed = new URL(begun)
    changed.searchParams.set('nonce', 'of-another-sign-in')
    const callback = await walkSignIn(changed, 'alice')
    const refused = await alice.get(callback.pathname + callback.search)
    expect([refused.statusCode, refused.body]).toEqual([400, expect.stringContaining('because of its claim nonce')])
  })

  it('does not let the disabled person through, and says so', async () => {
    await expect(browser().visitProvider('mallory')).rejects.toThrow('disabled')
    expect((await browser().signIn('bob')).statusCode).toBe(303)
  })

  it('ends with signing out, and by itself after eight hours', async () => {
    const alice = browser()
    await alice.signIn('alice')
    expect((await alice.press('/sign-out')).body).toContain('Sign in with your company')
    await alice.signIn('alice')
    clock += 8 * 3600 - 1
    expect((await alice.get('/id-token')).statusCode).toBe(200)
    clock += 1
    expect((await alice.get('/id-token')).statusCode).toBe(303)
  })
})

describe('an errand', () => {
  it('reads the chat as the person, and shows each token and what each server wrote', async () => {
    const alice = browser()
    await alice.signIn('alice')
    const { body } = await alice.press('/read')
    expect(body).toContain('Tidewater Chat answers Alice Archer')
    for (const part of [
      'ID-JAG',
      'Access token',
      'oauth-id-jag+jwt',
      'Made by <b>Passgate</b> for <b>Tidewater Chat</b>',
    ])
      expect(body).toContain(part)
    expect(body.match(/<b>Audit<\/b> of the (identity provider|authorization server|guard of the API)/g)).toHaveLength(
      4,
    )
    for (const { secret } of [stage.world.clients.assistant.idp, stage.world.clients.assistant.resourceAs])
      expect(body).not.toContain(secret)
  })

  it('asks over MCP who the person is there, as one request beside the handshake', async () => {
    const bob = browser()
    await bob.signIn('bob')
    const { body } = await bob.press('/whoami')
    expect(body).toContain('The chat knows you as Bob Baker')
    expect(body.match(/<h3>Tidewater Chat answers the call<\/h3>/g)).toHaveLength(1)
  })

  it('posts by the API or by MCP, and hostile words stay words', async () => {
    const alice = browser()
    await alice.signIn('alice')
    for (const by of ['api', 'mcp']) {
      const { body } = await alice.press('/post', { text: hostile, by })
      expect(body).toContain('Posted as you')
      expect(body).toContain('onerror=')
      expect(body).not.toContain('<img src=x')
    }
    expect((await alice.press('/read')).body).not.toContain('<img src=x')
  })

  it('that is refused says who refused it and why', async () => {
    const alice = browser()
    await alice.signIn('alice')
    const replay = (await alice.press('/replay')).body
    expect(replay).toContain('Refused: the ID-JAG was used before')
    expect(replay).toContain('because <code>replay</code>')
    expect(replay).toContain('<dt>its operator reads</dt><dd><code>replay</code></dd>')
    const elsewhere = (await alice.press('/elsewhere')).body
    expect(elsewhere).toContain('Refused: it was made for somebody else')
    expect(elsewhere).toContain('because <code>aud_mismatch</code>')
    const removed = (await alice.press('/disconnect')).body
    expect(removed).toContain('Finch was stopped')
    expect(removed).toContain('because <code>target_unknown</code>')
    expect((await alice.get('/')).body).toContain('removed by Acme')
    expect((await alice.press('/reconnect')).body).not.toContain('removed by Acme')
    expect((await alice.press('/read')).body).toContain('Tidewater Chat answers Alice Archer')
  })
})

describe('the comparison', () => {
  it('is for those who are signed in', async () => {
    expect((await browser().get('/compare')).headers.location).toBe('/')
  })

  it('stands on the home page in plain words, and leads to the unmanaged application', async () => {
    const alice = browser()
    await alice.signIn('alice')
    const { body } = await alice.get('/')
    expect(body).toContain('You click Allow on a page of Tidewater Chat')
    expect(body).toContain('Only the operator of Tidewater Chat can')
    expect(body).toContain(`<a class="button" href="${stage.unmanagedUrl}/">Try Magpie</a>`)
  })

  it('shows what two companies wrote down about both applications, and that only one stops', async () => {
    const alice = browser()
    await alice.signIn('alice')
    await alice.press('/read')
    expect((await alice.get('/compare')).body).toContain('Let Magpie in first')
    const { caller } = await letIn(stage.cast)
    expect(caller).toMatchObject({ account: 'chat-alice', client: stage.cast.unmanaged.clientId })
    const { body } = await alice.get('/compare')
    expect(body).not.toContain('Let Magpie in first')
    const [, atProvider = '', atChat = ''] = body.split('wrote down:')
    expect(atProvider).toMatch(/exchange, granted; client assistant-/)
    expect(atProvider).toMatch(/sign-in of alice-\w+ to Tidewater Chat/)
    expect(atProvider).toContain('Not one line names Magpie')
    expect(atProvider).not.toContain(stage.cast.unmanaged.clientId)
    expect(atChat).toContain(`consent, granted; client ${stage.cast.unmanaged.clientId}`)
    expect(atChat).toMatch(/redeem, granted; client assistant-there-/)
    expect((await alice.press('/disconnect')).body).toContain('It does not stop <a')
    expect((await alice.get('/compare')).body).toContain('Restore the connection')
    await alice.press('/reconnect')
    expect((await alice.get('/compare')).body).toContain('Remove the connection')
  })
})

describe('a form', () => {
  it('without the token of its session does nothing', async () => {
    const alice = browser()
    await alice.signIn('alice')
    const before = stage.world.audit.length
    const ways = ['/read', '/post', '/whoami', '/replay', '/elsewhere', '/disconnect', '/reconnect', '/sign-out']
    for (const way of ways)
      for (const form of [{}, { form_token: 'guessed' }]) expect((await alice.post(way, form)).statusCode).toBe(403)
    expect(stage.world.audit.length).toBe(before)
    expect((await alice.get('/')).body).toContain('Hello, Alice Archer')
  })

  it('of another person’s session does nothing', async () => {
    const [alice, bob] = [browser(), browser()]
    await alice.signIn('alice')
    await bob.signIn('bob')
    expect((await bob.post('/read', { form_token: await alice.formToken() })).statusCode).toBe(403)
    expect((await bob.post('/read', { form_token: await bob.formToken() })).statusCode).toBe(303)
  })

  it('of somebody who has not signed in leads to the start', async () => {
    const { statusCode, headers } = await browser().post('/read', { form_token: '' })
    expect([statusCode, headers.location]).toEqual([303, '/'])
  })

  it('that is no form, or too large, is refused with a page', async () => {
    const alice = browser()
    await alice.signIn('alice')
    const json = { 'content-type': 'application/json', cookie: alice.cookie() }
    expect((await app.inject({ method: 'POST', url: '/read', headers: json, payload: '{}' })).statusCode).toBe(415)
    expect((await alice.post('/post', { text: 'x'.repeat(9000) })).statusCode).toBe(413)
  })
})

describe('every page', () => {
  it('is for this machine alone: a foreign Host or Origin is refused', async () => {
    const asked = (headers: { [name: string]: string }) => app.inject({ url: '/', headers })
    expect((await asked({ host: '127.0.0.1:4006' })).statusCode).toBe(200)
    expect((await asked({ host: 'rebound.example' })).statusCode).toBe(403)
    expect((await asked({ origin: 'https://elsewhere.example' })).statusCode).toBe(403)
  })

  it('forbids scripts, frames and foreign styles', async () => {
    for (const url of ['/', '/style.css', '/nowhere', '/callback']) {
      const policy = String((await browser().get(url)).headers['content-security-policy'])
      expect(policy).toContain("default-src 'none'")
      expect(policy).not.toMatch(/unsafe|script-src/)
      expect(policy).toContain("frame-ancestors 'none'")
    }
    expect((await browser().get('/')).body).not.toMatch(/<script| style=| on\w+=/)
  })

  it('shows a hostile name as text', async () => {
    const person = { sub: 's', name: hostile, idToken: '', nonce: '', observed: [] }
    const session = { id: '1', formToken: '"><script>', startedAt: 0, person }
    const outcome = { kind: 'stopped', at: 'exchange', code: 'x', sentence: hostile } as const
    const errand = { outcome, observed: [] }
    for (const deed of ['sign-in', 'errand'] as const) {
      const text = resultPage({ deed, errand }, stage.cast, session)
      expect(text).toContain('&lt;img src=x')
      expect(text).not.toMatch(/<img src=x|<script/)
    }
  })

  it('explains a server that does not answer without details, and tells the operator', async () => {
    const deaf = await build({ ...stage.cast, connections: () => Promise.reject(new Error('ECONNREFUSED 127.0.0.1')) })
    const alice = browser(deaf)
    await alice.signIn('alice')
    const { statusCode, body } = await alice.get('/')
    expect([statusCode, body]).toEqual([500, expect.stringContaining('The terminal says why')])
    expect(body).not.toContain('ECONNREFUSED')
    expect(failures).toHaveLength(1)
  })
})

describe('[CL-11] posting to #finance', () => {
  it('stops for want of a better sign-in, sends the person there, and posts when they come back', async () => {
    const alice = browser()
    await alice.signIn('alice')
    const stopped = (await alice.press('/finance', { text: 'Closed.' })).body
    expect(stopped).toContain('Tidewater Chat wants a better sign-in')
    expect(stopped).toContain('not older than 5 minutes')
    const again = new URL(String((await alice.get('/sign-in-again')).headers.location))
    expect(Object.fromEntries(again.searchParams)).toMatchObject({
      acr_values: 'urn:acme.example:acr:confirmed',
      max_age: '300',
      prompt: 'login',
    })
    const callback = await walkSignIn(again, 'alice')
    const back = await alice.get(callback.pathname + callback.search)
    expect([back.statusCode, back.headers.location]).toEqual([303, '/result'])
    const posted = (await alice.get('/result')).body
    expect(posted).toContain('Posted as you')
    expect(posted).toContain('Closed.')
  })

  it('posts nothing for somebody else who comes back, and has no second sign-in without a need', async () => {
    const alice = browser()
    await alice.signIn('alice')
    expect((await alice.get('/sign-in-again')).headers.location).toBe('/')
    await alice.press('/finance', { text: 'By whom?' })
    const again = String((await alice.get('/sign-in-again')).headers.location)
    const callback = await walkSignIn(again, 'bob')
    expect((await alice.get(callback.pathname + callback.search)).headers.location).toBe('/')
    expect((await alice.get('/')).body).toContain('Hello, Bob Baker')
    expect((await alice.press('/read')).body).not.toContain('By whom?')
  })
})
