/** Foreign clients at a server that is managed only: those that nobody manages learn so at once, and those that are need the address alone. */

import * as mcp from '@modelcontextprotocol/client'
import * as mcpV1 from '@modelcontextprotocol/sdk/client/auth.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientSecretBasic, createCrossAppFetch } from '../../src/client/client.ts'
import { startWorld, type World } from '../../src/testing/world.ts'
import { discover, onLoopback } from './oauth4webapi-application.ts'
import { runsIn } from './rows.ts'
import { application } from './unmanaged/mcp-application.ts'

runsIn(import.meta.url, '@modelcontextprotocol/client', '@modelcontextprotocol/sdk', 'oauth4webapi', 'openid-client')

// No document is ever fetched from there: the server does not say that it takes such clients.
const clientMetadataUrl = 'https://magpie.example/client.json'

let world: World
let serverUrl: string
let issuer: URL
beforeAll(async () => {
  world = await startWorld()
  serverUrl = world.resources.files
  issuer = new URL(world.resourceAs.files.issuer)
})
afterAll(() => world.close())

/** What the address of the API answers with this token. */
async function files(token: string): Promise<unknown> {
  const answer = await fetch(serverUrl, { headers: { authorization: `Bearer ${token}` } })
  return { status: answer.status, ...((await answer.json()) as object) }
}

describe('an application that nobody manages', () => {
  it('with the MCP client learns that it can neither register itself nor come by its document', async () => {
    const magpie = () =>
      application<mcp.StoredOAuthClientInformation, mcp.StoredOAuthTokens, mcp.OAuthDiscoveryState>({
        clientMetadataUrl,
      })
    const provider = magpie()
    await expect(mcp.auth(provider, { serverUrl })).rejects.toThrow('does not support dynamic client registration')
    const known = magpie()
    // Also one that believes it is registered is sent to no page.
    known.saveClientInformation({ client_id: 'magpie', issuer: issuer.origin })
    await expect(mcp.auth(known, { serverUrl })).rejects.toThrow('does not support response type code')
    expect([...provider.sentTo, ...known.sentTo]).toEqual([])
  })

  it('with the MCP client of the first generation learns the same', async () => {
    const magpie = () =>
      application<OAuthClientInformationMixed, OAuthTokens, mcpV1.OAuthDiscoveryState>({ clientMetadataUrl })
    const provider = magpie()
    await expect(mcpV1.auth(provider, { serverUrl })).rejects.toThrow('does not support dynamic client registration')
    const known = magpie()
    known.saveClientInformation({ client_id: 'magpie' })
    await expect(mcpV1.auth(known, { serverUrl })).rejects.toThrow('does not support response type code')
    expect([...provider.sentTo, ...known.sentTo]).toEqual([])
  })

  it('with oauth4webapi reads it in the metadata, finds no place to register, and a page that says so', async () => {
    const as = await discover(issuer.origin, 'oauth2')
    expect(as.response_types_supported).toEqual(['none'])
    expect(as.grant_types_supported).not.toContain('authorization_code')
    expect(as.client_id_metadata_document_supported).toBeUndefined()
    const registering = oauth.dynamicClientRegistrationRequest(as, { redirect_uris: [] }, onLoopback)
    await expect(registering).rejects.toThrow('"as.registration_endpoint"')
    const page = await fetch(`${as.authorization_endpoint}?response_type=code&client_id=magpie`, { redirect: 'manual' })
    expect([page.status, await page.text()]).toEqual([400, expect.stringContaining('no consent page')])
    const client = { client_id: clientMetadataUrl }
    const parameters = oauth.validateAuthResponse(as, client, new URLSearchParams({ code: 'made-up' }))
    const none = oauth.None()
    const back = 'http://127.0.0.1/callback'
    const answer = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      none,
      parameters,
      back,
      'v'.repeat(43),
      onLoopback,
    )
    await expect(oauth.processAuthorizationCodeResponse(as, client, answer)).rejects.toMatchObject({
      error: expect.stringMatching(/^(invalid_client|unsupported_grant_type)$/),
    })
  })

  it('with openid-client finds no place to register', async () => {
    const options: openid.DynamicClientRegistrationRequestOptions = {
      algorithm: 'oauth2',
      execute: [openid.allowInsecureRequests],
    }
    const registering = openid.dynamicClientRegistration(issuer, { redirect_uris: [] }, openid.None(), options)
    await expect(registering).rejects.toThrow('"as.registration_endpoint"')
  })
})

describe('an application that the company manages', () => {
  const subject = () => world.mintIdToken({ user: 'alice', client: 'assistant' })

  it('gets in with the MCP client and the address alone', async () => {
    const { idp, resourceAs } = world.clients.assistant
    const provider = new mcp.CrossAppAccessProvider({
      clientId: resourceAs.id,
      clientSecret: resourceAs.secret,
      expectedIssuer: issuer.origin,
      async assertion({ authorizationServerUrl, resourceUrl, scope, fetchFn }) {
        const { jwtAuthGrant } = await mcp.discoverAndRequestJwtAuthGrant({
          idpUrl: world.idp.issuer,
          audience: authorizationServerUrl,
          resource: resourceUrl,
          idToken: await subject(),
          clientId: idp.id,
          clientSecret: idp.secret,
          ...(scope === undefined ? {} : { scope }),
          fetchFn,
        })
        return jwtAuthGrant
      },
    })
    expect(await mcp.auth(provider, { serverUrl })).toBe('AUTHORIZED')
    expect(await files(provider.tokens()?.access_token ?? '')).toMatchObject({
      status: 200,
      as: { account: 'files-alice', client: resourceAs.id },
    })
  })

  it('gets in with our fetch and the address alone', async () => {
    const { idp, resourceAs } = world.clients.assistant
    const crossAppFetch = createCrossAppFetch({
      identityProvider: { issuer: world.idp.issuer, client: clientSecretBasic(idp.id, idp.secret) },
      resourceServers: { [issuer.origin]: { client: clientSecretBasic(resourceAs.id, resourceAs.secret) } },
      subject: { idToken: subject },
    })
    expect(await (await crossAppFetch(serverUrl)).json()).toMatchObject({ as: { account: 'files-alice' } })
  })
})
