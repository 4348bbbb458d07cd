/** Sign-in at a real OpenID provider with its own page: oidc-provider, as the harness runs it. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startWorld, type World } from '../../../src/testing/world.ts'
import { openStageAmong, type Stage, wiki } from './stage.ts'

let world: World
let stage: Stage
const seen: unknown[] = []
beforeAll(async () => {
  stage = await openStageAmong(async (issuer) => {
    world = await startWorld({ redirectUris: [`${issuer}/sign-in/callback`] })
    const { id, secret } = world.clients.assistant.idp
    return [{ issuer: world.idp.issuer, clientId: id, clientSecret: secret, emailDomains: ['acme.example'] }]
  }, [])
  stage.accounts.of = async (person) => {
    seen.push(person)
    return person.sub
  }
})
afterAll(async () => {
  await stage?.close()
  await world?.close()
})

describe('a person who is known to a real provider', () => {
  it('signs in on its page, consents here, and comes to the application with a code', async () => {
    const browser = stage.browser()
    const page = await browser.submit(await browser.open(stage.authorize(wiki)), 'person', 'alice')
    expect(page.text).toContain('alice@acme.example')
    const { url } = await browser.submit(page, 'decision', 'allow')
    expect(url.searchParams.get('code')).toMatch(/./)
    expect(seen).toEqual([
      {
        issuer: world.idp.issuer,
        sub: world.users[0]?.sub,
        email: 'alice@acme.example',
        emailVerified: true,
        authTime: expect.any(Number),
        acr: 'urn:acme.example:acr:chosen',
        amr: ['user'],
      },
    ])
  })

  it('and turned back there, meets a page here from which one can go back to the application', async () => {
    const browser = stage.browser()
    const page = await browser.submit(await browser.open(stage.authorize(wiki)), 'cancel', 'yes')
    expect(page).toMatchObject({ status: 403, text: expect.stringContaining('did not sign you in') })
    const { url } = await browser.submit(page, 'cancel', 'yes')
    expect(url.searchParams.get('error')).toBe('access_denied')
  })

  it('can let somebody else sign in from the consent page', async () => {
    const browser = stage.browser()
    const page = await browser.submit(await browser.open(stage.authorize(wiki)), 'person', 'alice')
    const anew = await browser.open(new URL(/href="([^"]+\/anew)"/.exec(page.text)?.[1] ?? '', page.url))
    expect(anew.url.origin).toBe(world.idp.issuer)
  })
})
