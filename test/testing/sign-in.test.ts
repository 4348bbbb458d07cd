/** The sign-in: a real OpenID provider with PKCE, a page of people, and refresh tokens that are good subject tokens. */

import { readFile } from 'node:fs/promises'
import { decodeJwt, decodeProtectedHeader, importJWK, type JWK, SignJWT } from 'jose'
import { afterAll, describe, expect, it } from 'vitest'
import { type HeadlessSignIn, signInHeadless, walkSignIn } from '../../src/testing/headless-sign-in.ts'
import { startWorld } from '../../src/testing/world.ts'
import { rawRequest } from '../fixture/raw-request.ts'
import { basic, exchange, postForm } from './flow.ts'

const failures: string[] = []
const world = await startWorld({ report: (message) => failures.push(message) })
afterAll(() => world.close())
const { idp } = world
const client = world.clients.assistant.idp
const refreshTokenType = { subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }
const redirectUri = 'http://127.0.0.1:54321/callback'
// RFC 7636 appendix B
const pkce = {
  verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
}

function signIn(change: Partial<HeadlessSignIn> = {}) {
  return signInHeadless({ ...idp, client, person: 'alice', ...change })
}

/** The address that begins a sign-in, with anything changed; undefined takes a parameter away. */
function authorizationUrl(change: { [name: string]: string | undefined } = {}): URL {
  const parameters = {
    response_type: 'code',
    client_id: client.id,
    redirect_uri: redirectUri,
    scope: 'openid email',
    state: 'a-state',
    code_challenge: pkce.challenge,
    code_challenge_method: 'S256',
    ...change,
  }
  const url = new URL(`${idp.issuer}/authorize`)
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value)
  return url
}

async function codeFor(change: { [name: string]: string | undefined } = {}): Promise<string> {
  const callback = await walkSignIn(authorizationUrl(change), 'alice')
  return callback.searchParams.get('code') ?? ''
}

const grant = (code: string) => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: redirectUri,
  code_verifier: pkce.verifier,
})

describe('an ID Token', () => {
  it('says who signed in, when and how, and is signed with ES256', async () => {
    const { idToken } = await signIn()
    expect(decodeProtectedHeader(idToken)).toMatchObject({ alg: 'ES256' })
    expect(decodeJwt(idToken)).toMatchObject({
      iss: idp.issuer,
      aud: client.id,
      sub: world.users[0]?.sub,
      name: 'Alice Archer',
      email: 'alice@acme.example',
      email_verified: true,
      groups: ['everyone', 'engineering'],
      auth_time: expect.any(Number),
      acr: 'urn:acme.example:acr:chosen',
      amr: ['user'],
    })
  })

  it('is a subject token, and hands its sign-in on', async () => {
    const { idToken } = await signIn()
    const { status, body } = await exchange(world, idToken)
    expect(status).toBe(200)
    const { auth_time, acr, amr } = decodeJwt(idToken)
    expect(decodeJwt(String(body.access_token))).toMatchObject({ auth_time, acr, amr })
  })

  it("is no subject token in another client's hands", async () => {
    const { idToken } = await signIn()
    const { notebook } = world.clients
    expect((await exchange(world, idToken, {}, notebook.idp)).body).toMatchObject({ error: 'invalid_grant' })
  })
})

describe('a refresh token', () => {
  const withRefreshToken = async () => {
    const { refreshToken } = await signIn({ scope: 'openid email offline_access' })
    return refreshToken ?? ''
  }

  it('comes with offline_access alone', async () => {
    expect(await signIn()).not.toHaveProperty('refreshToken')
    expect(await withRefreshToken()).toMatch(/^[\w-]{43}$/)
  })

  it('gives one ID-JAG after another and is as good as before', async () => {
    const token = await withRefreshToken()
    const [first, second] = [
      await exchange(world, token, refreshTokenType),
      await exchange(world, token, refreshTokenType),
    ]
    expect([first.status, second.status]).toEqual([200, 200])
    expect(decodeJwt(String(first.body.access_token)).jti).not.toBe(decodeJwt(String(second.body.access_token)).jti)
    const renewed = await postForm(
      idp.tokenEndpoint,
      { grant_type: 'refresh_token', refresh_token: token },
      basic(client),
    )
    expect(renewed.body).toMatchObject({ token_type: 'Bearer', id_token: expect.any(String) })
  })

  it('ends when it is revoked, and not before', async () => {
    const token = await withRefreshToken()
    expect((await exchange(world, token, refreshTokenType)).status).toBe(200)
    await fetch(`${idp.issuer}/revoke`, {
      method: 'POST',
      headers: basic(client),
      body: new URLSearchParams({ token }),
    })
    expect((await exchange(world, token, refreshTokenType)).body).toMatchObject({ error: 'invalid_grant' })
  })

  it("is no subject token in another client's hands", async () => {
    const token = await withRefreshToken()
    const refused = await exchange(world, token, refreshTokenType, world.clients.notebook.idp)
    expect(refused.body).toMatchObject({ error: 'invalid_grant' })
  })
})

describe('the page', () => {
  const open = async () => {
    const begun = await fetch(authorizationUrl(), { redirect: 'manual' })
    const cookie = begun.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ')
    const url = new URL(begun.headers.get('location') ?? '', idp.issuer)
    return { url, cookie, page: await fetch(url, { headers: { cookie } }) }
  }

  it('offers three people and a disabled one, without a script', async () => {
    const { page } = await open()
    const text = await page.text()
    for (const name of ['Alice Archer', 'Bob Baker', 'Carol Carter', 'Mallory Miller']) expect(text).toContain(name)
    expect(text.match(/class="badge"/g)).toHaveLength(1)
    expect(text).not.toMatch(/<script| style=| on[a-z]+=/)
    expect(text).toMatch(/<html lang="en">[\s\S]*<main>[\s\S]*<h1>/)
  })

  it('lets nothing in but its style sheet, and the form go to the application and nowhere else', async () => {
    const { page } = await open()
    expect(page.headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; form-action 'self' http://127.0.0.1:54321; base-uri 'none'; frame-ancestors 'none'",
    )
    expect(page.headers.get('cache-control')).toBe('no-store')
    const style = await fetch(`${idp.issuer}/sign-in.css`)
    expect(style.headers.get('content-type')).toBe('text/css; charset=utf-8')
  })

  it('refuses the disabled person with a sentence, and takes the next choice', async () => {
    const { url, cookie } = await open()
    const choose = (person: string) =>
      fetch(url, { method: 'POST', redirect: 'manual', headers: { cookie }, body: new URLSearchParams({ person }) })
    const refused = await choose('mallory')
    expect(refused.status).toBe(403)
    expect(await refused.text()).toContain('The account of Mallory Miller is disabled and cannot sign in.')
    expect((await choose('nobody')).status).toBe(400)
    expect((await choose('bob')).status).toBe(303)
  })

  it.each(['evil.example', 'a b', ']['])('[ATK-095] is at its own address, even for the host %j', async (host) => {
    const { pathname, search, port } = authorizationUrl()
    const answer = await rawRequest(Number(port), [`GET ${pathname}${search} HTTP/1.1`, `Host: ${host}`])
    expect(answer.status).toBe(303)
    expect(answer.headers.get('location')).toMatch(/^\/sign-in\/[\w-]+$/)
  })

  it('passes over a resource that the application names', async () => {
    const callback = await walkSignIn(authorizationUrl({ resource: 'https://mcp.chat.example' }), 'alice')
    expect(callback.searchParams.get('error')).toBeNull()
    expect(callback.searchParams.get('code')).toMatch(/^[\w-]+$/)
  })

  it('is good for the browser that began alone', async () => {
    const { url } = await open()
    const other = await open()
    for (const headers of [{}, { cookie: other.cookie }])
      expect(await (await fetch(url, { headers })).text()).toContain('This sign-in has ended')
  })

  it('sends somebody who cancels back to the application', async () => {
    const { url, cookie } = await open()
    const cancelled = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { cookie },
      body: new URLSearchParams({ cancel: 'yes' }),
    })
    const resumed = await fetch(new URL(cancelled.headers.get('location') ?? ''), {
      redirect: 'manual',
      headers: { cookie },
    })
    const back = new URL(resumed.headers.get('location') ?? '')
    expect(back.origin).toBe(new URL(redirectUri).origin)
    expect(back.searchParams.get('error')).toBe('access_denied')
  })

  it('names an error without a redirect where the application is not known', async () => {
    const answer = await fetch(authorizationUrl({ client_id: '<b>nobody</b>' }), { redirect: 'manual' })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('This sign-in cannot go on')
  })
})

describe('somebody else at the same browser', () => {
  it('signs in anew with prompt=login, and the first person is signed out', async () => {
    const jar: { [name: string]: string } = {}
    const step = async (url: URL, form?: { [name: string]: string }) => {
      const answer = await fetch(url, {
        redirect: 'manual',
        headers: {
          cookie: Object.entries(jar)
            .map((pair) => pair.join('='))
            .join('; '),
        },
        ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
      })
      for (const line of answer.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (value === '') delete jar[name]
        else jar[name] = value
      }
      return answer
    }
    const next = async (answer: Response) => await step(new URL(answer.headers.get('location') ?? '', idp.issuer))
    const choose = async (begun: Response, person: string) =>
      next(await step(new URL(begun.headers.get('location') ?? '', idp.issuer), { person }))
    const emailOf = async (answer: Response) => {
      const code = new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? ''
      const { body } = await postForm(idp.tokenEndpoint, grant(code), basic(client))
      return decodeJwt(String(body.id_token)).email
    }
    const consented = async (answer: Response) => next(await next(answer))

    expect(await emailOf(await consented(await choose(await step(authorizationUrl()), 'alice')))).toBe(
      'alice@acme.example',
    )
    const changing = await choose(await step(authorizationUrl({ prompt: 'login' })), 'bob')
    const page = await changing.text()
    const action = /action="([^"]+)"/.exec(page)?.[1] ?? ''
    const fields = [...page.matchAll(/name="([^"]+)" value="([^"]+)"/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ])
    const resumed = await next(await step(new URL(action), Object.fromEntries(fields)))
    expect(await emailOf(await consented(resumed))).toBe('bob@acme.example')
  })
})

describe('a code', () => {
  it.each([
    ['without PKCE', { code_challenge: undefined, code_challenge_method: undefined }],
    ['with the plain method', { code_challenge_method: 'plain' }],
  ])('is not given %s', async (_how, change) => {
    const callback = await walkSignIn(authorizationUrl(change), 'alice')
    expect(callback.searchParams.get('error')).toBe('invalid_request')
    expect(await codeFor()).not.toBe('')
  })

  it('is good with its verifier alone, and once', async () => {
    const code = await codeFor()
    const post = (form: { [name: string]: string }) => postForm(idp.tokenEndpoint, form, basic(client))
    const wrong = await post({ ...grant(code), code_verifier: 'a'.repeat(43) })
    expect(wrong.body).toMatchObject({ error: 'invalid_grant' })
    const again = grant(await codeFor())
    expect((await post(again)).status).toBe(200)
    expect((await post(again)).body).toMatchObject({ error: 'invalid_grant' })
  })

  it('is redeemed with every method of client authentication', async () => {
    const { id, secret } = client
    const inBody = await postForm(idp.tokenEndpoint, {
      ...grant(await codeFor()),
      client_id: id,
      client_secret: secret,
    })
    expect(inBody.status).toBe(200)

    const [jwk] = (JSON.parse(await readFile(client.jwkFile ?? '', 'utf8')) as { keys: JWK[] }).keys
    const assertion = await new SignJWT({ jti: 'assertion-1' })
      .setProtectedHeader({ alg: 'ES256', kid: jwk?.kid ?? '' })
      .setIssuer(id)
      .setSubject(id)
      .setAudience(idp.issuer)
      .setIssuedAt()
      .setExpirationTime('1 minute')
      .sign(await importJWK(jwk ?? { kty: 'EC' }, 'ES256'))
    const signed = {
      client_assertion: assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    }
    expect((await postForm(idp.tokenEndpoint, { ...grant(await codeFor()), ...signed })).status).toBe(200)
    const replayed = await postForm(idp.tokenEndpoint, { ...grant(await codeFor()), ...signed })
    expect(replayed.body).toMatchObject({ error: 'invalid_client' })
  })

  it('is not redeemed with a wrong secret', async () => {
    const refused = await postForm(idp.tokenEndpoint, grant(await codeFor()), basic({ ...client, secret: 'wrong' }))
    expect([refused.status, refused.body.error]).toEqual([401, 'invalid_client'])
    expect(refused.headers.get('cache-control')).toBe('no-store')
    expect(refused.headers.get('x-correlation-id')).not.toBeNull()
  })
})

it('is walked without a browser by one call, and has failed nowhere in these tests', async () => {
  await expect(signIn({ person: 'mallory' })).rejects.toThrow('is disabled and cannot sign in')
  const { accessToken } = await signIn({ person: 'carol' })
  const answer = await fetch(`${idp.issuer}/userinfo`, { headers: { authorization: `Bearer ${accessToken}` } })
  expect(await answer.json()).toMatchObject({ email: 'carol@acme.example', name: 'Carol Carter' })
  expect(failures).toEqual([])
})
