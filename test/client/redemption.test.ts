/** What the client does with the answer of the resource authorization server. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clientSecretBasic, createCrossAppClient } from '../../src/client/client.ts'
import type { JsonObject } from '../../src/protocol/json.ts'
import { readJwt, signJwt } from '../../src/protocol/jwt.ts'
import { answerOf, type Enterprise, enterprise, secret, withMembers } from './enterprise.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})
afterEach(() => world.close())

async function token() {
  return await createCrossAppClient(await world.options()).token(world.resource)
}

describe('an answer', () => {
  it.each<[string, JsonObject, string]>([
    ['token_type DPoP', { token_type: 'DPoP' }, 'unexpected token_type'],
    ['no token_type', { token_type: undefined }, 'no token_type'],
    ['expires_in as a string', { expires_in: '600' }, 'unexpected expires_in'],
    ['an access_token that would break a header', { access_token: 'a\r\nx-admin: 1' }, 'unexpected access_token'],
    ['an access_token with a space', { access_token: 'a b' }, 'unexpected access_token'],
    ['an access_token with a comma', { access_token: 'a,Bearer=b' }, 'unexpected access_token'],
    ['an access_token with a quote', { access_token: 'a"b' }, 'unexpected access_token'],
    ['the resource of another [FL-ISS-06]', { resource: ['https://api.other.example/'] }, 'https://api.other.example/'],
  ])('with %s is refused, and the token reaches no API', async (_, members, words) => {
    world.ras.bend.set('/token', withMembers(members))
    await expect(token()).rejects.toMatchObject({
      step: 'redemption',
      stop: 'check',
      server: world.ras.origin,
      message: expect.stringContaining(words),
    })
    expect(world.api.seen.filter(({ headers }) => headers.authorization !== undefined)).toEqual([])
  })

  it('may hold an access token of any other visible characters, as deployed servers issue them', async () => {
    const opaque = 'user|7@notes:grant_1:s3cret+/='
    world.ras.bend.set('/token', withMembers({ access_token: opaque }))
    expect((await token()).token).toBe(opaque)
  })

  it('may spell bearer as it likes, and leave out scope and resource [CL-12] [VER-14]', async () => {
    world.ras.bend.set('/token', withMembers({ token_type: 'BEARER', scope: undefined, resource: undefined }))
    expect(await token()).toMatchObject({ scopes: ['chat.read'], resource: world.resource })
  })

  it('with less scope than was asked for says so [CL-12]', async () => {
    world.ras.bend.set('/token', withMembers({ scope: 'chat.peek' }))
    expect((await token()).scopes).toEqual(['chat.peek'])
  })

  it('with a refresh_token leaves it unread and unsent [CL-13]', async () => {
    world.ras.bend.set('/token', withMembers({ refresh_token: 'do-not-keep-me' }))
    const client = createCrossAppClient(await world.options())
    await client.fetch(world.resource)
    world.clock.now += 600
    await client.fetch(world.resource)
    const sent = [world.idp.seen, world.ras.seen, world.api.seen]
    expect(JSON.stringify(sent)).not.toContain('do-not-keep-me')
  })
})

describe('a token that nobody says is for the resource', () => {
  /** Both servers overlook `resource`, as some do. */
  function overlookResource() {
    world.ras.bend.set('/token', withMembers({ resource: undefined }))
    world.idp.bend.set('/token', async (real) => {
      const answer = JSON.parse(real.body)
      const { resource: _, ...claims } = readJwt(answer.access_token).claims
      const idJag = await signJwt(claims, 'oauth-id-jag+jwt', world.idpKeys.current())
      return { ...real, body: JSON.stringify({ ...answer, access_token: idJag }) }
    })
  }
  const entry = (resources: string[]) => ({
    resourceServers: { [world.ras.origin]: { client: clientSecretBasic('assistant-at-chat', secret), resources } },
  })

  it('is not used', async () => {
    overlookResource()
    await expect(token()).rejects.toMatchObject({
      step: 'redemption',
      stop: 'check',
      message: expect.stringContaining('names no resource'),
    })
  })

  it('is used where the application itself names the resource, and nowhere else', async () => {
    overlookResource()
    const known = createCrossAppClient(await world.options(entry([world.resource])))
    expect((await known.fetch(world.resource)).status).toBe(200)
    const exchanges = world.count(world.idp, '/token')
    const other = createCrossAppClient(await world.options(entry(['https://api.other.example/mcp'])))
    await expect(other.token(world.resource)).rejects.toMatchObject({ step: 'discovery', stop: 'check' })
    expect(world.count(world.idp, '/token')).toBe(exchanges)
  })
})

describe('a refusal', () => {
  it('keeps everything, and the ID-JAG is not shown to anybody else [CL-09] [T80]', async () => {
    world.ras.bend.set(
      '/token',
      answerOf(400, { error: 'invalid_grant', error_description: 'assertion: no', tries: 1 }),
    )
    await expect(token()).rejects.toMatchObject({
      step: 'redemption',
      stop: 'server',
      code: 'invalid_grant',
      description: 'assertion: no',
      status: 400,
      server: world.ras.origin,
      parameters: { tries: 1 },
    })
    expect([world.count(world.idp, '/token'), world.count(world.ras, '/token')]).toEqual([1, 1])
  })

  it('for a weak sign-in is a matter of signing in, here too', async () => {
    world.ras.bend.set('/token', answerOf(400, { error: 'insufficient_user_authentication', max_age: 0 }))
    await expect(token()).rejects.toMatchObject({ name: 'SignInRequired', step: 'sign-in', maxAge: 0, acrValues: [] })
  })

  it('never repeats the secret or a token', async () => {
    world.ras.bend.set('/token', answerOf(401, { error: 'invalid_client' }))
    const error = (await token().catch((thrown: unknown) => thrown)) as Error
    const body = new URLSearchParams(world.ras.seen.at(-1)?.body)
    expect(`${error.message}${JSON.stringify(error)}`).not.toContain(body.get('assertion'))
    expect(error.message).toBe(`${world.ras.origin} refused the redemption with invalid_client`)
  })
})
