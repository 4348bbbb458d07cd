/** The code grant with several workers, and a server without it. */

import { setTimeout } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { deploy, wiki } from './deployment.ts'

const metadataOf = async (issuer: string) =>
  (await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()) as { [member: string]: unknown }

describe('several workers', () => {
  it.each(['memory', 'lmdb'] as const)(
    'give a code once, and refresh what another gave, with the store %s',
    async (store) => {
      const chat = await deploy({}, 2, { store })
      const form = await chat.code(wiki)
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, at) => chat.post('/token', form, { as: wiki, worker: at % 2 })),
      )
      const [won, ...more] = answers.filter(({ status }) => status === 200)
      expect(more).toEqual([])
      // RFC 6749 §4.1.2: whoever came second may be the one it was meant for.
      expect(await chat.isAlive(won?.body.access_token)).toBe(false)
      const { body } = await chat.post('/token', await chat.code(wiki), { as: wiki, worker: 1 })
      expect((await chat.refresh(wiki, body.refresh_token, {}, 0)).status).toBe(200)
      expect((await chat.refresh(wiki, body.refresh_token, {}, 1)).status).toBe(200)
      await chat.close()
    },
  )

  it('end what came of a code when two ask for it before either is answered', async () => {
    const chat = await deploy({}, 2)
    const { records } = chat.store
    const { change } = records
    // A store so slow that the second has found the code unused before the first has marked it.
    records.change = async (changes) => {
      await setTimeout(200)
      return await change(changes)
    }
    const form = await chat.code(wiki)
    const both = await Promise.all([0, 1].map((worker) => chat.post('/token', form, { as: wiki, worker })))
    const tokens = both.flatMap(({ status, body }) => (status === 200 ? [body.access_token] : []))
    expect(tokens).toHaveLength(1)
    expect(await chat.isAlive(tokens[0])).toBe(false)
    await chat.close()
  })

  it('share the steps of a sign-in', async () => {
    const chat = await deploy({}, 2)
    const browser = chat.browser(wiki)
    const page = await browser.open(chat.authorize(wiki))
    // A load balancer sends the form to the other one.
    const there = { ...page, url: new URL(page.url.pathname, chat.at(1)) }
    const headers = { origin: chat.issuer }
    expect((await browser.submit(there, 'decision', 'allow', headers)).url.searchParams.get('code')).toBeTruthy()
    await chat.close()
  })
})

describe('the metadata', () => {
  it('of a server with the code grant offers it, with PKCE, to public clients too', async () => {
    const chat = await deploy()
    const metadata = await metadataOf(chat.issuer)
    expect(metadata).toMatchObject({
      authorization_endpoint: `${chat.issuer}/authorize`,
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      grant_types_supported: [
        'urn:ietf:params:oauth:grant-type:jwt-bearer',
        'urn:ietf:params:oauth:grant-type:jwt-dpop',
        'authorization_code',
        'refresh_token',
      ],
    })
    expect(metadata.token_endpoint_auth_methods_supported).toContain('none')
    await chat.close()
  })

  it('of a server that is managed only offers no such grant, and its endpoints refuse it', async () => {
    const chat = await deploy({
      interactive: null,
      clients: [],
    })
    const metadata = await metadataOf(chat.issuer)
    expect(metadata).toMatchObject({
      response_types_supported: ['none'],
      grant_types_supported: [
        'urn:ietf:params:oauth:grant-type:jwt-bearer',
        'urn:ietf:params:oauth:grant-type:jwt-dpop',
      ],
    })
    expect(metadata.token_endpoint_auth_methods_supported).not.toContain('none')
    expect((await fetch(`${chat.issuer}/authorize`)).status).toBe(400)
    expect((await chat.post('/token', { grant_type: 'authorization_code', code: 'x' })).status).toBe(401)
    await chat.close()
  })
})
