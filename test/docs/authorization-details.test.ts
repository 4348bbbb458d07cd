/** The configuration of docs/authorization-details.md, run as it stands, with oauth4webapi as the application. */

import { readFile } from 'node:fs/promises'
import * as oauth from 'oauth4webapi'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { type Deployment, deploy } from '../server/deployment.ts'
import { environment } from '../server/example.ts'

const page = await readFile(new URL('../../docs/authorization-details.md', import.meta.url), 'utf8')
const asked = JSON.parse(/--authorization-details '(.*)'/.exec(page)?.[1] ?? '')
const granted = JSON.parse(/and is granted `(.*)`: in the ID-JAG/.exec(page)?.[1] ?? '')

let deployment: Deployment
beforeAll(async () => {
  const documented = parse(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '')
  deployment = await deploy(1, {
    idp: (idp) => ({ ...idp, ...documented.idp }),
    resourceAs: (server) => ({ ...server, ...documented.resourceAs }),
  })
})
afterAll(() => deployment.close())

const loopback = { [oauth.allowInsecureRequests]: true }
const mcp = 'https://api.chat.example/mcp'

async function discover(issuer: string): Promise<oauth.AuthorizationServer> {
  const answer = await oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', ...loopback })
  return await oauth.processDiscoveryResponse(new URL(issuer), answer)
}

async function exchange(details: unknown, change: { [name: string]: string } = {}, claims: object = {}) {
  const idp = await discover(deployment.idp)
  const client = { client_id: 'assistant' }
  const parameters = {
    requested_token_type: tokenType.idJag,
    audience: deployment.chat,
    resource: mcp,
    subject_token: await deployment.idToken(claims),
    subject_token_type: tokenType.idToken,
    authorization_details: JSON.stringify(details),
    ...change,
  }
  const as = oauth.ClientSecretBasic(environment.ASSISTANT_SECRET)
  const grant = grantType.tokenExchange
  const answer = await oauth.genericTokenEndpointRequest(idp, client, as, grant, parameters, loopback)
  const read = { recognizedTokenTypes: { n_a: () => {} } }
  return await oauth.processGenericTokenEndpointResponse(idp, client, answer, read)
}

async function redeem(assertion: string, details?: unknown) {
  const chat = await discover(deployment.chat)
  const client = { client_id: 'assistant-at-chat' }
  const parameters = {
    assertion,
    ...(details === undefined ? {} : { authorization_details: JSON.stringify(details) }),
  }
  const as = oauth.ClientSecretPost(environment.CHAT_SECRET)
  const answer = await oauth.genericTokenEndpointRequest(chat, client, as, grantType.jwtBearer, parameters, loopback)
  return await oauth.processGenericTokenEndpointResponse(chat, client, answer)
}

describe('the documented configuration', () => {
  it('[IDP-07] [IDP-28] [IDP-44] [RAS-14] [RAS-16] grants what the page says, in every place it names', async () => {
    const idJag = await exchange(asked, { scope: 'chat.read' })
    expect(idJag).toMatchObject({ scope: 'chat.read', authorization_details: granted })
    expect(claimsOf(idJag.access_token)).toMatchObject({ authorization_details: granted })
    const access = await redeem(idJag.access_token)
    expect(access).toMatchObject({ scope: 'chat.read', authorization_details: granted })
    expect(claimsOf(access.access_token)).toMatchObject({ authorization_details: granted })
    const introspected = await deployment.introspect(0, access.access_token)
    expect(introspected.body).toMatchObject({ active: true, authorization_details: granted })
    expect(deployment.audit.map((line) => JSON.parse(line)).filter(({ outcome }) => outcome === 'granted')).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ action: 'exchange', detailTypes: ['channel_message'] }),
        expect.objectContaining({ action: 'redeem', detailTypes: ['channel_message'] }),
      ]),
    )
  })

  it('[RA-03] lets the redemption ask for less', async () => {
    const both = [{ ...asked[0], channels: ['#general', '#random'] }]
    const less = [{ ...granted[0], channels: ['#random'], limit: 1 }]
    expect(await redeem((await exchange(both)).access_token, less)).toMatchObject({ authorization_details: less })
  })

  it('gives an entry with who to its people alone', async () => {
    const finance = [{ type: 'channel_message', actions: ['post'], channels: ['#finance'] }]
    await expect(exchange(finance)).rejects.toMatchObject({ error: 'invalid_authorization_details', status: 400 })
    const idJag = await exchange(finance, {}, { groups: ['finance'] })
    const { authorization_details, scope } = await redeem(idJag.access_token)
    expect({ authorization_details, scope }).toEqual({
      // The limit is the chat's own.
      authorization_details: [{ ...finance[0], limit: 100 }],
      scope: undefined,
    })
  })

  it('[RA-06] names its types in the metadata of both servers', async () => {
    for (const issuer of [deployment.idp, deployment.chat])
      expect((await discover(issuer)).authorization_details_types_supported).toEqual(['channel_message'])
  })
})
