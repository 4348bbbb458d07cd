/** A client with a metadata document and a key, made of foreign libraries, through both grants of Cross-App Access: one id, no mapping. */

import { exportJWK } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { grantType, idJagGrantProfile, tokenType } from '../../src/protocol/names.ts'
import { startWorld, type World } from '../../src/testing/world.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { applicationOf, onLoopback } from './oauth4webapi-application.ts'
import { runsIn } from './rows.ts'
import { type DocumentHost, documentHost } from './unmanaged/document-host.ts'
import { connect, enterClient, trustFor } from './unmanaged/operator.ts'

runsIn(import.meta.url, 'oauth4webapi', 'openid-client')

const { publicKey, privateKey } = await oauth.generateKeyPair('ES256', { extractable: true })
const jwk = { ...(await exportJWK(publicKey)), kid: 'app-1', alg: 'ES256', use: 'sig' }
const key = { key: privateKey, kid: 'app-1' }

let world: World
let documents: DocumentHost
let application: Awaited<ReturnType<typeof applicationOf>>
/** Entered at both sides by its address alone, and connected. */
let clientId: string
beforeAll(async () => {
  world = await startWorld()
  documents = await documentHost()
  clientId = documents.publish('robin', {
    client_name: 'Robin',
    redirect_uris: ['http://127.0.0.1/callback'],
    token_endpoint_auth_method: 'private_key_jwt',
    grant_types: ['authorization_code', grantType.tokenExchange, grantType.jwtBearer],
    authorization_grant_profiles_supported: [idJagGrantProfile],
    jwks: { keys: [jwk] },
  })
  await enterClient(world, 'idp', clientId, { metadataDocument: true })
  const reach = { scopes: ['chat.read'], resources: [world.resources.mcp] }
  await enterClient(world, 'chat', clientId, { metadataDocument: true, ...reach })
  await connect(world, clientId, ['chat.read'])
  await trustFor(world, clientId)
  application = await applicationOf(world)
})
afterAll(async () => {
  await documents.close()
  await world.close()
})

/** What alice's sign-in at this client would have given it. */
async function exchangeOf(): Promise<{ [name: string]: string }> {
  return {
    requested_token_type: tokenType.idJag,
    audience: application.chat.issuer,
    resource: world.resources.mcp,
    subject_token: await world.mintIdToken({ user: 'alice', client: 'assistant', claims: { aud: clientId } }),
    subject_token_type: tokenType.idToken,
  }
}

async function listTools(token: string): Promise<number> {
  const answer = await fetch(world.resources.mcp, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  })
  return answer.status
}

describe('with oauth4webapi', () => {
  const send = async (
    as: oauth.AuthorizationServer,
    authentication: oauth.ClientAuth,
    grant: string,
    parameters: { [name: string]: string },
  ) => {
    const client = { client_id: clientId }
    const answer = await oauth.genericTokenEndpointRequest(as, client, authentication, grant, parameters, onLoopback)
    const recognizedTokenTypes = { n_a: () => {} }
    return await oauth.processGenericTokenEndpointResponse(as, client, answer, { recognizedTokenTypes })
  }

  it('one id and one key open both servers, and the MCP server, without a mapping [MAP-02]', async () => {
    const signed = oauth.PrivateKeyJwt(key)
    const { idp, chat } = application
    expect([idp, chat].map((as) => as.client_id_metadata_document_supported)).toEqual([true, true])
    const { access_token: assertion } = await send(idp, signed, grantType.tokenExchange, await exchangeOf())
    expect(claimsOf(assertion)).toMatchObject({ client_id: clientId, aud: world.resourceAs.chat.issuer })
    const tokens = await send(chat, signed, grantType.jwtBearer, { assertion })
    expect(claimsOf(tokens.access_token)).toMatchObject({ client_id: clientId, sub: 'chat-alice', scope: 'chat.read' })
    expect(await listTools(tokens.access_token)).toBe(200)
  })

  it('another key opens neither', async () => {
    const other = await oauth.generateKeyPair('ES256')
    const stolen = oauth.PrivateKeyJwt({ key: other.privateKey, kid: 'app-1' })
    const { idp, chat } = application
    const exchange = await exchangeOf()
    const refused = { error: 'invalid_client', status: 401 }
    await expect(send(idp, stolen, grantType.tokenExchange, exchange)).rejects.toMatchObject(refused)
    const { access_token: assertion } = await send(idp, oauth.PrivateKeyJwt(key), grantType.tokenExchange, exchange)
    await expect(send(chat, stolen, grantType.jwtBearer, { assertion })).rejects.toMatchObject(refused)
    // What was refused was not spent.
    expect(await send(chat, oauth.PrivateKeyJwt(key), grantType.jwtBearer, { assertion })).toMatchObject({
      scope: 'chat.read',
    })
  })
})

describe('with openid-client', () => {
  it('one id and one key open both servers, and the MCP server, without a mapping [MAP-02]', async () => {
    const at = async (issuer: string) =>
      await openid.discovery(new URL(issuer), clientId, undefined, openid.PrivateKeyJwt(key), {
        algorithm: 'oauth2',
        execute: [openid.allowInsecureRequests],
      })
    const idp = await at(world.idp.issuer)
    const chat = await at(world.resourceAs.chat.issuer)
    const exchanged = await openid.genericGrantRequest(idp, grantType.tokenExchange, await exchangeOf())
    const assertion = exchanged.access_token
    const tokens = await openid.genericGrantRequest(chat, grantType.jwtBearer, { assertion })
    expect(claimsOf(tokens.access_token)).toMatchObject({ client_id: clientId, sub: 'chat-alice' })
    expect(await listTools(tokens.access_token)).toBe(200)
  })
})
