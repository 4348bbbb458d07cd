/** The code grant and DPoP: it binds nothing, so it says so, and issues nothing for a resource that takes bound tokens alone. */

import { afterEach, expect, it } from 'vitest'
import { type Deployment, deploy, files, mcp, wiki } from './deployment.ts'

let chat: Deployment
afterEach(async () => await chat.close())

it('a proof is refused, and costs no code', async () => {
  chat = await deploy()
  const form = await chat.code(wiki)
  const body = new URLSearchParams(
    Object.entries(form).filter(([, value]) => value !== undefined) as [string, string][],
  )
  const authorization = `Basic ${btoa(`${wiki.clientId}:${wiki.secret}`)}`
  const refused = await fetch(`${chat.issuer}/token`, { method: 'POST', headers: { authorization, dpop: 'x' }, body })
  expect([refused.status, await refused.json()]).toEqual([
    400,
    { error: 'invalid_dpop_proof', error_description: 'DPoP is not offered for authorization_code' },
  ])
  expect(chat.last('code')).toMatchObject({ outcome: 'refused', reason: 'pop_unsupported' })
  expect((await chat.post('/token', form, { as: wiki })).status).toBe(200)
})

it('[POP-07] a resource that takes bound tokens alone is out of its reach', async () => {
  const resources = (boundTokens: boolean) => [
    { resource: mcp, scopes: ['chat.read', 'chat.write'], boundTokens },
    { resource: files, scopes: ['files.read'] },
  ]
  chat = await deploy({ resources: resources(true) })
  const { body } = await chat.token(wiki)
  expect(body).toMatchObject({ error: 'invalid_grant' })
  expect(chat.last('code')).toMatchObject({ outcome: 'refused', reason: 'pop_required' })
  await chat.close()
  chat = await deploy({ resources: resources(false) })
  expect((await chat.token(wiki)).status).toBe(200)
})
