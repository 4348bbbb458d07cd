/** Attempts to get at one resource what was agreed to at another. */

import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Deployment, deploy, files, mcp, wiki } from '../deployment.ts'

let chat: Deployment
beforeAll(async () => {
  chat = await deploy({
    resources: [mcp, files].map((resource) => ({ resource, scopes: ['chat.read', 'chat.write'] })),
    clients: [
      {
        id: 'wiki',
        authMethods: ['client_secret_basic'],
        secret: { file: 'chat-secret' },
        scopes: ['chat.read', 'chat.write'],
        resources: [mcp, files],
        redirectUris: [wiki.redirectUri],
      },
    ],
    protectedResources: [],
  })
})
afterAll(async () => await chat.close())

/** A code for both resources with both scopes. */
const codeForBoth = async () => {
  const browser = chat.browser(wiki)
  const verifier = 'v'.repeat(43)
  const address = chat.authorize(wiki, { scope: 'chat.read chat.write' }, verifier)
  address.searchParams.append('resource', files)
  const back = await browser.submit(await browser.open(address), 'decision', 'allow')
  const code = back.url.searchParams.get('code') ?? ''
  return { grant_type: 'authorization_code', code, redirect_uri: wiki.redirectUri, code_verifier: verifier }
}

it('a scope is good at the resource it was shown with, and at no other that has it by now', async () => {
  const both = await codeForBoth()
  expect((await chat.post('/token', { ...both, resource: files }, { as: wiki })).body.scope).toBe(
    'chat.read chat.write',
  )

  const form = await codeForBoth()
  // As it is kept when the files had only chat.read on the day of the consent.
  const kind = 'interactive-grant'
  for (const { id, version, value, until } of await chat.store.records.list(kind)) {
    const resources = { ...(value.resources as object), [files]: 'chat.read' }
    const change = { kind, id, expected: version, value: { ...value, resources } }
    await chat.store.records.change([until === undefined ? change : { ...change, until }])
  }
  expect((await chat.post('/token', { ...form, resource: files, scope: 'chat.write' }, { as: wiki })).body.error).toBe(
    'invalid_scope',
  )
  const { body } = await chat.post('/token', { ...form, resource: files }, { as: wiki })
  expect(body).toMatchObject({ scope: 'chat.read', resource: files })
  const refreshed = async (change: { [name: string]: string }) =>
    (await chat.refresh(wiki, body.refresh_token, change)).body
  expect(await refreshed({ resource: files })).toMatchObject({ scope: 'chat.read' })
  expect(await refreshed({ resource: mcp })).toMatchObject({ scope: 'chat.read chat.write' })
  // Both scopes for both of them cannot be: the token is for the one that has both.
  expect(await refreshed({})).toMatchObject({ scope: 'chat.read chat.write', resource: mcp })
})
