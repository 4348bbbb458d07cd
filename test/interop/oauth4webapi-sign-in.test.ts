/** Sign-in with authorization code and PKCE by oauth4webapi, unmodified: what it accepts is what the exchange accepts. */

import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { tokenType } from '../../src/protocol/names.ts'
import { walkSignIn } from '../../src/testing/headless-sign-in.ts'
import { startWorld, type World } from '../../src/testing/world.ts'
import { claimsOf, headerOf } from '../fixture/tokens.ts'
import { type Application, applicationOf, discover, onLoopback } from './oauth4webapi-application.ts'
import { runsIn } from './rows.ts'

runsIn(import.meta.url, 'oauth4webapi')

const callback = 'http://127.0.0.1:9/callback'

let world: World
let application: Application
beforeAll(async () => {
  world = await startWorld()
  application = await applicationOf(world)
})
afterAll(() => world.close())

async function signIn(scope: string): Promise<oauth.TokenEndpointResponse> {
  const oidc = await discover(world.idp.issuer, 'oidc')
  const { id, secret } = world.clients.assistant.idp
  const client = { client_id: id, id_token_signed_response_alg: 'ES256' }
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  const address = new URL(oidc.authorization_endpoint ?? '')
  address.search = new URLSearchParams({
    client_id: id,
    response_type: 'code',
    redirect_uri: callback,
    scope,
    state,
    nonce,
    prompt: 'consent',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }).toString()
  const parameters = oauth.validateAuthResponse(oidc, client, await walkSignIn(address, 'alice'), state)
  const answer = await oauth.authorizationCodeGrantRequest(
    oidc,
    client,
    oauth.ClientSecretBasic(secret),
    parameters,
    callback,
    verifier,
    onLoopback,
  )
  const tokens = await oauth.processAuthorizationCodeResponse(oidc, client, answer, {
    expectedNonce: nonce,
    requireIdToken: true,
  })
  await oauth.validateApplicationLevelSignature(oidc, answer, onLoopback)
  return tokens
}

it('a sign-in gives an ID Token that passes every check, and that becomes an ID-JAG', async () => {
  const { id_token: idToken = '' } = await signIn('openid email')
  expect(claimsOf(idToken)).toMatchObject({ email: 'alice@acme.example', email_verified: true })
  const { idp: here } = world.clients.assistant
  const { access_token: idJag } = await application.exchange(here, oauth.ClientSecretBasic(here.secret), {
    subject_token: idToken,
  })
  expect(headerOf(idJag)).toMatchObject({ typ: 'oauth-id-jag+jwt' })
  expect(claimsOf(idJag)).toMatchObject({ sub: claimsOf(idToken).sub, aud: world.resourceAs.chat.issuer })
})

it('a sign-in gives a refresh token that is a subject token, too, and more than once', async () => {
  const { refresh_token: refreshToken = '' } = await signIn('openid email offline_access')
  const { idp: here } = world.clients.assistant
  const subject = { subject_token: refreshToken, subject_token_type: tokenType.refreshToken }
  for (const _ of [1, 2]) {
    const exchanged = await application.exchange(here, oauth.ClientSecretBasic(here.secret), subject)
    expect(exchanged).toMatchObject({ issued_token_type: tokenType.idJag })
  }
})
