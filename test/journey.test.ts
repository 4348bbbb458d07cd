/** Read this first: the whole way from a sign-in at the company to a call of another company's API, in plain HTTP. */
import { decodeJwt } from 'jose'
import { afterAll, expect, it } from 'vitest'
import { startWorld } from '../src/testing/world.ts'

const { idp, resourceAs, resources, messagesUrl, clients, mintIdToken, close } = await startWorld()
afterAll(close)
const { assistant } = clients

async function tokenFrom(url: string, client: { id: string; secret: string }, form: { [name: string]: string }) {
  const headers = { authorization: `Basic ${btoa(`${client.id}:${client.secret}`)}` }
  const answer = await fetch(url, { method: 'POST', headers, body: new URLSearchParams(form) })
  return ((await answer.json()) as { access_token: string }).access_token
}

it('takes Alice from her sign-in at Acme to the chat of another company', async () => {
  // She has signed in to the assistant. ID-JAG §4.3: with her ID Token it asks Acme's identity provider for an ID-JAG.
  const idJag = await tokenFrom(idp.tokenEndpoint, assistant.idp, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
    subject_token: await mintIdToken({ user: 'alice', client: 'assistant' }),
    subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    audience: resourceAs.chat.issuer,
    resource: resources.api,
    scope: 'chat.read',
  })
  // Three names change their meaning on the way: whom it is for, who the client is over there, and what it opens.
  const { issuer } = resourceAs.chat
  const named = { iss: idp.issuer, aud: issuer, client_id: assistant.resourceAs.id, resource: resources.api }
  expect(decodeJwt(idJag)).toMatchObject(named)
  // ID-JAG §4.4: it redeems the ID-JAG there, once, for an access token.
  const accessToken = await tokenFrom(resourceAs.chat.tokenEndpoint, assistant.resourceAs, {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: idJag,
  })
  expect(decodeJwt(accessToken)).toMatchObject({ iss: issuer, aud: resources.api, scope: 'chat.read' })
  // The chat answers it as Alice.
  const answer = await fetch(messagesUrl, { headers: { authorization: `Bearer ${accessToken}` } })
  expect(await answer.json()).toMatchObject({ as: { account: 'chat-alice', client: assistant.resourceAs.id } })
})
