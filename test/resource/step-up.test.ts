/** A request that needs a better sign-in than the token's: the challenge that says so (RFC 9470). */

import Fastify from 'fastify'
import { beforeEach, expect, it } from 'vitest'
import { principalOf, resourcePlugin } from '../../src/http/resource-plugin.ts'
import { dangerouslyLocalOnly } from '../../src/resource/revocation.ts'
import { chat, mcp } from '../fixture/addresses.ts'
import { type Enterprise, enterprise, redeem } from '../fixture/enterprise.ts'
import { proofFor, proofKeyNamed } from '../fixture/proofs.ts'
import { signed } from '../fixture/tokens.ts'

const document = 'https://api.chat.example/.well-known/oauth-protected-resource/mcp'
const key = await proofKeyNamed('proof')
let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

/** The API, whose writing needs a sign-in with a second factor within the last minute. */
async function api() {
  const app = Fastify()
  await app.register(resourcePlugin, {
    resource: mcp,
    authorizationServer: chat,
    keys: world.chat.keys.source,
    algorithms: ['ES256'],
    scopes: ['chat.read'],
    skew: 30,
    maxLifetime: 3600,
    revocation: dangerouslyLocalOnly,
    ports: world.ports,
    requiredScopes: () => ['chat.read'],
    requiredSignIn: ({ method }) => (method === 'POST' ? { acr: ['hwk', 'mfa'], maxAge: 60 } : undefined),
    routes: (scope) => {
      scope.all('/mcp', async (request) => principalOf(request))
    },
  })
  return app
}

it('[SU-01] [SU-03] says in its challenge what the sign-in must be, and lets a token of such a sign-in pass', async () => {
  const app = await api()
  const call = async (method: 'GET' | 'POST', claims: object) => {
    const { access_token } = (await redeem(world, { claims: { ...claims } })).json()
    return await app.inject({ method, url: '/mcp', headers: { authorization: `Bearer ${access_token}` } })
  }
  const weak = { acr: 'pwd', auth_time: world.clock.now }
  const refused = await call('POST', weak)
  expect([refused.statusCode, refused.json()]).toEqual([401, { error: 'insufficient_user_authentication' }])
  expect(refused.headers['www-authenticate']).toBe(
    `Bearer error="insufficient_user_authentication", acr_values="hwk mfa", max_age="60", resource_metadata="${document}"`,
  )
  expect(world.audit.at(-1)).toMatchObject({
    action: 'call',
    outcome: 'refused',
    reason: 'step_up',
    error: 'insufficient_user_authentication',
    account: 'u-alice',
    detail: `signed in at ${world.clock.now} with acr pwd`,
  })
  expect((await call('GET', weak)).statusCode).toBe(200)
  const passed = await call('POST', { ...weak, acr: 'mfa' })
  expect([passed.statusCode, passed.json()]).toMatchObject([200, { acr: 'mfa', authTime: world.clock.now }])
})

it('asks for scope before it asks for a sign-in', async () => {
  const app = await api()
  const { access_token } = (await redeem(world, { claims: { scope: 'chat.write' } })).json()
  const headers = { authorization: `Bearer ${access_token}` }
  expect((await app.inject({ method: 'POST', url: '/mcp', headers })).statusCode).toBe(403)
})

it('[SU-01] answers a bound token by the scheme it came with', async () => {
  const { now } = world.clock
  const claims = { iss: chat, sub: 'u-alice', aud: mcp, client_id: 'wiki', jti: 'a', scope: 'chat.read' }
  const times = { iat: now, exp: now + 600, cnf: { jkt: key.thumbprint } }
  const token = signed({ typ: 'at+jwt' }, { ...claims, ...times }, world.chat.keys.current())
  const headers = { authorization: `DPoP ${token}`, dpop: proofFor(key, { address: mcp, now, accessToken: token }) }
  const answer = await (await api()).inject({ method: 'POST', url: '/mcp', headers })
  expect(answer.headers['www-authenticate']).toMatch(
    /^DPoP error="insufficient_user_authentication", acr_values="hwk mfa", max_age="60", algs="ES256 /,
  )
})
