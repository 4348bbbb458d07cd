/** What the client does with the identity provider's answer: it uses what it asked for, and nothing else. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CrossAppError, createCrossAppClient, SignInRequired } from '../../src/client/client.ts'
import type { JsonObject } from '../../src/protocol/json.ts'
import { readJwt, signJwt } from '../../src/protocol/jwt.ts'
import { answerOf, type Bend, type Enterprise, enterprise, withMembers } from './enterprise.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})
afterEach(() => world.close())

async function token() {
  return await createCrossAppClient(await world.options()).token(world.resource)
}

/** The real ID-JAG with other claims, signed by the real key. */
function withClaims(change: JsonObject, typ = 'oauth-id-jag+jwt'): Bend {
  return async (real) => {
    const answer = JSON.parse(real.body)
    const claims = { ...readJwt(answer.access_token).claims, ...change }
    const idJag = await signJwt(claims, typ, world.idpKeys.current())
    return { ...real, body: JSON.stringify({ ...answer, access_token: idJag }) }
  }
}

describe('an ID-JAG', () => {
  it('that is as it was asked for is redeemed [CL-04]', async () => {
    for (const same of [
      {},
      { aud: [world.ras.origin] },
      { resource: [world.resource] },
      { resource: undefined, extra: 1 },
    ]) {
      world.idp.bend.set('/token', withClaims(same))
      expect((await token()).scopes).toEqual(['chat.read'])
    }
  })

  it.each<[string, () => JsonObject, string]>([
    ['another audience', () => ({ aud: 'https://auth.other.example' }), 'another audience, https://auth.other.example'],
    [
      'two audiences',
      () => ({ aud: [world.ras.origin, 'https://auth.other.example'] }),
      "unexpected 'aud' claim value",
    ],
    ['another client', () => ({ client_id: 'notebook' }), 'another client, notebook'],
    [
      'another resource',
      () => ({ resource: 'https://api.other.example/mcp' }),
      'the resource https://api.other.example/mcp',
    ],
    [
      'one resource more',
      () => ({ resource: [world.resource, 'https://api.other.example/'] }),
      'https://api.other.example/',
    ],
    ['another issuer', () => ({ iss: 'https://id.other.example' }), 'another issuer, https://id.other.example'],
    ['a key of somebody', () => ({ cnf: { jkt: 'x' } }), 'bound to a key that this client did not show'],
  ])('for %s is refused and never sent [FL-ISS-04] [T87]', async (_, change, words) => {
    world.idp.bend.set('/token', withClaims(change()))
    await expect(token()).rejects.toMatchObject({
      step: 'exchange',
      stop: 'check',
      server: world.idp.origin,
      message: expect.stringContaining(words),
    })
    expect(world.count(world.ras, '/token')).toBe(0)
  })

  it.each(['JWT', 'at+jwt', 'logout+jwt'])('of type %s is refused [CL-03]', async (typ) => {
    world.idp.bend.set('/token', withClaims({}, typ))
    await expect(token()).rejects.toMatchObject({ step: 'exchange', stop: 'check' })
    world.idp.bend.set('/token', withClaims({}, 'application/oauth-id-jag+jwt'))
    await expect(token()).resolves.toBeDefined()
  })
})

describe('an answer', () => {
  it.each<[string, JsonObject, string]>([
    [
      'another issued_token_type',
      { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
      'unexpected issued_token_type',
    ],
    ['no issued_token_type', { issued_token_type: undefined }, 'no issued_token_type'],
    ['token_type Bearer', { token_type: 'Bearer' }, 'unexpected token_type'],
    ['expires_in as a string', { expires_in: '300' }, 'unexpected expires_in'],
    ['no access_token', { access_token: undefined }, 'no access_token'],
    ['an access_token that is no JWT', { access_token: 'opaque' }, 'cannot be read'],
    ['the resource of another', { resource: 'https://api.other.example/' }, 'https://api.other.example/'],
  ])('with %s is refused [CL-03]', async (_, members, words) => {
    world.idp.bend.set('/token', withMembers(members))
    await expect(token()).rejects.toMatchObject({
      step: 'exchange',
      stop: 'check',
      message: expect.stringContaining(words),
    })
    expect(world.count(world.ras, '/token')).toBe(0)
  })

  it('without scope means the scope that was asked for; n_a is N_A; expires_in may be absent [CL-12] [OKTA-03]', async () => {
    world.idp.bend.set('/token', withMembers({ scope: undefined, token_type: 'n_a', expires_in: undefined }))
    expect((await token()).scopes).toEqual(['chat.read'])
  })

  it('with a refresh_token leaves it unread and unsent [CL-13]', async () => {
    world.idp.bend.set('/token', withMembers({ refresh_token: 'do-not-keep-me' }))
    await token()
    expect(JSON.stringify([world.ras.seen, world.api.seen])).not.toContain('do-not-keep-me')
  })
})

describe('a refusal', () => {
  it('keeps its code, its description and every other member [T80]', async () => {
    const refusal = {
      error: 'access_denied',
      error_description: 'not today',
      error_uri: 'https://id.acme.example/why',
      hint: [1],
    }
    world.idp.bend.set('/token', answerOf(403, refusal))
    const error = await token().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(CrossAppError)
    expect(error).toMatchObject({
      step: 'exchange',
      stop: 'server',
      code: 'access_denied',
      description: 'not today',
      status: 403,
      server: world.idp.origin,
      parameters: { error_uri: 'https://id.acme.example/why', hint: [1] },
      message: `${world.idp.origin} refused the exchange with access_denied: not today`,
    })
  })

  it('is final: no second try, and no other credential [T81]', async () => {
    world.connection.enabled = false
    const refreshToken = () => 'another-credential'
    const { subject, ...options } = await world.options()
    const client = createCrossAppClient({ ...options, subject: { ...subject, refreshToken } })
    await expect(client.token(world.resource)).rejects.toMatchObject({ code: 'invalid_target' })
    expect(world.count(world.idp, '/token')).toBe(1)
    world.connection.enabled = true
    await expect(client.token(world.resource)).resolves.toBeDefined()
  })

  it('for a weak sign-in becomes SignInRequired, and the call succeeds after a better one [CL-11]', async () => {
    world.connection.signIn = { maxAge: 60, acr: ['phr'] }
    const refused = await token().catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(SignInRequired)
    expect(refused).toMatchObject({
      step: 'sign-in',
      code: 'insufficient_user_authentication',
      acrValues: ['phr'],
      maxAge: 60,
      parameters: { acr_values: 'phr', max_age: 60 },
    })
    world.connection.signIn = { maxAge: 60 }
    await expect(token()).resolves.toBeDefined()
  })

  it('that is no OAuth error is told from one', async () => {
    world.idp.bend.set('/token', answerOf(502, { message: 'bad gateway' }))
    await expect(token()).rejects.toMatchObject({ stop: 'network', status: 502, code: undefined })
    world.idp.bend.set('/token', () => ({ status: 200, headers: {}, body: '<html>sign in</html>' }))
    await expect(token()).rejects.toMatchObject({ stop: 'network', status: 200 })
  })

  it('by a server in trouble is a matter of the network, and keeps its code [T80]', async () => {
    const trouble = { error: 'temporarily_unavailable', error_description: 'later' }
    world.idp.bend.set('/token', answerOf(503, trouble))
    await expect(token()).rejects.toMatchObject({
      step: 'exchange',
      stop: 'network',
      status: 503,
      code: 'temporarily_unavailable',
      description: 'later',
    })
    world.idp.bend.set('/token', answerOf(400, trouble))
    await expect(token()).rejects.toMatchObject({ stop: 'server', status: 400, code: 'temporarily_unavailable' })
  })

  it('of any length makes a message of bounded length, and keeps the whole description', async () => {
    world.idp.bend.set('/token', answerOf(400, { error: 'x', error_description: 'y'.repeat(5000) }))
    const error = (await token().catch((thrown: unknown) => thrown)) as CrossAppError
    expect(error.message).toMatch(/refused the exchange with x: y+…$/)
    expect([error.message.length, error.description?.length]).toEqual([1001, 5000])
  })

  it('puts no control character of a stranger on the terminal', async () => {
    world.idp.bend.set('/token', answerOf(400, { error: 'x', error_description: '\u001b[2J\u009b' }))
    const error = (await token().catch((thrown: unknown) => thrown)) as CrossAppError
    expect(error.message).toBe(`${world.idp.origin} refused the exchange with x: ?[2J?`)
    expect(error.description).toBe('\u001b[2J\u009b')
  })
})
