/** What the client does with a person's tokens: shown to the identity provider, and nowhere else, no longer than they are needed. */

import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CrossAppOptions, createCrossAppClient } from '../../src/client/client.ts'
import { answerOf, type Enterprise, enterprise, withMembers } from './enterprise.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})
afterEach(() => world.close())

/** Everything a log could make of a value. */
const logged = (value: unknown) =>
  [
    inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true }),
    JSON.stringify(value) ?? '',
    String(value),
    value instanceof Error ? `${value.stack}` : '',
  ].join('\n')

describe('a subject token', () => {
  it('[FL-SUB-01] is in the body of the exchange, and in no address, no header and no request to anybody else', async () => {
    const idToken = await world.idToken()
    await createCrossAppClient(await world.options({ subject: { idToken: () => idToken } })).fetch(world.resource)
    const holding = [world.idp, world.ras, world.api].flatMap(({ seen }) =>
      seen.filter((request) => JSON.stringify(request).includes(idToken)),
    )
    expect(holding).toEqual([
      expect.objectContaining({ method: 'POST', path: '/token', body: expect.stringContaining(idToken) }),
    ])
    expect(JSON.stringify(holding[0]?.headers)).not.toContain(idToken)
    expect(world.idp.seen).toContain(holding[0])
  })

  it('[FL-SUB-01] is not shown once it has expired, though the identity provider may still take it', async () => {
    const idToken = await world.idToken(60)
    const client = createCrossAppClient(await world.options({ subject: { idToken: () => idToken }, skew: 0 }))
    world.clock.now += 62
    await expect(client.token(world.resource)).rejects.toMatchObject({ name: 'SignInRequired' })
    expect(world.count(world.idp, '/token')).toBe(0)
    world.clock.now -= 10
    await expect(client.token(world.resource)).resolves.toBeDefined()
  })
})

describe('an ID-JAG', () => {
  it('[FL-SUB-01] is redeemed at once and not kept: another access token takes another exchange', async () => {
    const client = createCrossAppClient(await world.options())
    await client.token(world.resource)
    const idJag = new URLSearchParams(world.ras.seen.at(-1)?.body).get('assertion') ?? ''
    expect(idJag).toMatch(/^ey/)
    expect(logged(client)).not.toContain(idJag)
    world.clock.now += 601
    await client.token(world.resource)
    expect(world.count(world.idp, '/token')).toBe(2)
    const assertions = world.ras.seen.filter(({ path }) => path === '/token').map(({ body }) => body)
    expect(new Set(assertions).size).toBe(2)
  })
})

describe('what can be logged', () => {
  const refusals: [string, (world: Enterprise) => void][] = [
    ['nothing', () => {}],
    ['a refused exchange', ({ idp }) => idp.bend.set('/token', answerOf(400, { error: 'invalid_grant' }))],
    ['a broken answer', ({ idp }) => idp.bend.set('/token', () => ({ status: 200, headers: {}, body: '<html>' }))],
    ['an ID-JAG that is none', ({ idp }) => idp.bend.set('/token', withMembers({ access_token: 'opaque' }))],
    ['an ID-JAG of another type', ({ idp }) => idp.bend.set('/token', withMembers({ token_type: 'Bearer' }))],
    ['a refused redemption', ({ ras }) => ras.bend.set('/token', answerOf(400, { error: 'invalid_grant' }))],
    ['an access token of an unknown type', ({ ras }) => ras.bend.set('/token', withMembers({ token_type: 'mac' }))],
  ]
  it.each(refusals)('[FL-SUB-01] of the client and its errors holds no token after %s', async (_, bend) => {
    const idToken = await world.idToken()
    const refreshToken = 'a-refresh-token-of-alice-0123456789'
    const subject = { idToken: () => idToken, refreshToken: () => refreshToken }
    const options: Partial<CrossAppOptions> = { subject }
    const client = createCrossAppClient(await world.options(options))
    bend(world)
    const outcome = await client.token(world.resource).catch((error: unknown) => error)
    const assertion = new URLSearchParams(world.ras.seen.at(-1)?.body).get('assertion')
    const text = [client, ...(outcome instanceof Error ? [outcome] : [])].map(logged).join('\n')
    for (const token of [idToken, refreshToken, ...(assertion === null ? [] : [assertion])])
      for (const part of token.split('.')) expect(text).not.toContain(part)
    expect(text).not.toMatch(/eyJ[\w-]{20}/)
  })
})
