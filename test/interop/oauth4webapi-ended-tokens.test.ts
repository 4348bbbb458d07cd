/** An independent client library asks about tokens and revokes them, without anything said to it but the metadata. */

import type { FastifyInstance } from 'fastify'
import * as oauth from 'oauth4webapi'
import { beforeEach, expect, it } from 'vitest'
import { chat, mcp } from '../fixture/addresses.ts'
import { type Enterprise, enterprise, redeem } from '../fixture/enterprise.ts'
import { resourceClient, testStatuses } from '../fixture/statuses.ts'
import { runsIn } from './rows.ts'

runsIn(import.meta.url, 'oauth4webapi')

let world: Enterprise
let api: { id: string; secret: string }
beforeEach(async () => {
  const { entry, credentials } = await resourceClient('chat-api', [mcp])
  api = credentials
  world = await enterprise({
    statuses: testStatuses(),
    accessTokenLifetime: 600,
    plugin: { findProtectedResource: async (id) => (id === entry.id ? entry : undefined) },
  })
})

/** Brings the library's requests to a Fastify application without a socket. */
function through(app: FastifyInstance) {
  return {
    async [oauth.customFetch](url: string, { headers, body, method }: oauth.CustomFetchOptions<string, unknown>) {
      const payload = body === undefined ? {} : { payload: String(body) }
      const answer = await app.inject({
        method: method as 'GET' | 'POST',
        url: new URL(url).pathname,
        headers,
        ...payload,
      })
      return new Response(answer.payload, {
        status: answer.statusCode,
        headers: { 'content-type': String(answer.headers['content-type']) },
      })
    },
  }
}

it('[IN-01] [IN-03] [RV-01] a token is active for its resource until its client revokes it', async () => {
  const options = through(world.chat.app)
  const discovered = await oauth.discoveryRequest(new URL(chat), { ...options, algorithm: 'oauth2' })
  const as = await oauth.processDiscoveryResponse(new URL(chat), discovered)
  const { access_token: token } = (await redeem(world)).json<{ access_token: string }>()
  const ask = async () => {
    const client = { client_id: api.id }
    const answer = await oauth.introspectionRequest(as, client, oauth.ClientSecretBasic(api.secret), token, options)
    return await oauth.processIntrospectionResponse(as, client, answer)
  }
  expect(await ask()).toMatchObject({ active: true, sub: 'u-alice', aud: mcp, scope: 'chat.read' })

  const { post } = world.chat.clients
  const revoke = async ({ id, secret }: { id: string; secret: string }, auth: (secret: string) => oauth.ClientAuth) =>
    await oauth.revocationRequest(as, { client_id: id }, auth(secret), token, options)
  const others = await revoke(post, oauth.ClientSecretPost)
  await expect(oauth.processRevocationResponse(others)).rejects.toMatchObject({ error: 'invalid_grant', status: 400 })
  expect((await ask()).active).toBe(true)

  const own = await revoke(world.chat.clients.basic, oauth.ClientSecretBasic)
  await oauth.processRevocationResponse(own)
  expect(await ask()).toEqual({ active: false })
})
