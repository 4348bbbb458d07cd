/** From one oidc-provider application to another: an ID-JAG of the first becomes an access token of the second. */

import { calculateJwkThumbprint, decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { issuerKeys } from '../../../src/protocol/issuer-keys.ts'
import { defaultAlgorithms } from '../../../src/protocol/keys.ts'
import { tokenType } from '../../../src/protocol/names.ts'
import { guardOf } from '../../../src/resource/guard.ts'
import { dangerouslyLocalOnly } from '../../../src/resource/revocation.ts'
import { post, secretOf } from './application.ts'
import { acmeCompany, type Company, chatCompany, exchange, mcp, redeem, search } from './companies.ts'

let acme: Company
let chat: Company
beforeAll(async () => {
  chat = await chatCompany(() => acme)
  acme = await acmeCompany(chat.issuer)
})
afterAll(async () => {
  await acme.close()
  await chat.close()
})

const assertionFor = async (form: { [name: string]: string } = {}) => {
  const { idToken } = await acme.signIn('assistant', 'alice')
  const { body } = await exchange(acme, chat.issuer, idToken, form)
  return String(body.access_token)
}

it('an ID Token of the one becomes an opaque access token of the other, which its introspection knows', async () => {
  const { idToken } = await acme.signIn('assistant', 'alice')
  const exchanged = await exchange(acme, chat.issuer, idToken)
  expect(exchanged).toMatchObject({
    status: 200,
    body: { token_type: 'N_A', issued_token_type: tokenType.idJag, expires_in: 300, scope: 'chat.read' },
  })
  expect([exchanged.headers.get('cache-control'), exchanged.headers.get('pragma')]).toEqual(['no-store', 'no-cache'])
  const assertion = String(exchanged.body.access_token)
  expect(decodeJwt(assertion)).toMatchObject({
    iss: acme.issuer,
    sub: 'alice',
    aud: chat.issuer,
    client_id: 'assistant-at-chat',
    resource: mcp,
    email: 'alice@acme.example',
  })

  const redeemed = await redeem(chat, assertion)
  expect(redeemed).toMatchObject({
    status: 200,
    body: { token_type: 'Bearer', expires_in: 120, scope: 'chat.read', resource: mcp },
  })
  const { access_token: token } = redeemed.body
  const introspection = `${chat.issuer}/token/introspection`
  const { body } = await post(introspection, 'mcp', { token: String(token) })
  expect(body).toMatchObject({
    active: true,
    iss: chat.issuer,
    sub: 'u-alice',
    client_id: 'assistant-at-chat',
    aud: mcp,
    scope: 'chat.read',
    token_type: 'Bearer',
  })
  // The application ends it as it ends its others.
  const found = await chat.provider.AccessToken.find(String(token))
  await (await chat.provider.Grant.find(found?.grantId ?? ''))?.destroy()
  expect((await post(introspection, 'mcp', { token: String(token) })).body).toEqual({ active: false })

  expect(acme.audit.at(-1)).toMatchObject({
    role: 'idp',
    server: acme.issuer,
    action: 'exchange',
    outcome: 'granted',
    client: 'assistant',
    subject: 'alice',
    correlationId: exchanged.headers.get('x-correlation-id'),
  })
  expect(chat.audit.at(-1)).toMatchObject({
    role: 'resource-as',
    action: 'redeem',
    outcome: 'granted',
    account: 'u-alice',
    tokenId: acme.audit.at(-1)?.issuedTokenId,
    correlationId: redeemed.headers.get('x-correlation-id'),
  })
  expect(chat.events.at(-1)).toMatchObject({ name: 'grant.success' })
})

it('a signed access token of the other is taken by our guard, whose audit names the same token', async () => {
  const form = { resource: search, scope: 'search.read' }
  const redeemed = await redeem(chat, await assertionFor(form))
  expect(redeemed).toMatchObject({ status: 200, body: { expires_in: 240, scope: 'search.read', resource: search } })
  const { ports, audit } = chat
  const fetchDocument = async (url: string) => {
    const answer = await fetch(url)
    return { status: answer.status, body: new Uint8Array(await answer.arrayBuffer()) }
  }
  const guard = guardOf(
    {
      resource: search,
      authorizationServer: chat.issuer,
      keys: issuerKeys({ issuer: chat.issuer, fetchDocument, now: ports.now, warn: () => {} }),
      algorithms: defaultAlgorithms,
      scopes: ['search.read'],
      skew: 30,
      maxLifetime: 3600,
      revocation: dangerouslyLocalOnly,
    },
    ports,
  )
  const issued = audit.at(-1)?.issuedTokenId
  const authorization = [`Bearer ${redeemed.body.access_token}`]
  expect(await guard.authenticate({ authorization, correlationId: 'c' })).toMatchObject({
    account: 'u-alice',
    client: 'assistant-at-chat',
    scopes: ['search.read'],
    tokenId: issued,
  })
})

it('a refresh token of the one is read, and neither rotated nor spent', async () => {
  const { refreshToken = '' } = await acme.signIn('assistant', 'alice')
  const form = { subject_token_type: tokenType.refreshToken }
  for (const _ of [1, 2]) expect((await exchange(acme, chat.issuer, refreshToken, form)).status).toBe(200)
  const refreshed = await post(`${acme.issuer}/token`, 'assistant', {
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
  })
  expect(refreshed.status).toBe(200)
})

it('oauth4webapi does both steps', async () => {
  const { idToken } = await acme.signIn('assistant', 'alice')
  const ask = async (company: Company, id: string, grant: string, form: { [name: string]: string }) => {
    const as = await oauth.processDiscoveryResponse(
      new URL(company.issuer),
      await oauth.discoveryRequest(new URL(company.issuer), {
        algorithm: 'oauth2',
        [oauth.allowInsecureRequests]: true,
      }),
    )
    expect(as.grant_types_supported).toContain(grant)
    const client = { client_id: id }
    const options = { [oauth.allowInsecureRequests]: true }
    const auth = oauth.ClientSecretBasic(secretOf(id))
    const answer = await oauth.genericTokenEndpointRequest(as, client, auth, grant, form, options)
    return await oauth.processGenericTokenEndpointResponse(as, client, answer, {
      recognizedTokenTypes: { n_a: () => {} },
    })
  }
  const { access_token: assertion } = await ask(acme, 'assistant', 'urn:ietf:params:oauth:grant-type:token-exchange', {
    requested_token_type: tokenType.idJag,
    audience: chat.issuer,
    resource: mcp,
    subject_token: idToken,
    subject_token_type: tokenType.idToken,
    scope: 'chat.read',
  })
  const tokens = await ask(chat, 'assistant-at-chat', 'urn:ietf:params:oauth:grant-type:jwt-bearer', { assertion })
  expect(tokens).toMatchObject({ token_type: 'bearer', expires_in: 120, scope: 'chat.read' })
})

describe('a DPoP proof', () => {
  const proofOf = async (address: string, change: { [claim: string]: unknown } = {}) => {
    const { privateKey, publicKey } = await generateKeyPair('ES256')
    const jwk = await exportJWK(publicKey)
    const claims = {
      htm: 'POST',
      htu: address,
      jti: crypto.randomUUID(),
      iat: Math.floor(Date.now() / 1000),
      ...change,
    }
    const proof = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk }).sign(privateKey)
    return { dpop: proof, thumbprint: await calculateJwkThumbprint(jwk) }
  }

  it('binds the access token to its key, and is good once', async () => {
    const { dpop, thumbprint } = await proofOf(`${chat.issuer}/token`)
    const redeemed = await redeem(chat, await assertionFor(), { headers: { dpop } })
    expect(redeemed).toMatchObject({ status: 200, body: { token_type: 'DPoP' } })
    const token = String(redeemed.body.access_token)
    const { body } = await post(`${chat.issuer}/token/introspection`, 'mcp', { token })
    expect(body).toMatchObject({ active: true, token_type: 'DPoP', cnf: { jkt: thumbprint } })

    const assertion = await assertionFor()
    expect(await redeem(chat, assertion, { headers: { dpop } })).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant', error_description: 'grant request is invalid' },
    })
    expect(chat.audit.at(-1)).toMatchObject({ outcome: 'refused', reason: 'pop_replay' })
    expect((await redeem(chat, assertion)).status).toBe(200)
  })

  it('that is wrong is refused in the words of the provider, and costs nothing', async () => {
    const assertion = await assertionFor()
    const { dpop } = await proofOf('https://elsewhere.example/token')
    expect(await redeem(chat, assertion, { headers: { dpop } })).toMatchObject({
      status: 400,
      body: { error: 'invalid_dpop_proof', error_description: 'DPoP proof htu mismatch' },
    })
    expect(chat.audit.at(-1)).toMatchObject({ reason: 'pop_malformed', error: 'invalid_dpop_proof' })
    expect((await redeem(chat, assertion)).status).toBe(200)
  })

  it('is demanded of a client that promised one', async () => {
    const refused = await redeem(chat, await assertionFor(), { client: 'bound-at-chat' })
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect(chat.audit.at(-1)).toMatchObject({ reason: 'pop_missing', client: 'bound-at-chat' })
  })

  it('is refused where the provider has DPoP switched off, and at the exchange', async () => {
    const plain = await chatCompany(() => acme, {}, { dpop: false })
    const { dpop } = await proofOf(`${plain.issuer}/token`)
    expect(await redeem(plain, 'a.b.c', { headers: { dpop } })).toMatchObject({
      status: 400,
      body: { error: 'invalid_dpop_proof', error_description: 'DPoP is not offered by this server' },
    })
    await plain.close()
    const { idToken } = await acme.signIn('assistant', 'alice')
    const at = await proofOf(`${acme.issuer}/token`)
    const refused = await post(
      `${acme.issuer}/token`,
      'assistant',
      'grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange',
      { dpop: at.dpop },
    )
    expect(refused).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } })
    expect((await exchange(acme, chat.issuer, idToken)).status).toBe(200)
  })
})
