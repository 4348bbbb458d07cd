/** Attacks with codes and refresh tokens that were stolen, mixed up or shown twice, and a look for secrets in what is written down. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Application, type Deployment, deploy, files, mcp, newVerifier, wiki } from '../deployment.ts'
import { documentWeb } from './document-web.ts'

let chat: Deployment
const program: Application = { clientId: '', redirectUri: 'http://127.0.0.1:5000/callback' }
const other: Application = { clientId: '', redirectUri: 'http://127.0.0.1:5000/callback' }
beforeAll(async () => {
  const reach = { scopes: ['chat.read'], resources: [mcp] }
  chat = await deploy({ interactive: { registration: { ...reach, perAddress: 1000, perMinute: 1000 } } }, 2)
  for (const one of [program, other]) {
    const { body } = await chat.register({ client_name: 'A program', redirect_uris: ['http://127.0.0.1/callback'] })
    one.clientId = String(body.client_id)
  }
})
afterAll(async () => await chat.close())

describe('a code', () => {
  it('of one session put into another is refused by its verifier, and is not lost to its owner', async () => {
    const [mine, theirs] = [await chat.code(program), await chat.code(program)]
    const injected = { ...mine, code: theirs.code }
    expect((await chat.post('/token', injected, { as: program })).body.error).toBe('invalid_grant')
    expect(chat.last('code')).toMatchObject({ reason: 'pkce_failed' })
    for (const form of [mine, theirs]) expect((await chat.post('/token', form, { as: program })).status).toBe(200)
  })

  it('of one client is nobody else’s, whatever the other one knows', async () => {
    const form = await chat.code(program)
    expect((await chat.post('/token', form, { as: other })).body.error).toBe('invalid_grant')
    expect((await chat.post('/token', form, { as: wiki })).body.error).toBe('invalid_grant')
    // To be two clients at once is to be none.
    const both = await chat.post('/token', { ...form, client_id: program.clientId }, { as: wiki })
    expect(both).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    expect((await chat.post('/token', form, { as: program })).status).toBe(200)
  })

  it('that is shown again ends the token that came of it; by a stranger to it, it ends nothing', async () => {
    const form = await chat.code(program)
    const { body } = await chat.post('/token', form, { as: program })
    expect((await chat.post('/token', form, { as: other })).body.error).toBe('invalid_grant')
    expect(await chat.isAlive(body.access_token)).toBe(true)
    expect((await chat.post('/token', form, { as: program })).body.error).toBe('invalid_grant')
    expect(await chat.isAlive(body.access_token)).toBe(false)
  })
})

describe('a refresh token', () => {
  it('that was stolen is good for one use, and then for nobody', async () => {
    const { body: first } = await chat.token(program)
    const { body: thief } = await chat.refresh(program, first.refresh_token)
    expect((await chat.refresh(program, first.refresh_token)).body.error).toBe('invalid_grant')
    expect((await chat.refresh(program, thief.refresh_token)).body.error).toBe('invalid_grant')
    expect(await chat.isAlive(thief.access_token)).toBe(false)
    expect(await chat.isAlive(first.access_token)).toBe(false)
  })

  it('is given to one of many that show it at once at two workers; the others end what it gave', async () => {
    const { body } = await chat.token(program)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => chat.refresh(program, body.refresh_token, {}, at % 2)),
    )
    const granted = answers.filter(({ status }) => status === 200)
    expect(granted).toHaveLength(1)
    expect(answers.filter(({ body }) => body.error === 'invalid_grant')).toHaveLength(19)
    expect(await chat.isAlive(granted[0]?.body.access_token)).toBe(false)
    expect((await chat.refresh(program, granted[0]?.body.refresh_token)).body.error).toBe('invalid_grant')
  })

  it('is of no use to another client, and unharmed by it', async () => {
    const { body } = await chat.token(program)
    for (const as of [other, wiki]) {
      expect((await chat.refresh(as, body.refresh_token)).body.error).toBe('invalid_grant')
      await chat.post('/revoke', { token: String(body.refresh_token) }, { as })
    }
    expect((await chat.refresh(program, body.refresh_token)).status).toBe(200)
  })

  it('never gives more than was agreed to', async () => {
    const { body } = await chat.token(wiki)
    const more = async (change: { [name: string]: string }) =>
      (await chat.refresh(wiki, body.refresh_token, change)).body.error
    expect(await more({ scope: 'chat.read chat.write' })).toBe('invalid_scope')
    expect(await more({ scope: 'openid' })).toBe('invalid_scope')
    expect(await more({ resource: files })).toBe('invalid_target')
    expect(await more({ resource: 'https://evil.example/' })).toBe('invalid_target')
    expect((await chat.refresh(wiki, body.refresh_token)).body).toMatchObject({ scope: 'chat.read', resource: mcp })
  })
})

it('of everything secret that passes through, nothing is in the audit or the log', async () => {
  const web = await documentWeb()
  const strict = await deploy({
    interactive: { registration: { scopes: ['chat.read'], resources: [mcp] } },
    metadataDocuments: { scopes: ['chat.read'], resources: [mcp] },
  })
  const key = await web.key('app')
  const signing = web.publish('/client.json', {
    jwks: { keys: [key.jwk] },
    token_endpoint_auth_method: 'private_key_jwt',
  })
  const secrets: unknown[] = [wiki.secret]
  const { body: registered } = await strict.register({ redirect_uris: ['https://editor.example/callback'] })
  const editor = { clientId: String(registered.client_id), redirectUri: 'https://editor.example/callback' }
  secrets.push(registered.registration_access_token)
  for (const application of [wiki, editor]) {
    const verifier = newVerifier()
    const { browser, back } = await strict.consent(application, {}, verifier)
    const form = {
      grant_type: 'authorization_code',
      code: back.get('code') ?? '',
      redirect_uri: application.redirectUri,
      code_verifier: verifier,
    }
    const { body } = await strict.post('/token', form, { as: application })
    const { body: next } = await strict.refresh(application, body.refresh_token)
    await strict.post('/token', form, { as: application })
    await strict.refresh(application, next.refresh_token)
    await strict.post('/revoke', { token: String(next.refresh_token) }, { as: application })
    secrets.push(form.code, verifier, body.access_token, body.refresh_token, next.access_token, next.refresh_token)
    secrets.push(
      ...browser
        .cookieLine(new URL(`${strict.issuer}/authorize`))
        .split('; ')
        .map((one) => one.split('=')[1]),
    )
    secrets.push(
      ...browser.asked.flatMap(({ searchParams }) =>
        ['code', 'state'].map((name) => searchParams.get(name)).filter((one) => one !== 'a-state' && one !== null),
      ),
    )
  }
  const proof = await key.assertion(signing.clientId, strict.issuer)
  const { body } = await strict.post('/token', { ...(await strict.code(signing)), ...proof })
  secrets.push(proof.client_assertion, body.access_token, body.refresh_token)
  const told = JSON.stringify([strict.audit, strict.log])
  for (const secret of secrets) {
    expect(String(secret).length).toBeGreaterThan(16)
    expect(told).not.toContain(secret)
    for (const part of String(secret).split('.')) if (part.length > 30) expect(told).not.toContain(part)
  }
  expect(strict.log).toEqual([])
  await web.close()
  await strict.close()
})
