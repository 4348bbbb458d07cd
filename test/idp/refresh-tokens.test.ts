/** A subject token is exchanged for a refresh token, and that for ID-JAGs until its time is over (ID-JAG §4.5). */

import Fastify from 'fastify'
import { beforeEach, describe, expect, it } from 'vitest'
import { idpPlugin } from '../../src/http/idp-plugin.ts'
import type { Connection } from '../../src/idp/connections.ts'
import type { RefreshTokenIssue } from '../../src/idp/refresh-tokens.ts'
import type { SamlAssertions } from '../../src/idp/saml-subject.ts'
import type { Block, LiftedBlock } from '../../src/protocol/blocks.ts'
import { usualBranches } from '../../src/protocol/branches.ts'
import { OAuthError, unavailable } from '../../src/protocol/errors.ts'
import { tokenType } from '../../src/protocol/names.ts'
import { acme, beta, chat, files, mcp } from '../fixture/addresses.ts'
import { basic } from '../fixture/clients.ts'
import { type Attempt, type Enterprise, enterprise, exchange, exchangeCall } from '../fixture/enterprise.ts'
import { connectionOf } from '../fixture/identity-provider.ts'
import { signerOf } from '../fixture/keys.ts'
import { proofFor, proofKeyNamed } from '../fixture/proofs.ts'
import { expectRefusal, type Refusal } from '../fixture/refusal.ts'
import { send } from '../fixture/requests.ts'
import { claimsOf } from '../fixture/tokens.ts'

const hour = 3600
const day = 24 * hour

let world: Enterprise
let inForce: Block[]
let lifted: LiftedBlock[]
let toChat: Connection

beforeEach(async () => {
  world = await enterprise()
  inForce = []
  lifted = []
  const [first] = world.idp.connections
  if (first === undefined) throw new Error('no connection')
  toChat = first
  toChat.refreshTokens = { maxAge: 8 * hour }
  const { provider } = world.idp
  provider.blocks = { inForce: () => inForce, lifted: () => lifted }
  await serve(issuing())
})

/** How the fixture's provider makes refresh tokens. */
function issuing(change: Partial<RefreshTokenIssue> = {}): RefreshTokenIssue {
  const { refreshTokens, servers } = world.idp
  return {
    sessionAge: 30 * day,
    audiences: () => servers.map(({ issuer }) => issuer),
    keep: async (token, record) => void refreshTokens.set(token, record),
    end: async (token) => void refreshTokens.delete(token),
    ...change,
  }
}

/** The identity provider anew, with what the test has changed in it. */
async function serve(refreshTokenIssue?: RefreshTokenIssue): Promise<void> {
  const { clients, provider } = world.idp
  world.idp.app = Fastify()
  await world.idp.app.register(idpPlugin, {
    identityProvider: { ...provider, ...(refreshTokenIssue === undefined ? {} : { refreshTokenIssue }) },
    findClient: async (id) => clients.entries.get(id),
    ports: world.ports,
    policyVersion: () => 'policy-7',
  })
}

const asking = {
  requested_token_type: tokenType.refreshToken,
  audience: undefined,
  resource: undefined,
  scope: 'openid offline_access',
}
const issueCall = ({ form, ...attempt }: Attempt = {}) =>
  exchangeCall(world, { ...attempt, form: { ...asking, ...form } })
const issue = async (attempt?: Attempt) => await send(world.idp.app, issueCall(attempt))

async function refreshToken(attempt?: Attempt): Promise<string> {
  const answer = await issue(attempt)
  expect(answer.json()).toMatchObject({ issued_token_type: tokenType.refreshToken })
  return answer.json().access_token
}

const use = async (token: string, { form, ...attempt }: Attempt = {}) =>
  await exchange(world, {
    ...attempt,
    form: { subject_token: token, subject_token_type: tokenType.refreshToken, ...form },
  })

/** The refusal, and the same request made right. */
async function refused(attempt: Attempt, refusal: Refusal): Promise<void> {
  const before = { events: world.audit.length }
  const call = issueCall(attempt)
  const kept = world.idp.refreshTokens.size
  const spent = world.spent.length
  expectRefusal(world, before, call, await send(world.idp.app, call), refusal)
  expect([world.idp.refreshTokens.size, world.spent.length]).toEqual([kept, spent])
}

describe('an ID Token exchanged for a refresh token', () => {
  it('[SAML-03] [VER-03] has the refresh token where an ID-JAG would stand, and says what it is', async () => {
    const answer = await issue({ claims: { auth_time: world.clock.now - hour } })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(answer.json()).toEqual({
      issued_token_type: 'urn:ietf:params:oauth:token-type:refresh_token',
      access_token: expect.stringMatching(/^[A-Za-z0-9_-]{64}$/),
      token_type: 'N_A',
      expires_in: 7 * hour,
      scope: 'openid offline_access',
    })
  })

  it('gives ID-JAGs long after the ID Token has expired, with the sign-in that it had [IDP-21] [D-20]', async () => {
    const authTime = world.clock.now
    const token = await refreshToken({ claims: { auth_time: authTime, acr: 'strong', amr: ['pwd', 'otp'] } })
    world.clock.now += 3 * hour
    for (let time = 0; time < 2; time++) {
      const answer = await use(token)
      const claims = claimsOf(answer.json().access_token)
      expect(claims).toMatchObject({ iss: acme, sub: 'alice', aud: chat, auth_time: authTime, acr: 'strong' })
      expect(answer.json()).not.toHaveProperty('refresh_token')
    }
    expect(world.spent).toEqual([])
  })

  it('is in the audit as the token that is used later, and nothing of it can be read there', async () => {
    const token = await refreshToken({ claims: { auth_time: world.clock.now } })
    const issued = world.audit.at(-1)
    expect(issued).toMatchObject({
      action: 'exchange',
      outcome: 'granted',
      client: 'wiki-at-acme',
      subject: 'alice',
      scope: 'openid offline_access',
      issuedTokenId: expect.stringMatching(/^[\w-]{22}$/),
      policyVersion: 'policy-7',
    })
    await use(token)
    expect(world.audit.at(-1)).toMatchObject({ tokenId: issued?.issuedTokenId, issuer: acme })
    expect(JSON.stringify(world.audit)).not.toContain(token)
  })

  it('lasts as long as the session age allows, and the most patient connection, counted from the sign-in', async () => {
    const lifetime = async (claims: object) => (await issue({ claims: { ...claims } })).json().expires_in
    expect(await lifetime({ auth_time: world.clock.now - 2 * hour })).toBe(6 * hour)
    expect(await lifetime({})).toBe(8 * hour)
    // A clock ahead of ours gives no longer session.
    expect(await lifetime({ auth_time: world.clock.now + 20 })).toBe(8 * hour)
    await serve(issuing({ sessionAge: 4 * hour }))
    expect(await lifetime({ auth_time: world.clock.now - 2 * hour })).toBe(2 * hour)
  })

  it('needs a new sign-in when that one is too old, and the answer says so', async () => {
    const claims = { auth_time: world.clock.now - 8 * hour }
    const parameters = { max_age: 8 * hour }
    await refused({ claims }, { error: 'insufficient_user_authentication', reason: 'step_up', parameters })
    await refreshToken({ claims: { auth_time: world.clock.now - 8 * hour + 1 } })
  })

  it.each<[string, Attempt, Refusal]>([
    [
      'of another client',
      { claims: { aud: 'notes-at-acme' } },
      { error: 'invalid_grant', reason: 'subject_audience', description: /^subject_token: / },
    ],
    ['that has expired', { claims: { exp: 1_799_999_000 } }, { error: 'invalid_grant', reason: 'subject_invalid' }],
    ['of a disabled user', { claims: { sub: 'mallory' } }, { error: 'invalid_grant', reason: 'subject_disabled' }],
    [
      'of a type that is none',
      { form: { subject_token_type: 'urn:ietf:params:oauth:token-type:access_token' } },
      { error: 'invalid_request', reason: 'unsupported_type' },
    ],
    [
      'that is a refresh token already, which would never end',
      { form: { subject_token_type: tokenType.refreshToken } },
      { error: 'invalid_request', reason: 'unsupported_type', description: /must be \S+:id_token$/ },
    ],
    [
      'without a subject_token',
      { form: { subject_token: undefined } },
      { error: 'invalid_request', reason: 'missing_parameter' },
    ],
    ['with a resource', { form: { resource: mcp } }, { error: 'invalid_target', reason: 'resource_denied' }],
    [
      'with authorization_details',
      { form: { authorization_details: '[]' } },
      { error: 'invalid_authorization_details', reason: 'details_invalid' },
    ],
    [
      'with an actor',
      { form: { actor_token: 'x', actor_token_type: tokenType.idToken } },
      { error: 'invalid_request', reason: 'actor_unsupported' },
    ],
    ['for an unknown audience', { form: { audience: 'urn:x' } }, { error: 'invalid_target', reason: 'target_unknown' }],
    [
      'for an audience that the client has no connection to',
      { form: { audience: files } },
      { error: 'invalid_target', reason: 'target_unknown' },
    ],
    [
      'with a scope that no connection gives',
      { form: { scope: 'openid chat.admin' } },
      { error: 'invalid_scope', reason: 'scope_denied' },
    ],
    [
      'with a scope that is another person’s',
      { claims: { sub: 'bob' }, form: { scope: 'chat.write' } },
      { error: 'invalid_scope', reason: 'scope_denied' },
    ],
    ['with a scope that is no scope', { form: { scope: 'a"b' } }, { error: 'invalid_scope', reason: 'scope_denied' }],
  ])('%s is refused', async (_, attempt, refusal) => {
    await refused(attempt, refusal)
    await refreshToken()
  })

  it('is refused to a client without a connection that takes refresh tokens, and for people it is not for', async () => {
    const denied: Refusal = { error: 'access_denied', reason: 'policy_denied' }
    delete toChat.refreshTokens
    await refused({}, denied)
    await refused({ form: { audience: chat } }, denied)
    toChat.refreshTokens = { maxAge: hour }
    toChat.who = { users: [], groups: ['sales'] }
    await refused({}, denied)
    toChat.who = { users: ['alice'], groups: [] }
    toChat.enabled = false
    await refused({}, denied)
    toChat.enabled = true
    const [server] = world.idp.servers
    if (server === undefined) throw new Error('no server')
    server.enabled = false
    await refused({}, denied)
    server.enabled = true
    await refreshToken()
  })

  it.each<[string, Block]>([
    ['the user', { user: 'alice' }],
    ['the user by e-mail address', { user: 'alice@acme.example' }],
    ['the client and the audience', { client: 'wiki-at-acme', audience: chat }],
    ['the audience by another of its names', { audience: 'urn:vendor:chat' }],
    ['a resource behind the audience', { audience: mcp }],
    ['the issuer', { issuer: acme }],
  ])('is refused while a block on %s is in force', async (_, block) => {
    inForce = [block]
    await refused({}, { error: 'access_denied', reason: 'blocked' })
    inForce = []
    await refreshToken()
  })

  it('is 503, and nothing is given, without the store, the audit or the policy', async () => {
    const keep = async () => {
      throw unavailable('replay_store_full', 'StoreFullError')
    }
    await serve(issuing({ keep }))
    await refused({}, { error: 'temporarily_unavailable', reason: 'replay_store_full', status: 503 })
    await serve(issuing())
    world.broken.audit = new Error('disk full')
    expect((await issue()).json()).toMatchObject({ error: 'temporarily_unavailable' })
    delete world.broken.audit
    const inForceNow = () => {
      throw unavailable('policy_stale', 'the policy was last read 31 s ago')
    }
    world.idp.provider.blocks = { inForce: inForceNow, lifted: () => [] }
    await serve(issuing())
    await refused({}, { error: 'temporarily_unavailable', reason: 'policy_stale', status: 503 })
  })

  it('is given, and stays good, where nobody can be blocked', async () => {
    delete world.idp.provider.blocks
    await serve(issuing())
    expect((await use(await refreshToken())).statusCode).toBe(200)
  })

  it('is no type that is known where none is configured', async () => {
    await serve()
    const description = 'requested_token_type must be urn:ietf:params:oauth:token-type:id-jag'
    await refused({}, { error: 'invalid_request', reason: 'unsupported_type', description })
    expect((await exchange(world)).statusCode).toBe(200)
  })
})

describe('the context of a refresh token', () => {
  it('[IDP-21] is everything, where the request names the scopes of the sign-in alone or nothing', async () => {
    for (const scope of ['openid offline_access profile email', undefined]) {
      const answer = await issue({ form: { scope } })
      const wide = scope === undefined ? 'offline_access' : scope
      expect(answer.json().scope).toBe(wide)
      const given = await use(answer.json().access_token, { form: { scope: undefined } })
      expect(given.json().scope).toBe('chat.read chat.write')
    }
  })

  it('[IDP-21] [ATK-106] is the scope that was asked for and can be given', async () => {
    const answer = await issue({ form: { scope: 'openid chat.read chat.admin' } })
    expect(answer.json().scope).toBe('openid chat.read')
    const token = answer.json().access_token
    expect((await use(token, { form: { scope: undefined } })).json().scope).toBe('chat.read')
    const wider = await use(token, { form: { scope: 'chat.write' } })
    expect(wider.json().error).toBe('invalid_scope')
  })

  it('[IDP-21] is the audience that was asked for, by any of its names', async () => {
    const there = connectionOf('wiki-at-acme', 'wiki-at-files', { audience: files, scopes: [{ name: 'files.read' }] })
    world.idp.connections.push({ ...there, resources: [], refreshTokens: { maxAge: hour } })
    const token = await refreshToken({ form: { audience: 'urn:vendor:chat' } })
    expect(world.audit.at(-1)?.audience).toBe(chat)
    expect((await use(token)).statusCode).toBe(200)
    const elsewhere = { form: { audience: files, resource: undefined, scope: undefined } }
    expect((await use(token, elsewhere)).json().error).toBe('invalid_target')
    expect((await use(await refreshToken(), elsewhere)).statusCode).toBe(200)
  })
})

describe('a refresh token in use', () => {
  it('is taken by each connection for as long after the sign-in as it says', async () => {
    const there = connectionOf('wiki-at-acme', 'wiki-at-files', { audience: files, scopes: [{ name: 'files.read' }] })
    world.idp.connections.push({ ...there, resources: [], refreshTokens: { maxAge: hour } })
    const token = await refreshToken({ claims: { auth_time: world.clock.now } })
    const elsewhere = { form: { audience: files, resource: undefined, scope: undefined } }
    world.clock.now += hour - 1
    expect((await use(token, elsewhere)).statusCode).toBe(200)
    world.clock.now += 1
    expect((await use(token, elsewhere)).json()).toEqual({
      error: 'insufficient_user_authentication',
      error_description: 'a more recent sign-in is required',
      max_age: hour,
    })
    expect(world.audit.at(-1)?.reason).toBe('step_up')
    expect((await use(token)).statusCode).toBe(200)
    // The end of the token itself is the end everywhere.
    world.clock.now += 7 * hour
    expect((await use(token)).json().error).toBe('invalid_grant')
    expect(world.audit.at(-1)).toMatchObject({ reason: 'subject_invalid' })
  })

  it('is taken no longer by a connection that has become less patient, and not at all by one that takes none', async () => {
    const token = await refreshToken({ claims: { auth_time: world.clock.now } })
    world.clock.now += hour
    toChat.refreshTokens = { maxAge: hour }
    toChat.signIn = { maxAge: 2 * hour }
    expect((await use(token)).json()).toMatchObject({ error: 'insufficient_user_authentication', max_age: hour })
    toChat.refreshTokens = { maxAge: 2 * hour }
    toChat.signIn = {}
    expect((await use(token)).statusCode).toBe(200)
    delete toChat.refreshTokens
    expect((await use(token)).json().error).toBe('access_denied')
    expect(world.audit.at(-1)?.reason).toBe('policy_denied')
    // An ID Token is another matter.
    expect((await exchange(world)).statusCode).toBe(200)
  })

  it('[ATK-107] needs the sign-in that the connection asks for, as an ID Token does', async () => {
    toChat.signIn = { acr: ['strong'], maxAge: 2 * hour }
    const [weak, strong] = [
      await refreshToken({ claims: { auth_time: world.clock.now } }),
      await refreshToken({ claims: { auth_time: world.clock.now, acr: 'strong' } }),
    ]
    const wanted = { acr_values: 'strong', max_age: 2 * hour }
    expect((await use(weak)).json()).toMatchObject({ error: 'insufficient_user_authentication', ...wanted })
    expect((await use(strong)).statusCode).toBe(200)
    world.clock.now += 2 * hour + 31
    expect((await use(strong)).json()).toMatchObject({ error: 'insufficient_user_authentication', ...wanted })
  })

  it('[IDP-21] [ATK-106] of another client is as good as none', async () => {
    const token = await refreshToken()
    const other = world.idp.clients.any
    const there = { ...connectionOf(other.id, 'other-at-chat'), refreshTokens: { maxAge: hour } }
    world.idp.connections.push(there)
    expect((await use(token, { as: basic(other) })).json().error).toBe('invalid_grant')
    expect((await use(token)).statusCode).toBe(200)
  })

  it('[IDP-22] [ATK-106] speaks of the person as they are now, and of nobody who was disabled', async () => {
    const token = await refreshToken()
    const alice = world.idp.users.get('alice')
    if (alice === undefined) throw new Error('no alice')
    world.idp.users.set('alice', { ...alice, groups: [], claims: { email: 'alice@new.example' } })
    const answer = await use(token, { form: { scope: undefined } })
    expect(answer.json().scope).toBe('chat.read')
    expect(claimsOf(answer.json().access_token)).toMatchObject({ email: 'alice@new.example' })
    world.idp.users.set('alice', { ...alice, enabled: false })
    expect((await use(token)).json().error).toBe('invalid_grant')
    expect(world.audit.at(-1)?.reason).toBe('subject_disabled')
  })

  it('dies with a block, and stays dead when that is lifted', async () => {
    const token = await refreshToken()
    inForce = [{ user: 'alice' }]
    expect((await use(token)).json().error).toBe('access_denied')
    inForce = []
    expect((await use(token)).statusCode).toBe(200)
    lifted = [{ user: 'alice', liftedAt: world.clock.now }]
    world.clock.now += 1
    expect((await use(token)).json().error).toBe('invalid_grant')
    expect(world.audit.at(-1)?.reason).toBe('blocked')
    expect((await use(await refreshToken())).statusCode).toBe(200)
  })

  it('is a foreign issuer’s session still: a block on the issuer ends it', async () => {
    const signer = await signerOf('b2', 'RS256')
    const token = await refreshToken({ claims: { iss: beta, aud: 'wiki-at-acme-upstream' }, signer })
    expect((await use(token)).statusCode).toBe(200)
    expect(world.audit.at(-1)?.issuer).toBe(beta)
    inForce = [{ issuer: beta }]
    expect((await use(token)).json().error).toBe('access_denied')
    expect((await use(await refreshToken())).statusCode).toBe(200)
  })
})

describe('a refresh token that was asked for with a DPoP proof', () => {
  const proof = async (key: string) => ({
    headers: { dpop: proofFor(await proofKeyNamed(key), { address: `${acme}/token`, now: world.clock.now }) },
  })

  it('is bound to the key: without it, or with another, it is nothing [FL-SUB-02]', async () => {
    const token = await refreshToken(await proof('mine'))
    expect((await use(token)).json().error).toBe('invalid_grant')
    expect(world.audit.at(-1)?.reason).toBe('pop_missing')
    expect((await use(token, await proof('other'))).json().error).toBe('invalid_grant')
    expect(world.audit.at(-1)?.reason).toBe('pop_mismatch')
    const { access_token: idJag } = (await use(token, await proof('mine'))).json()
    expect(claimsOf(idJag)).toMatchObject({ cnf: { jkt: (await proofKeyNamed('mine')).thumbprint } })
  })

  it('may be the only kind that is given and taken, by the branch sec-subject-tokens [FL-SUB-02]', async () => {
    const unbound = await refreshToken()
    world.idp.provider.branches = { ...usualBranches, 'sec-subject-tokens': true }
    await serve(issuing())
    await refused({}, { error: 'invalid_request', reason: 'pop_required', description: /DPoP proof/ })
    expect((await use(unbound)).json().error).toBe('invalid_grant')
    expect(world.audit.at(-1)?.reason).toBe('pop_required')
    const token = await refreshToken(await proof('mine'))
    expect((await use(token, await proof('mine'))).statusCode).toBe(200)
    expect((await exchange(world)).statusCode).toBe(200)
  })
})

describe('a SAML assertion exchanged for a refresh token', () => {
  const form = { subject_token: 'PHNhbWw+', subject_token_type: tokenType.saml2 }
  let uses: number

  beforeEach(async () => {
    uses = 0
    const assertions: SamlAssertions = {
      purposes: ['refresh-token'],
      async read(_token, { client, purpose }) {
        const user = world.idp.users.get('alice')
        if (user === undefined) throw new Error('no alice')
        expect([client.id, purpose]).toEqual(['wiki-at-acme', 'refresh-token'])
        return {
          user,
          issuer: 'https://saml.acme.example',
          nameId: { value: 'alice' },
          authTime: world.clock.now - 60,
          sessionNotOnOrAfter: world.clock.now + hour,
          async spend() {
            uses += 1
            if (uses > 1) throw new OAuthError('invalid_grant', 'subject_token: was used before', { reason: 'replay' })
          },
        }
      },
    }
    world.idp.provider.samlAssertions = assertions
    await serve(issuing())
  })

  it('[SAML-02] [EMA-07] gives one, good until the session ends at its issuer, and once only', async () => {
    const answer = await issue({ form })
    expect(answer.json()).toMatchObject({ issued_token_type: tokenType.refreshToken, expires_in: hour })
    expect((await use(answer.json().access_token)).statusCode).toBe(200)
    expect((await exchange(world, { form })).json().error).toBe('invalid_request')
    await refused({ form }, { error: 'invalid_grant', reason: 'replay' })
  })

  it('is not spent by a request that is refused', async () => {
    await refused({ form: { ...form, scope: 'chat.admin' } }, { error: 'invalid_scope', reason: 'scope_denied' })
    expect(uses).toBe(0)
    await refreshToken({ form })
  })
  it('is named among what is taken, to whoever brings something else', async () => {
    const jwt = { ...form, subject_token_type: tokenType.jwt }
    const answer = await issue({ form: jwt })
    expect(answer.json()).toMatchObject({ error: 'invalid_request' })
    expect(answer.json().error_description).toContain(` or ${tokenType.saml2}`)
  })
})
