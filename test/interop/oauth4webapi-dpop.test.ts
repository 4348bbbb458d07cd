/** oauth4webapi, unmodified, with DPoP: an ID-JAG, an access token and a call of the API that are all bound to one key. */

import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import { startWorld, type World } from '../../src/testing/world.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { discover, onLoopback } from './oauth4webapi-application.ts'
import { runsIn } from './rows.ts'

runsIn(import.meta.url, 'oauth4webapi')

let world: World
let idp: oauth.AuthorizationServer
let chat: oauth.AuthorizationServer
beforeAll(async () => {
  world = await startWorld()
  idp = await discover(world.idp.issuer, 'oauth2')
  chat = await discover(world.resourceAs.chat.issuer, 'oauth2')
})
afterAll(() => world.close())

async function exchange(DPoP?: oauth.DPoPHandle): Promise<oauth.TokenEndpointResponse> {
  const { id: client_id, secret } = world.clients.assistant.idp
  const parameters = {
    requested_token_type: tokenType.idJag,
    audience: chat.issuer,
    resource: world.resources.mcp,
    scope: 'chat.read',
    subject_token: await world.mintIdToken({ user: 'alice', client: 'assistant' }),
    subject_token_type: tokenType.idToken,
  }
  const authentication = oauth.ClientSecretBasic(secret)
  const options = { ...onLoopback, ...(DPoP === undefined ? {} : { DPoP }) }
  const grant = grantType.tokenExchange
  const answer = await oauth.genericTokenEndpointRequest(idp, { client_id }, authentication, grant, parameters, options)
  const recognizedTokenTypes = { n_a: () => {} }
  return await oauth.processGenericTokenEndpointResponse(idp, { client_id }, answer, { recognizedTokenTypes })
}

async function redeem(
  assertion: string,
  DPoP?: oauth.DPoPHandle,
  grant: string = grantType.jwtBearer,
): Promise<oauth.TokenEndpointResponse> {
  const { id: client_id, secret } = world.clients.assistant.resourceAs
  const authentication = oauth.ClientSecretBasic(secret)
  const options = { ...onLoopback, ...(DPoP === undefined ? {} : { DPoP }) }
  const parameters = { assertion }
  const answer = await oauth.genericTokenEndpointRequest(
    chat,
    { client_id },
    authentication,
    grant,
    parameters,
    options,
  )
  return await oauth.processGenericTokenEndpointResponse(chat, { client_id }, answer)
}

async function handle(alg: string): Promise<oauth.DPoPHandle> {
  return oauth.DPoP({}, await oauth.generateKeyPair(alg))
}

it.each(['ES256', 'Ed25519', 'PS256', 'RS256'])('the flow is bound to a key for %s', async (alg) => {
  const proofs = await handle(alg)
  const jkt = await proofs.calculateThumbprint()
  for (const grant of [grantType.jwtBearer, grantType.jwtDpop]) {
    const exchanged = await exchange(proofs)
    expect([exchanged.token_type, claimsOf(exchanged.access_token).cnf]).toEqual(['n_a', { jkt }])
    const redeemed = await redeem(exchanged.access_token, proofs, grant)
    expect([redeemed.token_type, claimsOf(redeemed.access_token).cnf]).toEqual(['dpop', { jkt }])
  }
})

it('both servers and the API say that they take proofs', async () => {
  const url = new URL(world.resources.mcp)
  const resource = await oauth.processResourceDiscoveryResponse(
    url,
    await oauth.resourceDiscoveryRequest(url, onLoopback),
  )
  for (const document of [idp, chat, resource])
    expect(document.dpop_signing_alg_values_supported).toEqual(['ES256', 'RS256', 'PS256', 'EdDSA'])
})

it('a bound ID-JAG is redeemed by its key alone', async () => {
  const proofs = await handle('ES256')
  const { access_token: idJag } = await exchange(proofs)
  await expect(redeem(idJag)).rejects.toMatchObject({ error: 'invalid_grant', status: 400 })
  await expect(redeem(idJag, await handle('ES256'))).rejects.toMatchObject({ error: 'invalid_grant', status: 400 })
  expect(await redeem(idJag, proofs)).toMatchObject({ token_type: 'dpop' })
})

it('a bound access token is taken with proofs by its key alone', async () => {
  const proofs = await handle('ES256')
  const token = (await redeem((await exchange(proofs)).access_token, proofs)).access_token
  expect(claimsOf(token).aud).toBe(world.resources.mcp)
  const url = new URL(world.resources.mcp)
  const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} })
  const ask = async (DPoP?: oauth.DPoPHandle) =>
    await oauth.protectedResourceRequest(
      token,
      'POST',
      url,
      new Headers({ 'content-type': 'application/json', accept: 'application/json, text/event-stream' }),
      list,
      { ...onLoopback, ...(DPoP === undefined ? {} : { DPoP }) },
    )
  expect(await ask(proofs)).toMatchObject({ status: 200 })
  await expect(ask()).rejects.toMatchObject({
    status: 401,
    cause: [{ scheme: 'bearer', parameters: { error: 'invalid_token' } }, { scheme: 'dpop' }],
  })
  await expect(ask(await handle('ES256'))).rejects.toMatchObject({
    status: 401,
    cause: [{ scheme: 'bearer' }, { scheme: 'dpop', parameters: { error: 'invalid_token' } }],
  })
})
