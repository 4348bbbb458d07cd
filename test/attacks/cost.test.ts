/** What costs a server time, and who must not be kept out by it: the enterprise with its usual limits. */

import { afterAll, describe, expect, it } from 'vitest'
import { basic } from '../fixture/clients.ts'
import { type Change, underAttack } from './stage.ts'

const stage = await underAttack({ limits: true })
const { world } = stage
afterAll(stage.close)

/** Strings that make a pattern go back and forth, of about this many characters. */
function hostile(length: number): string[] {
  const many = (text: string) => text.repeat(Math.floor(length / text.length))
  return [
    `${many('a')}!`,
    `${many(' ')}x`,
    `${many('a ')}"`,
    `https://${many('a.')}`,
    `https://${many('a-')}.example/`,
    `${many('0')}x`,
    `${many('a.b')}@`,
    `${many('urn_a-')}%`,
    many('e30.'),
    many('x,='),
  ]
}

/** A JSON object whose members look like numbers, which a table of them may all put in one place. */
const numbered = (members: number) =>
  JSON.stringify(Object.fromEntries(Array.from({ length: members }, (_, at) => [String(at * 2 ** 16), 0])))

/** All at once: each is answered, and none by a fault of the server. The deadline of the test is the bound. */
async function answered(at: 'idp' | 'chat', changes: readonly Change[]): Promise<void> {
  const answers = await Promise.all(changes.map((change) => stage.ask(at, change)))
  expect(answers.filter(({ statusCode }) => statusCode >= 500).map(({ payload }) => payload)).toEqual([])
  await stage.granted(at)
}

describe.each(['idp', 'chat'] as const)(
  '[ATK-128] at %s, text made to be slow to read is answered like other text',
  (at) => {
    const names = ['grant_type', 'scope', 'resource', 'audience', 'assertion', 'subject_token', 'client_assertion']

    it.each([...names, 'client_id', 'authorization_details', 'requested_token_type', 'redirect_uri'])(
      'in %s',
      async (name) => {
        // A form may have 64 KiB, and a character takes up to three bytes of it.
        const texts = [...hostile(15_000), `${'a'.repeat(60_000)}!`, `${'+'.repeat(60_000)}x`.replaceAll('+', ' ')]
        await answered(
          at,
          texts.map((text) => ({ form: { [name]: text } })),
        )
      },
    )

    it.each(['authorization', 'dpop', 'content-type', 'x-correlation-id', 'traceparent', 'forwarded', 'accept'])(
      'in the header %s',
      async (name) => {
        const texts = hostile(10_000).flatMap((text) =>
          name === 'authorization' ? [`Bearer ${text}`, `Digest ${text}`] : [text],
        )
        await answered(
          at,
          texts.map((text) => ({ headers: { [name]: text } })),
        )
      },
    )

    it.each([
      'scope',
      'resource',
      'email',
      'sub',
      'iss',
      'aud',
      'acr',
      'jti',
      'exp',
      'sub_id',
      'authorization_details',
    ])('in the claim %s', async (name) => {
      await answered(
        at,
        hostile(9000).map((text) => ({ claims: { [name]: text } })),
      )
    })

    it('in the names of members that look like numbers', async () => {
      const authorization_details = `[${numbered(2500)}]`
      await answered(at, [
        { form: { authorization_details } },
        { claims: JSON.parse(numbered(900)) },
        { claims: { act: JSON.parse(numbered(900)) } },
        { header: JSON.parse(numbered(900)) },
      ])
    })
  },
)

it('[ATK-128] the administration answers a body of ten thousand members that look like numbers', async () => {
  const headers = { authorization: `Bearer ${world.admin.token}`, 'content-type': 'application/json' }
  const { status } = await fetch(`${world.admin.url}/connections`, { method: 'POST', headers, body: numbered(10_000) })
  expect([400, 404, 405, 413]).toContain(status)
  await stage.granted('chat')
})

it('[T58] a client whose grants are refused again and again is not kept out, and a stranger with its id changes nothing for it', async () => {
  const claims = { jti: 'again-and-again' }
  await stage.granted('chat', { claims })
  for (let at = 0; at < 40; at++)
    expect((await stage.ask('chat', { claims })).json()).toMatchObject({ error: 'invalid_grant' })
  for (let at = 0; at < 40; at++)
    expect((await stage.ask('idp', { claims: { exp: 1 } })).json()).toMatchObject({ error: 'invalid_grant' })
  await stage.granted('idp')
  await stage.granted('chat')
})

it('[T89] one sign-in is enough for two resources', async () => {
  const subject_token = await world.mintIdToken({ user: 'alice', client: 'assistant' })
  for (const [at, resource] of [
    ['chat', world.resources.mcp],
    ['files', world.resources.files],
  ] as const) {
    const form = { subject_token, audience: world.resourceAs[at].issuer, resource, scope: undefined }
    const token = (await stage.granted('idp', { form, as: basic(stage.idpClient) })).json().access_token
    expect((await stage.granted(at, { token })).json()).toMatchObject({ resource })
  }
})
