/** Client authentication by itself: credentials in any encoding, and what is never an answer. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { authenticateClient, type Client } from '../../src/protocol/client-auth.ts'
import { OAuthError } from '../../src/protocol/errors.ts'
import { parseForm } from '../../src/protocol/form.ts'
import { clientNamed } from '../../src/protocol/presented-credentials.ts'
import { secretDigestOf } from '../../src/protocol/secrets.ts'
import { testPorts } from '../fixture/ports.ts'

const { ports } = testPorts()
const authenticate = async (authorization: readonly string[], clients: Client[], form = '') =>
  await authenticateClient(
    { authorization, form: parseForm(form) },
    { issuer: 'https://as.example', findClient: async (id) => clients.find((one) => one.id === id), skew: 30, ports },
  )
const clientOf = (id: string, secret: string): Client => ({
  id,
  enabled: true,
  authMethods: ['client_secret_basic'],
  secretDigest: secretDigestOf(secret),
})
const base64 = (text: string) => Buffer.from(text).toString('base64')
/** RFC 6749 Appendix B, as URLSearchParams writes it. */
const formEncoded = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)

const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((one) => one.isWellFormed())

describe('Basic credentials', () => {
  it('with any characters are understood, form-encoded by either rule', async () => {
    await fc.assert(
      fc.asyncProperty(text, text, fc.constantFrom(formEncoded, encodeURIComponent), async (id, secret, encode) => {
        const { client } = await authenticate(
          [`Basic ${base64(`${encode(id)}:${encode(secret)}`)}`],
          [clientOf(id, secret)],
        )
        expect(client.id).toBe(id)
      }),
    )
  })

  it('not form-encoded are understood too, when they are of the characters we issue', async () => {
    const issued = fc.stringMatching(/^[A-Za-z0-9._~-]+$/)
    await fc.assert(
      fc.asyncProperty(issued, issued, async (id, secret) => {
        expect((await authenticate([`Basic ${base64(`${id}:${secret}`)}`], [clientOf(id, secret)])).client.id).toBe(id)
      }),
    )
  })

  it('are understood or refused with an OAuthError, whatever the header', async () => {
    const header = fc.oneof(
      fc.string(),
      fc.string().map((one) => `Basic ${one}`),
      fc.uint8Array().map((bytes) => `basic ${Buffer.from(bytes).toString('base64')}`),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(header, { minLength: 1, maxLength: 2 }), async (lines) => {
        const refused = await authenticate(lines, [clientOf('a', 'b')]).catch((error: unknown) => error)
        expect(refused).toBeInstanceOf(OAuthError)
        expect(refused).toMatchObject({ code: lines.length > 1 ? 'invalid_request' : 'invalid_client' })
      }),
    )
  })

  it('of another length than the real ones are compared without an error', async () => {
    const known = clientOf('wiki', 'secret')
    for (const secret of ['', 's', 'secret ', 'x'.repeat(10_000)])
      await expect(authenticate([`Basic ${base64(`wiki:${secret}`)}`], [known])).rejects.toMatchObject({
        code: 'invalid_client',
        reason: 'client_unauthenticated',
      })
  })

  it('of a client that has no secret are refused, even the word that stands in for one', async () => {
    const { secretDigest: _, ...keyOnly } = clientOf('wiki', 'x')
    for (const client of [[], [keyOnly]])
      await expect(authenticate([`Basic ${base64('wiki:no client has this secret')}`], client)).rejects.toMatchObject({
        code: 'invalid_client',
        message: 'client authentication failed',
      })
  })

  it('need no spending', async () => {
    const { spend } = await authenticate([`Basic ${base64('a:b')}`], [clientOf('a', 'b')])
    expect(await spend()).toBeUndefined()
  })
})

describe('the client that a request claims to be', () => {
  const assertion = (claims: object) =>
    `${Buffer.from('{"alg":"ES256"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.AAAA`
  it.each<[string, string | undefined, string, string | undefined]>([
    ['by Basic credentials', `Basic ${base64('one:x')}`, 'client_id=two', 'one'],
    ['by client_id', undefined, 'client_id=two&client_secret=x', 'two'],
    ['by the subject of its assertion', undefined, `client_assertion=${assertion({ sub: 'three' })}`, 'three'],
    ['by nothing', undefined, 'grant_type=x', undefined],
    ['by an assertion without a subject', undefined, `client_assertion=${assertion({})}`, undefined],
    ['by something that cannot be read', 'Bearer x', '', undefined],
  ])('is named %s', (_, authorization, body, client) => {
    expect(clientNamed(authorization, body)).toBe(client)
  })
})
