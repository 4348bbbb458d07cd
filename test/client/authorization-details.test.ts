/** Authorization details as the client asks for them: with every token, and never silently without. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AccessToken, type CrossAppOptions, createCrossAppClient } from '../../src/client/client.ts'
import type { JsonObject } from '../../src/protocol/json.ts'
import { readJwt, signJwt } from '../../src/protocol/jwt.ts'
import { type Bend, type Enterprise, enterprise, withMembers } from './enterprise.ts'

const asked = [{ type: 'channel', actions: ['read', 'write', 'delete'] }]

let world: Enterprise
let options: CrossAppOptions
beforeEach(async () => {
  world = await enterprise()
  world.connection.details = [{ detail: { type: 'channel', actions: ['write', 'delete'] } }]
  options = await world.options()
})
afterEach(() => world.close())

async function token(authorizationDetails = asked): Promise<AccessToken> {
  const servers = Object.entries(options.resourceServers)
  const resourceServers = Object.fromEntries(servers.map(([name, entry]) => [name, { ...entry, authorizationDetails }]))
  return await createCrossAppClient({ ...options, resourceServers }).token(world.resource)
}

/** The real ID-JAG with other claims, signed by the real key. */
function withClaims(change: JsonObject): Bend {
  return async (real) => {
    const answer = JSON.parse(real.body)
    const claims = { ...readJwt(answer.access_token).claims, ...change }
    const idJag = await signJwt(claims, 'oauth-id-jag+jwt', world.idpKeys.current())
    return { ...real, body: JSON.stringify({ ...answer, access_token: idJag }) }
  }
}

describe('a client with authorization details', () => {
  it('asks for them beside its scope, and says what both servers left of them [CL-12]', async () => {
    expect(await token()).toMatchObject({
      scopes: ['chat.read'],
      authorizationDetails: [{ type: 'channel', actions: ['write'] }],
    })
    const form = new URLSearchParams(world.idp.seen.find(({ path }) => path === '/token')?.body)
    expect(JSON.parse(form.get('authorization_details') ?? '')).toEqual(asked)
  })

  it('is told why when they are refused', async () => {
    await expect(token([{ type: 'other', actions: [] }])).rejects.toMatchObject({
      step: 'exchange',
      code: 'invalid_authorization_details',
    })
  })

  it('uses no ID-JAG that is silent about them: more may have been granted than was meant', async () => {
    world.idp.bend.set('/token', withClaims({ authorization_details: undefined }))
    await expect(token()).rejects.toMatchObject({
      step: 'exchange',
      stop: 'check',
      message: expect.stringContaining('without the authorization_details'),
    })
    expect(world.count(world.ras, '/token')).toBe(0)
  })

  it.each<[unknown, string]>([
    [undefined, 'says nothing of the authorization_details'],
    ['[]', 'an unexpected authorization_details'],
    [[{}], 'an unexpected authorization_details'],
  ])('uses no access token whose answer has %j of them', async (members, words) => {
    world.ras.bend.set('/token', withMembers({ authorization_details: members }))
    await expect(token()).rejects.toMatchObject({
      step: 'redemption',
      stop: 'check',
      message: expect.stringContaining(words),
    })
  })
})

it('a client without authorization details has none, whatever an answer says', async () => {
  world.ras.bend.set('/token', withMembers({ authorization_details: asked }))
  expect(await createCrossAppClient(options).token(world.resource)).not.toHaveProperty('authorizationDetails')
})
