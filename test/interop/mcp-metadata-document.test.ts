/** Both generations of the MCP client in an application that is known by its metadata document alone, which the chat fetches by https. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as mcp from '@modelcontextprotocol/client'
import * as v1auth from '@modelcontextprotocol/sdk/client/auth.js'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { OAuthClientInformationMixed, OAuthTokens } from '@modelcontextprotocol/sdk/shared/auth.js'
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestbed, type Testbed } from '../testing/testbed-process.ts'
import { runsIn } from './rows.ts'
import { type DocumentHost, secureDocumentHost } from './unmanaged/document-host.ts'
import { application, callback } from './unmanaged/mcp-application.ts'

runsIn(import.meta.url, '@modelcontextprotocol/client', '@modelcontextprotocol/sdk', '@modelcontextprotocol/server')

let testbed: Testbed
let serverUrl: string
let documents: DocumentHost
let folder: string
beforeAll(async () => {
  const host = await secureDocumentHost()
  documents = host
  folder = await mkdtemp(join(tmpdir(), 'xaa-interop-'))
  // Node reads at its start whom it trusts: the servers are a process of their own.
  process.env.NODE_EXTRA_CA_CERTS = host.certificateFile
  testbed = await startTestbed(join(folder, 'testbed.json'), [])
  serverUrl = testbed.bed.resource.url
})
afterAll(async () => {
  delete process.env.NODE_EXTRA_CA_CERTS
  testbed.child.kill('SIGTERM')
  await testbed.ended
  await documents.close()
  await rm(folder, { recursive: true })
})

const publish = (name: string, members: object = { token_endpoint_auth_method: 'none' }) =>
  documents.publish(name, {
    client_name: 'Magpie',
    redirect_uris: [callback],
    grant_types: ['authorization_code', 'refresh_token'],
    ...members,
  })
const magpie = (clientMetadataUrl: string) =>
  application<mcp.StoredOAuthClientInformation, mcp.StoredOAuthTokens, mcp.OAuthDiscoveryState>({ clientMetadataUrl })
const whoami = { name: 'whoami', arguments: {} }
const as = (clientId: string) => ({
  content: [{ type: 'text', text: expect.stringContaining(JSON.stringify({ client: clientId }).slice(1, -1)) }],
})

it('the MCP client names its document, a person consents, and its tokens are for that address [CI-01]', async () => {
  const clientId = publish('magpie')
  const provider = magpie(clientId)
  const client = new mcp.Client({ name: 'interop', version: '1.0.0' })
  const transport = () => new mcp.StreamableHTTPClientTransport(new URL(serverUrl), { authProvider: provider })
  const first = transport()
  await expect(client.connect(first)).rejects.toBeInstanceOf(mcp.UnauthorizedError)
  const { callback: back, consent } = await provider.ask('alice')
  expect(JSON.stringify(consent)).toContain(new URL(clientId).host)
  await first.finishAuth(back.searchParams)
  await client.connect(transport())
  expect(await client.callTool(whoami)).toMatchObject(as(clientId))
  expect(provider.clientInformation()).toMatchObject({ client_id: clientId })
  expect(documents.asked).toContain('/magpie.json')
  await client.close()
})

it('the MCP client whose document has a key signs with it', async () => {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig' }
  const clientId = publish('signing', { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [jwk] } })
  const code = async (provider: ReturnType<typeof magpie>) => {
    expect(await mcp.auth(provider, { serverUrl })).toBe('REDIRECT')
    const { searchParams } = (await provider.ask('alice')).callback
    const [authorizationCode, iss] = [searchParams.get('code') ?? '', searchParams.get('iss') ?? '']
    return await mcp.auth(provider, { serverUrl, authorizationCode, iss })
  }
  const provider = {
    ...magpie(clientId),
    addClientAuthentication: mcp.createPrivateKeyJwtAuth({
      issuer: clientId,
      subject: clientId,
      privateKey: await exportPKCS8(privateKey),
      alg: 'ES256',
    }),
  }
  expect(await code(provider)).toBe('AUTHORIZED')
  expect(await mcp.auth(provider, { serverUrl })).toBe('AUTHORIZED')
  const keyless = magpie(clientId)
  // Its words after `invalid_client`: it forgets who it is, and tries once more.
  await expect(code(keyless)).rejects.toThrow('Existing OAuth client information is required')
  expect(keyless.tokens()).toBeUndefined()
})

it('the MCP client is told by a page of the chat when its document is not in order', async () => {
  const clientId = publish('secret', { client_secret: 'everybody-can-read-this' })
  const provider = magpie(clientId)
  expect(await mcp.auth(provider, { serverUrl })).toBe('REDIRECT')
  await expect(provider.ask('alice')).rejects.toThrow('The metadata document of this application')
  expect(provider.tokens()).toBeUndefined()
})

it('the MCP client of the first generation names its document, too [CI-01]', async () => {
  const clientId = publish('magpie-v1')
  const provider = application<OAuthClientInformationMixed, OAuthTokens, v1auth.OAuthDiscoveryState>({
    clientMetadataUrl: clientId,
  })
  const transport = () => new TransportV1(new URL(serverUrl), { authProvider: provider })
  const first = transport()
  const connecting = new ClientV1({ name: 'interop', version: '1.0.0' }).connect(first)
  await expect(connecting).rejects.toBeInstanceOf(v1auth.UnauthorizedError)
  await first.finishAuth((await provider.ask('alice')).callback.searchParams.get('code') ?? '')
  const client = new ClientV1({ name: 'interop', version: '1.0.0' })
  await client.connect(transport())
  expect(await client.callTool(whoami)).toMatchObject(as(clientId))
  await client.close()
})
