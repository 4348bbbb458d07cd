/** A client gives up its refresh token at the identity provider before its time (RFC 7009). */

import Fastify, { type FastifyInstance } from 'fastify'
import { beforeEach, describe, expect, it } from 'vitest'
import { idpPlugin } from '../../src/http/idp-plugin.ts'
import { unavailable } from '../../src/protocol/errors.ts'
import { tokenType } from '../../src/protocol/names.ts'
import { basic } from '../fixture/clients.ts'
import { type Enterprise, enterprise, exchangeCall } from '../fixture/enterprise.ts'
import { expectRefusal, type Refusal } from '../fixture/refusal.ts'
import { type FormChange, send } from '../fixture/requests.ts'

const token = 'a-refresh-token-of-alice'
let world: Enterprise
let app: FastifyInstance
let broken: unknown

beforeEach(async () => {
  world = await enterprise()
  broken = undefined
  const { clients, provider, refreshTokens } = world.idp
  refreshTokens.set(token, {
    client: 'wiki-at-acme',
    sub: 'alice',
    expiresAt: world.clock.now + 1000,
    revoked: false,
  })
  app = Fastify()
  await app.register(idpPlugin, {
    identityProvider: {
      ...provider,
      refreshTokenIssue: {
        sessionAge: 3600,
        audiences: () => [],
        keep: async () => {},
        async end(one) {
          if (broken !== undefined) throw broken
          refreshTokens.delete(one)
        },
      },
    },
    findClient: async (id) => clients.entries.get(id),
    ports: world.ports,
  })
})

const revocation = (form: FormChange = {}, as = basic(world.idp.clients.basic)) => ({
  url: '/revoke',
  form: { token, ...as.form, ...form },
  ...(as.headers === undefined ? {} : { headers: as.headers }),
})
const revoke = async (form?: FormChange, as?: ReturnType<typeof basic>) => await send(app, revocation(form, as))
const use = async () => {
  const form = { subject_token: token, subject_token_type: tokenType.refreshToken }
  return (await send(app, exchangeCall(world, { form }))).statusCode
}

async function refused(refusal: Refusal, form?: FormChange, as?: ReturnType<typeof basic>): Promise<void> {
  const before = { events: world.audit.length }
  const call = revocation(form, as)
  expectRefusal(world, before, call, await send(app, call), refusal)
  expect(world.audit.at(-1)).toMatchObject({ action: 'revoke', role: 'idp' })
  expect(await use()).toBe(200)
}

describe('the revocation endpoint of the identity provider', () => {
  it('[RV-01] [FL-SUB-02] ends a refresh token of the caller, and says nothing', async () => {
    expect(await use()).toBe(200)
    const answer = await revoke({ token_type_hint: 'refresh_token' })
    expect([answer.statusCode, answer.body]).toEqual([200, ''])
    expect(world.audit.at(-1)).toMatchObject({
      action: 'revoke',
      outcome: 'granted',
      client: 'wiki-at-acme',
      subject: 'alice',
      tokenId: expect.stringMatching(/^[\w-]{22}$/),
    })
    expect(JSON.stringify(world.audit)).not.toContain(token)
    expect(await use()).toBe(400)
  })

  it('answers the same for a token that is none or was ended, and the audit tells the two apart', async () => {
    expect((await revoke({ token: 'unknown' })).statusCode).toBe(200)
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'refused', reason: 'refresh_token_invalid' })
    await revoke()
    expect((await revoke()).statusCode).toBe(200)
    expect(world.audit.at(-1)).toMatchObject({ outcome: 'refused', reason: 'refresh_token_invalid' })
  })

  it('[RV-02] refuses another client’s token', async () => {
    const other = basic(world.idp.clients.any)
    await refused({ error: 'invalid_grant', reason: 'client_mismatch' }, {}, other)
  })

  it('refuses whoever is no client, and a request without a token', async () => {
    const wrong = basic({ ...world.idp.clients.basic, secret: 'x'.repeat(43) })
    await refused({ error: 'invalid_client', reason: 'client_unauthenticated' }, {}, wrong)
    await refused({ error: 'invalid_request', reason: 'missing_parameter' }, { token: undefined })
  })

  it('is 503 while the store cannot end it, and the client comes again', async () => {
    broken = unavailable('replay_store_unavailable', 'StoreUnavailableError')
    expect((await revoke()).statusCode).toBe(503)
    broken = undefined
    expect((await revoke()).statusCode).toBe(200)
    expect(await use()).toBe(400)
  })

  it('takes POST alone', async () => {
    expect((await app.inject({ method: 'GET', url: '/revoke' })).statusCode).toBe(405)
  })

  it('is in the metadata, with the type of token that can be asked for', async () => {
    const document = (await app.inject('/.well-known/oauth-authorization-server')).json()
    expect(document).toMatchObject({
      revocation_endpoint: 'https://idp.acme.example/revoke',
      revocation_endpoint_auth_methods_supported: document.token_endpoint_auth_methods_supported,
      identity_chaining_requested_token_types_supported: [tokenType.idJag, tokenType.refreshToken],
    })
  })

  it('is nowhere, and no type is named, where no refresh tokens are given out', async () => {
    const document = (await world.idp.app.inject('/.well-known/oauth-authorization-server')).json()
    expect(document).not.toHaveProperty('revocation_endpoint')
    expect(document.identity_chaining_requested_token_types_supported).toEqual([tokenType.idJag])
    expect((await world.idp.app.inject({ method: 'POST', url: '/revoke' })).statusCode).toBe(404)
  })
})
