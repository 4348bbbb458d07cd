/** The unmanaged application: its document, the way of a person through sign-in and consent, and what ends it and what does not. */

import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { magpieApp } from '../../src/demo/magpie/magpie-app.ts'
import { type Demo, startDemo } from '../../src/demo/start.ts'
import { twoAudits } from '../../src/demo/two-audits.ts'
import { type ConsentDecision, walkConsent } from '../../src/testing/headless-sign-in.ts'

let stage: Demo
let app: FastifyInstance
let failures: unknown[]
beforeAll(async () => {
  stage = await startDemo({ port: 0, report: () => {} })
})
afterAll(() => stage.close())
beforeEach(async () => {
  failures = []
  app = Fastify()
  magpieApp(app, { cast: stage.cast, now: stage.world.now, report: (error) => failures.push(error) })
  await app.ready()
})

/** A browser with one cookie. The document of the application is served by the one of the stage. */
function browser() {
  let cookie = ''
  const send = async (request: InjectOptions) => {
    const answer = await app.inject({ ...request, headers: { ...request.headers, cookie } })
    const set = answer.cookies.find(({ name }) => name === 'magpie_session')
    if (set !== undefined) cookie = `${set.name}=${set.value}`
    return answer
  }
  const get = (url: string) => send({ method: 'GET', url })
  return {
    get,
    async press(url: string, token?: string) {
      const shown = token ?? /name="form_token" value="([^"]+)"/.exec((await get('/')).body)?.[1] ?? ''
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      return await send({
        method: 'POST',
        url,
        headers,
        payload: new URLSearchParams({ form_token: shown }).toString(),
      })
    },
    /** Goes to the chat and comes back with its answer, as a path. */
    async beAsked(decision: ConsentDecision, person = 'alice'): Promise<URL> {
      const { statusCode, headers } = await get('/connect')
      expect(statusCode).toBe(303)
      return (await walkConsent(String(headers.location), { person, decision })).callback
    },
    async connect(person = 'alice') {
      const callback = await this.beAsked('allow', person)
      return await get(callback.pathname + callback.search)
    },
  }
}

/** What the operator of the chat does, while something is tried. */
async function whileBlocked(who: { client: string } | { user: string }, attempt: () => Promise<void>): Promise<void> {
  const { url, token } = stage.world.admin
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const made = await fetch(`${url}/blocks`, { method: 'POST', headers, body: JSON.stringify(who) })
  expect(made.status).toBe(201)
  try {
    await attempt()
  } finally {
    const { authorization } = headers
    const lifted = await fetch(`${url}/blocks?${new URLSearchParams(who)}`, {
      method: 'DELETE',
      headers: { authorization },
    })
    expect(lifted.status).toBe(200)
  }
}

describe('the unmanaged application', () => {
  it('publishes its document at its id, and asks for no secret', async () => {
    const { clientId, origin } = stage.cast.unmanaged
    const answer = await fetch(clientId)
    expect([answer.headers.get('content-type'), await answer.json()]).toEqual([
      'application/json; charset=utf-8',
      {
        client_id: clientId,
        client_name: 'Magpie',
        redirect_uris: [`${origin}/callback`],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      },
    ])
  })

  it('asks the chat for a code with PKCE and state, for the MCP server alone', async () => {
    const { headers } = await browser().get('/connect')
    const address = new URL(String(headers.location))
    expect(address.origin).toBe(stage.cast.chat.issuer)
    expect(Object.fromEntries(address.searchParams)).toMatchObject({
      client_id: stage.cast.unmanaged.clientId,
      code_challenge_method: 'S256',
      state: expect.stringMatching(/^[\w-]{43}$/),
      resource: stage.cast.chat.mcpUrl,
    })
  })

  it.each([
    ['alice', 'Alice Archer'],
    ['bob', 'Bob Baker'],
  ])('that %s lets in reaches the chat as %s', async (person, name) => {
    const visitor = browser()
    expect((await visitor.get('/')).body).toContain('nobody knows Magpie')
    expect((await visitor.connect(person)).headers.location).toBe('/')
    const { body } = await visitor.get('/')
    expect(body).toContain(`Magpie reaches the chat as ${name}`)
    expect(body.match(/<li><h3>/g)).toHaveLength(6)
    expect(body).not.toMatch(/eyJ|code_verifier|refresh_token=/)
  })

  it('that is denied has nothing, and may ask again', async () => {
    const alice = browser()
    const callback = await alice.beAsked('deny')
    const refused = await alice.get(callback.pathname + callback.search)
    expect([refused.statusCode, refused.body]).toEqual([400, expect.stringContaining('you did not let Magpie in')])
    expect((await alice.get('/')).body).toContain('nobody knows Magpie')
    expect((await alice.connect()).statusCode).toBe(303)
  })

  it('takes an answer once, in the browser that was asked, with the state of its question', async () => {
    const alice = browser()
    const callback = await alice.beAsked('allow')
    const address = callback.pathname + callback.search
    expect((await browser().get(address)).statusCode).toBe(400)
    const mallory = browser()
    await mallory.get('/connect')
    expect((await mallory.get(address)).statusCode).toBe(400)
    expect((await alice.get(address)).statusCode).toBe(303)
    expect((await alice.get(address)).statusCode).toBe(400)
    expect((await alice.get('/')).body).toContain('Magpie reaches the chat')
  })

  it('refuses an answer that names another issuer (RFC 9207)', async () => {
    const alice = browser()
    const callback = await alice.beAsked('allow')
    callback.searchParams.set('iss', stage.cast.files.issuer)
    const refused = await alice.get(callback.pathname + callback.search)
    expect([refused.statusCode, refused.body]).toEqual([400, expect.stringContaining('the chat did not let Magpie in')])
  })

  it('forgets who asks it to, and does nothing for a form that is not its own', async () => {
    const alice = browser()
    await alice.connect()
    for (const path of ['/ask', '/forget']) {
      expect((await alice.press(path, 'guessed')).statusCode).toBe(403)
      expect((await browser().press(path)).statusCode).toBe(403)
    }
    expect((await alice.press('/ask')).statusCode).toBe(303)
    expect((await alice.press('/forget')).statusCode).toBe(303)
    expect((await alice.get('/')).body).toContain('nobody knows Magpie')
  })

  it('forbids scripts, frames and foreign styles, and is for this machine alone', async () => {
    for (const url of ['/', '/nowhere', '/callback', '/client.json']) {
      const policy = String((await browser().get(url)).headers['content-security-policy'])
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
    }
    expect((await app.inject({ url: '/', headers: { host: 'rebound.example' } })).statusCode).toBe(403)
    expect((await app.inject({ url: '/', headers: { host: '127.0.0.1:4007' } })).statusCode).toBe(200)
  })
})

describe('what ends it', () => {
  it('is not that the employer removes the connection of the managed agent', async () => {
    const alice = browser()
    await alice.connect()
    await stage.cast.setConnection(stage.cast.chat.issuer, false)
    try {
      expect((await alice.press('/ask')).headers.location).toBe('/')
      expect((await browser().connect('bob')).headers.location).toBe('/')
    } finally {
      await stage.cast.setConnection(stage.cast.chat.issuer, true)
    }
  })

  it('is a block of the application at the chat, which no consent undoes', async () => {
    const alice = browser()
    await alice.connect()
    const asked = async () => String((await alice.press('/ask')).headers.location)
    await whileBlocked({ client: stage.cast.unmanaged.clientId }, async () => {
      await expect.poll(asked).toContain(`${stage.cast.chat.issuer}/authorize`)
      await expect(alice.beAsked('allow')).rejects.toThrow('client is invalid')
    })
    // What ended stays ended: the person is asked again.
    expect(String((await alice.get('/connect')).headers.location)).toContain(`${stage.cast.chat.issuer}/authorize`)
    expect((await alice.connect()).headers.location).toBe('/')
    expect(failures).toEqual([])
  })

  it('is a block of the person’s account at the chat', async () => {
    const bob = browser()
    await bob.connect('bob')
    await whileBlocked({ user: 'chat-bob' }, async () => {
      await expect.poll(async () => (await bob.press('/ask')).body).toContain('does not let Magpie in any more')
    })
    expect(failures).toEqual([])
  })
})

describe('the records of two companies', () => {
  it('name it at the chat, and nowhere at the identity provider', async () => {
    const before = twoAudits(stage.cast)
    await browser().connect()
    const { employer, vendor } = twoAudits(stage.cast)
    expect(employer.namingUnmanaged).toBe(0)
    expect(employer.unmanaged.slice(before.employer.unmanaged.length).map(({ text }) => text)).toEqual([
      expect.stringMatching(/^sign-in of alice-\w+ to Tidewater Chat$/),
    ])
    const news = vendor.unmanaged.slice(before.vendor.unmanaged.length).map(({ text }) => text)
    expect(news).toEqual([expect.stringMatching(/^consent, granted/), expect.stringMatching(/^code, granted/)])
  })
})
