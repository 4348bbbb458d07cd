/** What the exchange inside an oidc-provider application refuses, each beside the same request made right. */

import { SignJWT } from 'jose'
import * as grants from 'oidc-provider/lib/helpers/grants.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GrantError } from '../../../src/adapters/oidc-provider/provider-error.ts'
import { addTokenExchange } from '../../../src/adapters/oidc-provider/token-exchange.ts'
import { grantType, tokenType } from '../../../src/protocol/names.ts'
import { signerOf, signingKeysNamed } from '../../fixture/keys.ts'
import { application, post, type TokenAnswer } from './application.ts'
import { acmeCompany, type Company, exchange } from './companies.ts'

const chat = 'https://as.chat.example'
let acme: Company
beforeEach(async () => {
  acme = await acmeCompany(chat)
})
afterEach(async () => await acme.close())

/** The newest audit event is the refusal of this answer, in the same words; the provider's listeners heard of it. */
function expectRefused(answer: TokenAnswer, error: string, reason: string, status = 400): void {
  expect(answer).toMatchObject({ status, body: { error, error_description: expect.any(String) } })
  expect(answer.headers.get('cache-control')).toBe('no-store')
  expect(acme.audit.at(-1)).toMatchObject({
    role: 'idp',
    server: acme.issuer,
    action: 'exchange',
    outcome: 'refused',
    error,
    reason,
    correlationId: answer.headers.get('x-correlation-id'),
  })
  expect(acme.events.at(-1)).toMatchObject({ name: 'grant.error', error: { error, statusCode: status } })
}

const idTokenOf = async (client: string) => (await acme.signIn(client, 'alice')).idToken
const granted = async () => expect((await exchange(acme, chat, await idTokenOf('assistant'))).status).toBe(200)

describe('an ID Token', () => {
  it('of another client is refused', async () => {
    expectRefused(await exchange(acme, chat, await idTokenOf('notebook')), 'invalid_grant', 'subject_audience')
    await granted()
  })

  it('that has expired is refused', async () => {
    const idToken = await idTokenOf('assistant')
    expect((await exchange(acme, chat, idToken)).status).toBe(200)
    acme.clock.now += 3600 + 31
    expectRefused(await exchange(acme, chat, idToken), 'invalid_grant', 'subject_invalid')
  })

  it('of somebody else’s keys is refused', async () => {
    const { alg, key } = await signerOf('forger')
    const kid = 'key-ES256'
    const claims = { sub: 'alice', iss: acme.issuer, aud: 'assistant' }
    const forged = new SignJWT(claims).setProtectedHeader({ alg, kid }).setIssuedAt().setExpirationTime('1h')
    expectRefused(await exchange(acme, chat, await forged.sign(key)), 'invalid_grant', 'subject_invalid')
    await granted()
  })

  it('of a person whose account is gone is refused', async () => {
    const idToken = await idTokenOf('assistant')
    expect((await exchange(acme, chat, idToken)).status).toBe(200)
    acme.accounts.delete('alice')
    expectRefused(await exchange(acme, chat, idToken), 'invalid_grant', 'subject_unknown')
  })

  it('of a client with pairwise subjects is refused: its sub is no account’s id', async () => {
    await acme.close()
    acme = await acmeCompany(chat, {}, { subject_type: 'pairwise' })
    expectRefused(await exchange(acme, chat, await idTokenOf('assistant')), 'invalid_grant', 'subject_unknown')
  })
})

describe('a refresh token', () => {
  const form = { subject_token_type: tokenType.refreshToken }
  const signedIn = async () => (await acme.signIn('assistant', 'alice')).refreshToken ?? ''

  it('that was rotated is refused, and the new one is taken', async () => {
    const old = await signedIn()
    expect((await exchange(acme, chat, old, form)).status).toBe(200)
    const { body } = await post(`${acme.issuer}/token`, 'assistant', {
      grant_type: 'refresh_token',
      refresh_token: old,
    })
    expect(body.refresh_token).not.toBe(old)
    expectRefused(await exchange(acme, chat, old, form), 'invalid_grant', 'subject_invalid')
    expect((await exchange(acme, chat, String(body.refresh_token), form)).status).toBe(200)
  })

  it('whose grant was revoked is refused', async () => {
    const token = await signedIn()
    expect((await exchange(acme, chat, token, form)).status).toBe(200)
    const found = await acme.provider.RefreshToken.find(token)
    await (await acme.provider.Grant.find(found?.grantId ?? ''))?.destroy()
    expectRefused(await exchange(acme, chat, token, form), 'invalid_grant', 'subject_invalid')
  })

  it('that has expired is refused', async () => {
    const token = await signedIn()
    acme.clock.now += 3601
    expectRefused(await exchange(acme, chat, token, form), 'invalid_grant', 'subject_invalid')
  })

  it('of another client, and one that nobody gave out, are refused', async () => {
    const { refreshToken = '' } = await acme.signIn('notebook', 'alice')
    expectRefused(await exchange(acme, chat, refreshToken, form), 'invalid_grant', 'subject_invalid')
    expectRefused(await exchange(acme, chat, 'nobody-gave-this', form), 'invalid_grant', 'subject_invalid')
    expect((await exchange(acme, chat, await signedIn(), form)).status).toBe(200)
  })

  it('that is bound to a key is refused, because no proof is checked here', async () => {
    const token = await signedIn()
    const bound = await acme.provider.RefreshToken.find(token)
    Object.assign(bound ?? {}, { jkt: 'a-thumbprint' })
    await bound?.save()
    expectRefused(await exchange(acme, chat, token, form), 'invalid_grant', 'pop_unsupported')
  })
})

describe('the policy', () => {
  it('refuses an unknown audience and one without a connection alike', async () => {
    const unknown = await exchange(acme, 'https://unknown.example', await idTokenOf('assistant'))
    expectRefused(unknown, 'invalid_target', 'target_unknown')
    const foreign = await exchange(acme, chat, await idTokenOf('notebook'), {}, 'notebook')
    expectRefused(foreign, 'invalid_target', 'target_unknown')
    expect(foreign.body).toEqual(unknown.body)
    await granted()
  })

  it('refuses a person in no group of the connection', async () => {
    const { idToken } = await acme.signIn('assistant', 'bob')
    expectRefused(await exchange(acme, chat, idToken), 'access_denied', 'policy_denied')
    await granted()
  })

  it('says what a new sign-in must bring, as members of the answer', async () => {
    await acme.close()
    const signIn = { acr: ['urn:acme:mfa'], maxAge: 60 }
    acme = await acmeCompany(chat, {}, {}, { signIn })
    const refused = await exchange(acme, chat, await idTokenOf('assistant'))
    expectRefused(refused, 'insufficient_user_authentication', 'step_up')
    expect(refused.body).toMatchObject({ acr_values: 'urn:acme:mfa', max_age: 60 })
  })
})

describe('a client', () => {
  it('that the application did not give this grant is refused by the provider, and stands in the audit', async () => {
    const refused = await exchange(acme, chat, await idTokenOf('old'), {}, 'old')
    expectRefused(refused, 'invalid_request', 'grant_not_enabled')
    expect(acme.audit.at(-1)?.detail).toContain('(client_id old)')
    await granted()
  })

  it('with a wrong secret is refused by the provider, and stands in the audit', async () => {
    const form = { grant_type: grantType.tokenExchange }
    const authorization = `Basic ${btoa('assistant:wrong')}`
    expectRefused(
      await post(`${acme.issuer}/token`, 'assistant', form, { authorization }),
      'invalid_client',
      'client_unauthenticated',
      401,
    )
    expect(acme.audit.at(-1)?.client).toBeUndefined()
  })

  it('without a secret is refused: public clients have no part in this', async () => {
    const idToken = await idTokenOf('assistant')
    const answer = await fetch(`${acme.issuer}/token`, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: new URLSearchParams({ grant_type: grantType.tokenExchange, client_id: 'phone', subject_token: idToken }),
    })
    expect(await answer.json()).toMatchObject({ error: 'unauthorized_client' })
    expect(acme.audit.at(-1)).toMatchObject({ reason: 'public_client', error: 'unauthorized_client' })
  })

  it('that promised DPoP proofs is refused: no ID-JAG is bound here', async () => {
    const idToken = await idTokenOf('assistant')
    expectRefused(await exchange(acme, chat, idToken, {}, 'bound'), 'invalid_dpop_proof', 'pop_unsupported')
  })
})

describe('the request', () => {
  const ask = (body: string, headers: { [name: string]: string } = {}, query = '') =>
    post(
      `${acme.issuer}/token${query}`,
      'assistant',
      `grant_type=${encodeURIComponent(grantType.tokenExchange)}${body}`,
      headers,
    )

  it.each<[string, string, string, string]>([
    ['a parameter of ours twice', '&audience=a&audience=b', 'invalid_request', 'malformed'],
    ['an unknown parameter twice', '&x=1&x=2', 'invalid_request', 'repeated_parameter'],
    ['bytes that are no UTF-8', '&x=%C0%AF', 'invalid_request', 'malformed'],
    ['65 parameters', Array.from({ length: 65 }, (_, n) => `&p${n}=1`).join(''), 'invalid_request', 'too_large'],
    [
      'an actor',
      '&requested_token_type=urn:ietf:params:oauth:token-type:id-jag&audience=a&subject_token=a&subject_token_type=b&actor_token=c',
      'invalid_request',
      'actor_unsupported',
    ],
    ['a scope that is none', '&scope=%22', 'invalid_scope', 'scope_denied'],
    ['another requested type', '&requested_token_type=x', 'invalid_request', 'unsupported_type'],
  ])('with %s is refused', async (_, body, error, reason) => {
    expectRefused(await ask(body), error, reason, reason === 'too_large' ? 413 : 400)
  })

  it('with anything in the query, or with a charset that is not UTF-8, is refused', async () => {
    expectRefused(await ask('', {}, '?x=1'), 'invalid_request', 'query_parameters')
    const type = 'application/x-www-form-urlencoded; charset=utf-16le'
    expectRefused(await ask('', { 'content-type': type }), 'invalid_request', 'content_type', 415)
    await granted()
  })

  it('of another grant leaves no line in this audit', async () => {
    await post(`${acme.issuer}/token`, 'assistant', { grant_type: 'refresh_token', refresh_token: 'x' })
    expect(acme.audit).toEqual([])
    expect(acme.events).toMatchObject([{ name: 'grant.error' }])
  })
})

describe('a failure', () => {
  it('of the audit is 503, and no token, whoever refuses', async () => {
    const idToken = await idTokenOf('assistant')
    acme.broken.audit = new Error('the disk is full')
    for (const client of ['assistant', 'old']) {
      const answer = await exchange(acme, chat, idToken, {}, client)
      expect(answer).toMatchObject({ status: 503, body: { error: 'temporarily_unavailable' } })
      expect(answer.headers.get('retry-after')).toBe('1')
    }
    expect(acme.reported).toHaveLength(2)
    expect(acme.events.at(-2)).toMatchObject({ name: 'grant.error', error: { error: 'temporarily_unavailable' } })
    acme.broken.audit = undefined
    expect((await exchange(acme, chat, idToken)).status).toBe(200)
  })

  it('of the host’s own code is the provider’s server_error, and stands in the audit by name alone', async () => {
    const idToken = await idTokenOf('assistant')
    await acme.close()
    const broken = new RangeError('a secret')
    acme = await acmeCompany(chat, {
      findConnection: () => Promise.reject(broken),
      findResourceServer: async (issuer) => ({ issuer, aliases: [], resources: [], enabled: true }),
      idTokenKeys: (await signingKeysNamed(['x'])).source,
    })
    expect((await exchange(acme, chat, idToken)).status).toBe(400)
    const { refreshToken = '' } = await acme.signIn('assistant', 'alice')
    const answer = await exchange(acme, chat, refreshToken, { subject_token_type: tokenType.refreshToken })
    expect(answer).toMatchObject({ status: 500, body: { error: 'server_error' } })
    expect(acme.audit.at(-1)).toMatchObject({ reason: 'internal_error', detail: 'RangeError' })
    expect(acme.events.at(-1)).toEqual({ name: 'server_error', error: broken })
    expect(JSON.stringify([acme.audit, answer.body])).not.toContain('a secret')
  })
})

describe('what the provider publishes', () => {
  it.each(['openid-configuration', 'oauth-authorization-server'])('in %s names the exchange', async (name) => {
    const document = await (await fetch(`${acme.issuer}/.well-known/${name}`)).json()
    expect(document).toMatchObject({
      issuer: acme.issuer,
      grant_types_supported: expect.arrayContaining([grantType.tokenExchange, 'authorization_code']),
      identity_chaining_requested_token_types_supported: [tokenType.idJag],
    })
  })

  it('holds the keys of the ID-JAGs, also those the provider never had, and each once', async () => {
    const own = await (await fetch(`${acme.issuer}/jwks`)).json()
    expect(own).toMatchObject({ keys: [{ kid: 'key-ES256' }, { kid: 'key-RS256' }] })
    await acme.close()
    acme = await acmeCompany(chat, { signingKeys: await signingKeysNamed(['another']) })
    const answer = await fetch(`${acme.issuer}/jwks`)
    const { keys } = (await answer.json()) as { keys: { kid: string; d?: string }[] }
    expect(keys.map(({ kid }) => kid)).toEqual(['key-ES256', 'key-RS256', 'another'])
    expect(keys.some(({ d }) => d !== undefined)).toBe(false)
    expect(answer.headers.get('content-type')).toContain('application/jwk-set+json')
  })
})

describe('the grants', () => {
  it('must be complete, and of the provider’s own copy of the package', async () => {
    const { provider, close } = await application([])
    const options = {
      ports: acme.ports,
      signingKeys: await signingKeysNamed(['a1']),
      findResourceServer: async () => undefined,
      findConnection: async () => undefined,
    }
    const { findAccount: _, ...fewer } = grants
    expect(() => addTokenExchange(provider, { ...options, grants: fewer as typeof grants })).toThrow(
      'grants has no findAccount',
    )
    const foreign = {
      ...grants,
      validateClientScope: () => {
        throw new TypeError('undefined')
      },
    }
    expect(() => addTokenExchange(provider, { ...options, grants: foreign })).toThrow('another copy of oidc-provider')
    expect(() => addTokenExchange(provider, { ...options, grants })).not.toThrow()
    await close()
  })

  it('are not needed for the error: it has the members of the provider’s errors, and ours as its cause', async () => {
    await exchange(acme, chat, 'no token')
    const error = acme.events.at(-1)?.error
    expect(error).toBeInstanceOf(GrantError)
    expect(error).toMatchObject({
      message: 'invalid_grant',
      status: 400,
      expose: true,
      cause: { reason: 'subject_invalid' },
    })
  })
})
