/** Token exchanges that ask for what nobody should get, at the running identity provider. */

import { createHmac } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, describe, expect, it } from 'vitest'
import { tokenType } from '../../src/protocol/names.ts'
import { basic } from '../fixture/clients.ts'
import { signerOf } from '../fixture/keys.ts'
import { base64url, withSignature } from '../fixture/tokens.ts'
import { type Change, now, type Refusal, signerOfFile, underAttack } from './stage.ts'

const stage = await underAttack()
const { world } = stage
afterAll(stage.close)
const { issuer: idp } = world.idp
const { chat, files } = world.resourceAs
const { mcp } = world.resources
const { notebook } = world.clients
const subOf = (name: string) => world.users.find((one) => one.name === name)?.sub

const refused = async (change: Change, refusal: Refusal) => await stage.refused('idp', change, refusal)
const ig = (reason: Refusal['reason']): Refusal => ({ error: 'invalid_grant', reason, description: /^subject_token: / })
const ir = (reason: Refusal['reason']): Refusal => ({ error: 'invalid_request', reason })
const target = (reason: Refusal['reason']): Refusal => ({ error: 'invalid_target', reason })
const details = (reason: Refusal['reason']): Refusal => ({ error: 'invalid_authorization_details', reason })

describe('the subject', () => {
  it.each<[string, Change, Refusal['reason']]>([
    ['[ATK-096] [T38] for another client', { claims: { aud: notebook.idp.id } }, 'subject_audience'],
    ['[ATK-096] for several', { claims: { aud: [stage.idpClient.id, notebook.idp.id] } }, 'subject_audience'],
    [
      '[ATK-096] for several, with the azp of another',
      { claims: { aud: [stage.idpClient.id, 'x'], azp: notebook.idp.id } },
      'subject_audience',
    ],
    ['[ATK-096] with the azp of another', { claims: { azp: notebook.idp.id } }, 'subject_audience'],
    ['[ATK-096] for the identity provider', { claims: { aud: idp } }, 'subject_audience'],
    ['[ATK-096] for the client at the other server', { claims: { aud: stage.chatClient.id } }, 'subject_audience'],
    ['[ATK-096] without aud', { claims: { aud: undefined } }, 'subject_invalid'],
    ['[ATK-096] whose aud is an object', { claims: { aud: {} } }, 'subject_invalid'],
    ['[ATK-097] that is over', { claims: { exp: now - 31, iat: now - 60 } }, 'subject_invalid'],
    ['[ATK-097] without exp', { claims: { exp: undefined } }, 'subject_invalid'],
    ['[ATK-097] without iat', { claims: { iat: undefined } }, 'subject_invalid'],
    ['[ATK-097] from the future', { claims: { iat: now + 60 } }, 'subject_invalid'],
    ['[ATK-097] in milliseconds', { claims: { exp: (now + 60) * 1000 } }, 'subject_invalid'],
    ['[ATK-097] of a foreign issuer', { claims: { iss: 'https://evil.example' } }, 'subject_invalid'],
    ['[ATK-097] of the issuer with a slash', { claims: { iss: `${idp}/` } }, 'subject_invalid'],
    ['[ATK-097] of several issuers', { claims: { iss: [idp] } }, 'subject_invalid'],
    ['[ATK-097] of the chat', { claims: { iss: chat.issuer } }, 'subject_invalid'],
    ['[ATK-097] with alg none', { header: { alg: 'none' } }, 'subject_invalid'],
    [
      '[ATK-097] with alg none and no signature',
      { header: { alg: 'none' }, token: withSignature('') },
      'subject_invalid',
    ],
    ['[ATK-097] with HS256', { header: { alg: 'HS256' } }, 'subject_invalid'],
    ['[ATK-097] of an unknown user', { claims: { sub: 'nobody' } }, 'subject_unknown'],
    ['[ATK-097] of a user in other case', { claims: { sub: String(subOf('alice')).toUpperCase() } }, 'subject_unknown'],
    ['[ATK-097] [T74] of a disabled user', { claims: { sub: subOf('mallory') } }, 'subject_disabled'],
    ['[ATK-097] whose sub is a number', { claims: { sub: 7 } }, 'subject_invalid'],
    ['[ATK-097] with b64', { header: { b64: false, crit: ['b64'] } }, 'subject_invalid'],
    ['[ATK-097] with jku', { header: { kid: 'x', jku: 'https://evil.example' } }, 'subject_invalid'],
    ['[ATK-005] that is an ID-JAG', { header: { typ: 'oauth-id-jag+jwt' } }, 'subject_type_mismatch'],
    ['[ATK-005] that is a logout token', { header: { typ: 'logout+jwt' } }, 'subject_type_mismatch'],
    ['[ATK-005] that is a logout token by its events', { claims: { events: {} } }, 'subject_type_mismatch'],
    ['[ATK-005] that is an access token', { header: { typ: 'at+jwt' } }, 'subject_type_mismatch'],
    ['[ATK-005] that is a client assertion', { header: { typ: 'client-authentication+jwt' } }, 'subject_type_mismatch'],
    ['[ATK-005] that is a proof', { header: { typ: 'dpop+jwt' } }, 'subject_type_mismatch'],
    ['[ATK-005] of any other type', { header: { typ: 'secevent+jwt' } }, 'subject_type_mismatch'],
  ])('%s is refused', async (_, change, reason) => {
    await refused(change, ig(reason))
  })

  it('[ATK-097] by a foreign key, also under the kid of ours, is refused', async () => {
    const upstream = await signerOfFile(world.upstream.signingKeyFile)
    const attacker = await signerOf('attacker')
    for (const change of [
      { signer: upstream },
      { signer: attacker },
      { signer: attacker, header: { kid: stage.signer.kid } },
    ])
      await refused(change, ig('subject_invalid'))
    const claims = { iss: world.upstream.issuer }
    await refused({ claims, signer: stage.signer }, ig('subject_invalid'))
    await stage.granted('idp', { claims, signer: upstream })
  })

  it('[ATK-097] [T34] by HMAC under the public key is refused', async () => {
    const jwks = await (await fetch(`${idp}/jwks`)).text()
    const token = (good: string) => {
      const input = `${base64url('{"alg":"HS256"}')}.${good.split('.')[1]}`
      return `${input}.${createHmac('sha256', jwks).update(input).digest('base64url')}`
    }
    await refused({ token }, ig('subject_invalid'))
  })

  it('[ATK-005] [T73] that this or another server issued, and is no ID Token, is refused', async () => {
    const idJag = (await stage.granted('idp')).json().access_token
    await refused({ token: idJag }, ig('subject_type_mismatch'))
    const accessToken = (await stage.granted('chat', { token: idJag })).json().access_token
    await refused({ token: accessToken }, ig('subject_type_mismatch'))
  })

  it('[ATK-106] that is called a refresh token and is none is refused', async () => {
    const form = { subject_token_type: tokenType.refreshToken }
    for (const token of ['x', 'a'.repeat(5000)]) await refused({ token, form }, ig('subject_invalid'))
    await refused({ form }, ig('subject_invalid'))
  })
})

describe('the parameters', () => {
  const chatTwice = [chat.issuer, chat.issuer]
  it.each<[string, Change['form'], Refusal]>([
    ['[ATK-098] no requested_token_type', { requested_token_type: undefined }, ir('missing_parameter')],
    ['[ATK-098] an unknown requested_token_type', { requested_token_type: 'x' }, ir('unsupported_type')],
    [
      '[ATK-098] another requested_token_type',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
      ir('unsupported_type'),
    ],
    ['[ATK-098] no subject_token_type', { subject_token_type: undefined }, ir('missing_parameter')],
    [
      '[ATK-098] an unknown subject_token_type',
      { subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' },
      ir('unsupported_type'),
    ],
    [
      '[ATK-098] an empty subject_token beside those of other grants',
      { subject_token: '', code: 'x', redirect_uri: 'y', refresh_token: 'z', username: 'a', password: 'b' },
      ir('missing_parameter'),
    ],
    ['[ATK-099] no audience', { audience: undefined }, ir('missing_parameter')],
    ['[ATK-099] [T19] an empty audience', { audience: '' }, ir('missing_parameter')],
    ['[ATK-099] [T19] the audience twice', { audience: chatTwice }, ir('repeated_parameter')],
    ['[ATK-099] [T19] two audiences', { audience: [chat.issuer, files.issuer] }, ir('repeated_parameter')],
    ['[ATK-099] an unknown audience', { audience: 'https://as.example' }, target('target_unknown')],
    ['[ATK-099] the identity provider as audience', { audience: idp }, target('target_unknown')],
    ['[ATK-099] an audience with a slash', { audience: `${chat.issuer}/` }, target('target_unknown')],
    ['[ATK-099] an audience in other case', { audience: chat.issuer.toUpperCase() }, target('target_unknown')],
    ['[ATK-099] a token endpoint as audience', { audience: chat.tokenEndpoint }, target('target_unknown')],
    ['[ATK-099] a resource as audience', { audience: mcp }, target('target_unknown')],
    ['[ATK-099] every object’s member as audience', { audience: 'constructor' }, target('target_unknown')],
    ['[ATK-101] the client_id of another', { client_id: notebook.idp.id }, ir('multiple_auth')],
    ['[ATK-102] a relative resource', { resource: '/mcp' }, target('resource_denied')],
    ['[ATK-102] a resource with a fragment', { resource: `${mcp}#x` }, target('resource_denied')],
    ['[ATK-102] a resource of another server', { resource: world.resources.files }, target('resource_denied')],
    [
      '[ATK-102] a foreign resource among others',
      { resource: [mcp, world.resources.files] },
      target('resource_denied'),
    ],
    ['[ATK-102] [T15] a resource with a slash more', { resource: `${mcp}/` }, target('resource_denied')],
    ['[ATK-103] a scope nobody gives', { scope: 'admin' }, { error: 'invalid_scope', reason: 'scope_denied' }],
    ['[ATK-103] a scope with a quote', { scope: 'chat.read "x"' }, { error: 'invalid_scope', reason: 'scope_denied' }],
    [
      '[ATK-103] a scope with a backslash',
      { scope: 'chat.read \\' },
      { error: 'invalid_scope', reason: 'scope_denied' },
    ],
    ['[ATK-103] a scope of another script', { scope: 'chat.reаd' }, { error: 'invalid_scope', reason: 'scope_denied' }],
    ['[ATK-104] authorization_details that are no JSON', { authorization_details: '{' }, details('details_invalid')],
    [
      '[ATK-104] authorization_details that are no array',
      { authorization_details: '{"type":"x"}' },
      details('details_invalid'),
    ],
    [
      '[ATK-104] authorization_details of an unknown type',
      { authorization_details: '[{"type":"x"}]' },
      details('details_invalid'),
    ],
    ['[ATK-104] authorization_details without a type', { authorization_details: '[{}]' }, details('details_invalid')],
    [
      '[ATK-104] 1 000 authorization_details',
      { authorization_details: JSON.stringify(Array(1000).fill({ type: 'x' })) },
      details('details_invalid'),
    ],
    [
      '[ATK-104] authorization_details 5 000 levels deep',
      { authorization_details: '['.repeat(5000) },
      details('details_invalid'),
    ],
    ['[ATK-105] an actor_token without its type', { actor_token: 'x' }, ir('actor_unsupported')],
    ['[ATK-105] the type of an actor_token alone', { actor_token_type: tokenType.idToken }, ir('actor_unsupported')],
    [
      '[ATK-105] [T76] an actor_token',
      { actor_token: 'x', actor_token_type: tokenType.idToken },
      ir('actor_unsupported'),
    ],
    [
      '[ATK-109] an XML bomb as SAML assertion',
      {
        subject_token_type: 'urn:ietf:params:oauth:token-type:saml2',
        subject_token: base64url(`<!DOCTYPE x [<!ENTITY a "${'b'.repeat(1000)}"><!ENTITY c "&a;&a;&a;">]><x>&c;</x>`),
      },
      ir('unsupported_type'),
    ],
  ])('%s is refused', async (_, form, refusal) => {
    await refused({ form: form ?? {} }, refusal)
  })

  it('[ATK-006] the grant of the other server is not served', async () => {
    const { assertion } = { assertion: (await stage.granted('idp')).json().access_token }
    const form = { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }
    await refused({ form }, { error: 'unsupported_grant_type', reason: 'grant_not_enabled' })
  })

  it('[ATK-101] that are claims change nothing', async () => {
    const form = {
      sub: 'bob',
      tenant: 't1',
      aud: files.issuer,
      exp: '9',
      iss: 'x',
      jti: 'y',
      cnf: 'z',
      act: 'a',
      lifetime: '9999',
    }
    const claims = decodeJwt((await stage.granted('idp', { form })).json().access_token)
    expect(claims).toMatchObject({
      iss: idp,
      sub: subOf('alice'),
      aud: chat.issuer,
      client_id: stage.chatClient.id,
      exp: now + 300,
    })
    for (const name of ['tenant', 'cnf', 'act', 'lifetime']) expect(claims).not.toHaveProperty(name)
  })

  it.each([undefined, ''])(
    '[T40] scope %j gives all that the connection gives, and the answer says so',
    async (scope) => {
      expect((await stage.granted('idp', { form: { scope } })).json().scope).toBe('chat.read chat.write')
    },
  )

  it('[ATK-103] [T44] a scope beyond the connection is left out, and the answer says so', async () => {
    const claims = { aud: notebook.idp.id }
    const form = { scope: 'chat.read chat.write admin' }
    const answer = await stage.granted('idp', { claims, form, as: basic(notebook.idp) })
    expect([answer.json().scope, decodeJwt(answer.json().access_token).scope]).toEqual(['chat.read', 'chat.read'])
  })

  it('[T37] what the specifications demand is enough', async () => {
    await stage.granted('idp', { form: { resource: undefined, scope: undefined } })
    const resource = undefined
    await stage.granted('chat', { form: { resource, scope: undefined } })
  })
})

it('[ATK-100] an audience that is there and not connected looks like one that is not there', async () => {
  const ask = async (audience: string) => {
    const change = {
      claims: { aud: notebook.idp.id },
      as: basic(notebook.idp),
      form: { audience, resource: undefined },
    }
    return (await stage.ask('idp', change)).payload
  }
  expect(await ask(files.issuer)).toBe(await ask('https://nobody.example'))
})

describe('the ID-JAG', () => {
  const claimsOf = async (change: Change = {}) => decodeJwt((await stage.granted('idp', change)).json().access_token)

  it('[ATK-108] takes nothing of the ID Token but the sign-in', async () => {
    const smuggled = {
      scope: 'admin',
      cnf: { jkt: 'x' },
      act: { sub: 'root' },
      may_act: { sub: 'root' },
      client_id: 'evil',
      resource: 'https://evil.example',
      jti: 'chosen',
      email: 'root@acme.example',
      tenant: 't1',
      aud_tenant: 't1',
      aud_sub: 'root',
      sub_id: { format: 'email', email: 'root@acme.example' },
      groups: ['admins'],
      nbf: now - 1,
      'https://acme.example/private': true,
      authorization_details: [{ type: 'x' }],
    }
    const claims = await claimsOf({ claims: { ...smuggled, auth_time: now - 5 } })
    for (const [name, value] of Object.entries(smuggled)) expect([name, claims[name]]).not.toEqual([name, value])
    expect(claims).toMatchObject({ auth_time: now - 5, sub: subOf('alice'), email: 'alice@acme.example' })
  })

  it('[ATK-108] [T05] lives 300 s, has an id that nobody guesses, and comes without a refresh token', async () => {
    const answer = await stage.granted('idp')
    expect(answer.json()).not.toHaveProperty('refresh_token')
    const { exp = 0, iat = 0, jti = '' } = decodeJwt(answer.json().access_token)
    expect(exp - iat).toBeLessThanOrEqual(300)
    expect(jti).toMatch(/^[\w-]{22,}$/)
    expect(decodeProtectedHeader(answer.json().access_token)).toEqual({
      alg: 'ES256',
      kid: stage.signer.kid,
      typ: 'oauth-id-jag+jwt',
    })
    const ids = await Promise.all(Array.from({ length: 300 }, async () => (await claimsOf()).jti))
    expect(new Set(ids).size).toBe(300)
  })

  it('of one server is refused at the other', async () => {
    const token = (await stage.granted('idp')).json().access_token
    await stage.refused('files', { token }, { error: 'invalid_grant', reason: 'aud_mismatch' })
    await stage.granted('chat', { token })
  })
})
