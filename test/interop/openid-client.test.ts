/** openid-client, unmodified: discovery, sign-in, and both grants by its generic grant request. */

import * as openid from 'openid-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import { walkSignIn } from '../../src/testing/headless-sign-in.ts'
import { startWorld, type World } from '../../src/testing/world.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { runsIn } from './rows.ts'

runsIn(import.meta.url, 'openid-client')

const callback = 'http://127.0.0.1:9/callback'
const onLoopback = { execute: [openid.allowInsecureRequests] }

let world: World
let idp: openid.Configuration
let chat: openid.Configuration
beforeAll(async () => {
  world = await startWorld()
  const { idp: here, resourceAs: there } = world.clients.assistant
  const metadata = { client_secret: here.secret, id_token_signed_response_alg: 'ES256' }
  const basic = openid.ClientSecretBasic()
  idp = await openid.discovery(new URL(world.idp.issuer), here.id, metadata, basic, onLoopback)
  // Its default: the secret in the form.
  chat = await openid.discovery(new URL(world.resourceAs.chat.issuer), there.id, there.secret, undefined, {
    algorithm: 'oauth2',
    ...onLoopback,
  })
})
afterAll(() => world.close())

async function signIn(): Promise<string> {
  const pkceCodeVerifier = openid.randomPKCECodeVerifier()
  const expectedState = openid.randomState()
  const expectedNonce = openid.randomNonce()
  const address = openid.buildAuthorizationUrl(idp, {
    redirect_uri: callback,
    scope: 'openid email',
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  const tokens = await openid.authorizationCodeGrant(idp, await walkSignIn(address, 'alice'), {
    pkceCodeVerifier,
    expectedState,
    expectedNonce,
    idTokenExpected: true,
  })
  expect(tokens.claims()).toMatchObject({ iss: world.idp.issuer, email: 'alice@acme.example' })
  return tokens.id_token ?? ''
}

async function exchange(subjectToken: string, audience = world.resourceAs.chat.issuer) {
  return await openid.genericGrantRequest(idp, grantType.tokenExchange, {
    requested_token_type: tokenType.idJag,
    audience,
    resource: world.resources.mcp,
    scope: 'chat.read',
    subject_token: subjectToken,
    subject_token_type: tokenType.idToken,
  })
}

it('signs alice in, exchanges her ID Token, redeems the ID-JAG and calls the resource it names, and no other', async () => {
  const exchanged = await exchange(await signIn())
  expect(exchanged).toMatchObject({ issued_token_type: tokenType.idJag, token_type: 'n_a', scope: 'chat.read' })
  const assertion = exchanged.access_token
  const redeemed = await openid.genericGrantRequest(chat, grantType.jwtBearer, { assertion })
  expect(redeemed).toMatchObject({ token_type: 'bearer', scope: 'chat.read' })
  expect(redeemed.expiresIn()).toBeGreaterThan(590)
  expect(claimsOf(redeemed.access_token)).toMatchObject({ aud: world.resources.mcp })
  const call = (address: string) =>
    openid.fetchProtectedResource(
      chat,
      redeemed.access_token,
      new URL(address),
      'POST',
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
      new Headers({ 'content-type': 'application/json', accept: 'application/json, text/event-stream' }),
    )
  expect(await call(world.resources.mcp)).toMatchObject({ status: 200 })
  await expect(call(world.messagesUrl)).rejects.toMatchObject({ status: 401 })
})

it('is told of a refusal with code and sentence', async () => {
  const idToken = await signIn()
  await expect(exchange(idToken, 'https://nobody.example')).rejects.toMatchObject({
    error: 'invalid_target',
    error_description: 'audience: unknown, or not connected for this client',
    status: 400,
  })
  const { access_token: assertion } = await exchange(idToken)
  const redeem = () => openid.genericGrantRequest(chat, grantType.jwtBearer, { assertion })
  expect(await redeem()).toMatchObject({ token_type: 'bearer' })
  await expect(redeem()).rejects.toMatchObject({ error: 'invalid_grant', status: 400 })
})
