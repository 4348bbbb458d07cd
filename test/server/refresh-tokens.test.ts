/** Refresh tokens through a whole deployment: an assistant works on for hours after its person's ID Token has expired. */

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import { acmeKey, acmeSaml, assertionXml, encoded, signed, wikiAcs, wikiSp } from '../saml/assertions.ts'
import { type Deployment, deploy } from './deployment.ts'
import { environment } from './example.ts'

const hour = 3600
const soon = { timeout: 15_000, interval: 100 }
const basic = { authorization: `Basic ${btoa(`assistant:${environment.ASSISTANT_SECRET}`)}` }

let world: Deployment
let ahead = 0

beforeAll(async () => {
  world = await deploy(2, {
    idp: ({ connections, ...idp }) => ({
      ...idp,
      refreshTokens: { sessionAge: 12 * hour },
      connections: connections.map((connection) => ({
        ...connection,
        signIn: {},
        refreshTokens: { maxAge: 8 * hour },
      })),
    }),
    ahead: () => ahead,
  })
}, 120_000)
afterAll(() => world.close())

async function send(at: number, path: string, form: { [name: string]: string }) {
  const url = `${world.addresses[at]?.idp}${path}`
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(form), headers: basic })
  const text = await response.text()
  return { status: response.status, body: text === '' ? {} : JSON.parse(text) }
}

const exchangeFor = async (at: number, requested: string, type: string, token: string) =>
  await send(at, '/token', {
    grant_type: grantType.tokenExchange,
    requested_token_type: requested,
    subject_token: token,
    subject_token_type: type,
    ...(requested === tokenType.idJag ? { audience: world.chat } : { scope: 'openid offline_access' }),
  })
const issue = async (at = 0, claims: object = { auth_time: undefined }) =>
  await exchangeFor(at, tokenType.refreshToken, tokenType.idToken, await world.idToken(claims))
const use = async (at: number, token: string) => await exchangeFor(at, tokenType.idJag, tokenType.refreshToken, token)

describe('a refresh token of a deployment', () => {
  it('leads to an ID-JAG that is redeemed, three hours after the sign-in, at every server on the store', async () => {
    ahead = -3 * hour
    const signedIn = Math.floor(Date.now() / 1000) + ahead
    const signIn = { iat: signedIn, exp: signedIn + 300, auth_time: signedIn, groups: ['writers'] }
    const issued = await issue(0, signIn)
    expect(issued).toMatchObject({ status: 200, body: { token_type: 'N_A', scope: 'openid offline_access' } })
    expect(issued.body.expires_in).toBeGreaterThan(8 * hour - 60)
    ahead = 0
    expect((await issue(0, signIn)).body.error).toBe('invalid_grant')
    for (const at of [0, 1]) {
      const { body } = await use(at, issued.body.access_token)
      // What nobody but the issuer of the ID Token knows, such as groups, is as it was at sign-in.
      expect(body.scope).toBe('chat.read chat.write')
      expect(await world.redeem(at, body.access_token)).toMatchObject({ status: 200, body: { token_type: 'Bearer' } })
    }
    ahead = 5 * hour + 60
    expect((await use(0, issued.body.access_token)).body.error).toBe('invalid_grant')
    ahead = 0
  })

  it('is ended at every server by its client, and by a block, for good', async () => {
    const [given, blocked] = [(await issue()).body.access_token, (await issue()).body.access_token]
    expect((await send(1, '/revoke', { token: given })).status).toBe(200)
    expect((await use(0, given)).body.error).toBe('invalid_grant')
    expect((await use(0, blocked)).status).toBe(200)
    await world.administer('block', { user: 'alice' })
    for (const at of [0, 1])
      await expect.poll(async () => (await use(at, blocked)).body.error, soon).toMatch(/invalid_grant|access_denied/)
    expect((await issue()).body.error).toMatch(/invalid_grant|access_denied/)
    await world.administer('unblock', { user: 'alice' })
    await expect.poll(async () => (await issue(1)).status, soon).toBe(200)
    for (const at of [0, 1]) expect((await use(at, blocked)).body.error).toBe('invalid_grant')
    await expect.poll(async () => (await use(0, (await issue()).body.access_token)).status, soon).toBe(200)
  })

  it('is refused while its issuer is switched off', async () => {
    const token = (await issue()).body.access_token
    await world.administer('block', { issuer: world.login })
    await expect.poll(async () => (await use(0, token)).body.error, soon).toBe('invalid_grant')
    await world.administer('unblock', { issuer: world.login })
    await expect.poll(async () => (await issue()).status, soon).toBe(200)
  })

  it('is ended for good by a connection that an administrator switched off in its entry, and on again', async () => {
    const token = (await issue()).body.access_token
    const path = `/connections/assistant/${encodeURIComponent(world.chat)}`
    const put = async (disabled: boolean) => {
      const headers = { 'if-match': (await world.admin(0, 'GET', path)).headers.get('etag') ?? '' }
      const refreshTokens = { maxAge: 8 * hour }
      const entry = { clientId: 'assistant-at-chat', scopes: ['chat.read'], everyone: true, refreshTokens, disabled }
      return await world.admin(0, 'PUT', path, { body: entry, headers })
    }
    expect((await put(false)).status).toBe(200)
    await expect.poll(async () => (await use(1, token)).status, soon).toBe(200)
    expect((await put(true)).status).toBe(200)
    expect((await put(false)).status).toBe(200)
    for (const at of [0, 1])
      await expect.poll(async () => (await use(at, token)).body.error, soon).toBe('invalid_grant')
    await expect.poll(async () => (await use(1, (await issue()).body.access_token)).status, soon).toBe(200)
  })

  it('is taken for as long as the connection says that an administrator changed, and stands nowhere in the audit', async () => {
    const token = (await issue()).body.access_token
    expect((await use(0, token)).status).toBe(200)
    const path = `/connections/assistant/${encodeURIComponent(world.chat)}`
    const before = await world.admin(0, 'GET', path)
    const put = async (refreshTokens: unknown) => {
      const entry = { clientId: 'assistant-at-chat', scopes: ['chat.read'], everyone: true, refreshTokens }
      const headers = { 'if-match': before.headers.get('etag') ?? '' }
      return await world.admin(0, 'PUT', path, { body: entry, headers })
    }
    expect(JSON.stringify(await put({ maxAge: 13 * hour }))).toContain('is longer than idp.refreshTokens.sessionAge')
    expect((await put(undefined)).status).toBe(200)
    await expect.poll(async () => (await use(0, token)).body.error, soon).toBe('access_denied')
    expect((await issue()).body.error).toBe('access_denied')
    expect(world.audit.join('\n')).toContain('"scope":"openid offline_access"')
    expect(world.audit.join('\n')).not.toContain(token)
  })
})

describe('a SAML sign-in at a deployment', () => {
  it('[T-15] [VER-03] leads to a refresh token and on to an ID-JAG; for another service provider it is refused', async () => {
    const saml = await deploy(1, {
      idp: ({ connections, clients, subjectIssuers, ...idp }) => ({
        ...idp,
        users: [{ sub: 'alice', groups: ['writers'] }],
        subjectIssuers: subjectIssuers.map((one) => ({ ...one, users: 'directory' })),
        samlIssuers: [{ entityId: acmeSaml, certificates: [acmeKey.certificate], users: 'directory' }],
        clients: clients.map((client) => ({
          ...client,
          samlAt: { [acmeSaml]: { entityId: wikiSp, recipients: [wikiAcs] } },
        })),
        refreshTokens: { sessionAge: hour },
        connections: connections.map((one) => ({ ...one, signIn: {}, refreshTokens: { maxAge: hour } })),
      }),
    })
    onTestFinished(() => saml.close())
    const exchanged = async (form: { [name: string]: string }) => {
      const body = new URLSearchParams({ grant_type: grantType.tokenExchange, ...form })
      const response = await fetch(`${saml.idp}/token`, { method: 'POST', body, headers: basic })
      return { status: response.status, body: (await response.json()) as { [member: string]: unknown } }
    }
    const asking = { requested_token_type: tokenType.refreshToken, subject_token_type: tokenType.saml2 }
    const now = Math.floor(Date.now() / 1000)
    const elsewhere =
      '<saml:AudienceRestriction><saml:Audience>https://other.example</saml:Audience></saml:AudienceRestriction>'
    const foreign = encoded(signed(assertionXml(now, { audience: elsewhere })))
    expect(await exchanged({ ...asking, subject_token: foreign })).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    })
    const assertion = encoded(signed(assertionXml(now)))
    const issued = await exchanged({ ...asking, subject_token: assertion })
    expect(issued).toMatchObject({
      status: 200,
      body: { issued_token_type: tokenType.refreshToken, token_type: 'N_A' },
    })
    expect((await exchanged({ ...asking, subject_token: assertion })).body.error).toBe('invalid_grant')
    const { status, body } = await exchanged({
      requested_token_type: tokenType.idJag,
      audience: saml.chat,
      subject_token: String(issued.body.access_token),
      subject_token_type: tokenType.refreshToken,
    })
    expect([status, body.scope]).toEqual([200, 'chat.read chat.write'])
    expect((await saml.redeem(0, body.access_token)).status).toBe(200)
  }, 60_000)
})
