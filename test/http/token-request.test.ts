/** What both token endpoints demand of an HTTP request, before anything in it is believed. */

import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'
import { acme } from '../fixture/addresses.ts'
import { type Attempt, type Enterprise, enterprise, exchange, redemptionCall } from '../fixture/enterprise.ts'
import { expectExchangeRefused, expectRedemptionRefused, type Refusal } from '../fixture/refusal.ts'
import { encode } from '../fixture/requests.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

const both = async (attempt: Attempt, refusal: Refusal) => {
  await expectRedemptionRefused(world, attempt, refusal)
  await expectExchangeRefused(world, attempt, refusal)
}
const ir = (reason: Refusal['reason'], status = 400): Refusal => ({ error: 'invalid_request', reason, status })

describe('the form, at both token endpoints [IDP-47] [RAS-23]', () => {
  it.each<[string, string, Refusal]>([
    ['[ATK-085] grant_type twice', 'grant_type=a&grant_type=a', ir('repeated_parameter')],
    ['[ATK-085] assertion twice, once escaped', 'assertion=a&%61ssertion=b', ir('repeated_parameter')],
    ['[ATK-085] client_id twice', 'grant_type=x&client_id=a&client_id=a', ir('repeated_parameter')],
    ['[ATK-085] an unknown parameter twice', 'x=1&x=2', ir('repeated_parameter')],
    ['[ATK-091] a broken escape', 'grant_type=%zz', ir('malformed')],
    ['[ATK-091] NUL', 'grant_type=a&client_id=a%00', ir('malformed')],
    ['[ATK-091] escaped bytes that are no UTF-8', 'grant_type=a&scope=%C0%AF', ir('malformed')],
    ['[ATK-091] a line break', 'grant_type=a&scope=a%0D%0Ab', ir('malformed')],
    ['[ATK-091] a broken name', '%zz=1', ir('malformed')],
    ['[ATK-092] brackets', 'grant_type[]=x&__proto__[x]=1&constructor[prototype][x]=1', ir('missing_parameter')],
    ['nothing', '', ir('missing_parameter')],
    ['[ATK-089] 5 000 parameters', Array.from({ length: 5000 }, (_, n) => `p${n}=1`).join('&'), ir('too_large', 413)],
    ['[ATK-089] 65 parameters', Array.from({ length: 65 }, (_, n) => `p${n}=1`).join('&'), ir('too_large', 413)],
  ])('with %s is refused', async (_, body, refusal) => {
    await both({ body }, refusal)
    expect(({} as { x?: unknown }).x).toBeUndefined()
  })

  it('[ATK-091] with bytes that are no UTF-8 is refused', async () => {
    await both({ body: Buffer.from('grant_type=a&scope=\xff', 'latin1') }, ir('malformed'))
  })

  it('[ATK-089] of 64 KiB and one byte is refused, by length', async () => {
    await both({ body: `x=${'x'.repeat(64 * 1024 - 1)}` }, ir('too_large', 413))
    const call = encode({ ...redemptionCall(world).form, y: '' })
    const answer = await world.chat.app.inject({
      method: 'POST',
      url: '/token',
      headers: { ...redemptionCall(world).headers, 'content-type': 'application/x-www-form-urlencoded' },
      payload: call + 'y'.repeat(64 * 1024 - call.length),
    })
    expect(answer.statusCode).toBe(200)
  })
})

describe('the headers', () => {
  it.each<[string, string | undefined]>([
    ['[ATK-086] none', undefined],
    ['[ATK-086] JSON', 'application/json'],
    ['[ATK-086] multipart', 'multipart/form-data; boundary=x'],
    ['[ATK-086] plain text', 'text/plain'],
    ['[ATK-086] UTF-16', 'application/x-www-form-urlencoded; charset=utf-16'],
    ['[ATK-086] a tab', 'application/x-www-form-urlencoded\t; charset=utf-8'],
    ['[ATK-086] a longer name', 'application/x-www-form-urlencodedx'],
    ['[ATK-086] another parameter', 'application/x-www-form-urlencoded; boundary=x'],
  ])('%s as content-type is 415', async (_, type) => {
    const refusal = ir('content_type', 415)
    const body = encode(redemptionCall(world).form)
    await both({ headers: { 'content-type': type }, body }, refusal)
  })

  it.each([
    'application/x-www-form-urlencoded',
    'application/x-www-form-urlencoded;charset=UTF-8',
    'Application/X-WWW-Form-URLencoded ; charset="utf-8"',
  ])('%s is a form', async (type) => {
    expect((await exchange(world, { headers: { 'content-type': type } })).statusCode).toBe(200)
  })

  it('[ATK-089] a compressed body is 415, and identity is none', async () => {
    const body = gzipSync('grant_type=a')
    await both({ headers: { 'content-encoding': 'gzip' }, body }, ir('content_type', 415))
    expect((await exchange(world, { headers: { 'content-encoding': 'identity' } })).statusCode).toBe(200)
  })

  it('[ATK-087] anything in the query is refused', async () => {
    await both({ url: '/token?x=1' }, ir('query_parameters'))
    await both({ url: '/token?client_secret=said-in-the-query' }, ir('query_parameters'))
    expect(JSON.stringify(world.audit)).not.toContain('said-in')
  })

  it('[ATK-095] of a proxy change nothing', async () => {
    const headers = {
      host: 'evil.example',
      forwarded: 'host=evil.example;proto=http',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'http',
      'x-forwarded-for': '10.0.0.1',
    }
    expect((await exchange(world, { headers })).statusCode).toBe(200)
    const url = '/.well-known/oauth-authorization-server'
    const answer = await world.idp.app.inject({ url, headers })
    expect(answer.json()).toMatchObject({ issuer: acme, token_endpoint: `${acme}/token` })
    expect(answer.payload).not.toContain('evil')
  })
})

describe('the method', () => {
  it.each(['GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const)('[ATK-088] %s is 405', async (method) => {
    await both({ method, body: '' }, ir('method_not_allowed', 405))
    await both({ method }, ir('method_not_allowed', 405))
    await both({ method, headers: { 'content-type': 'application/json' }, body: '{}' }, ir('method_not_allowed', 405))
    const answer = await exchange(world, { method })
    expect(answer.headers.allow).toBe('POST')
  })

  it('[ATK-088] HEAD is 405', async () => {
    const answer = await exchange(world, { method: 'HEAD', body: '' })
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, 'POST'])
    expect(world.audit).toMatchObject([{ reason: 'method_not_allowed' }])
  })

  it('[ATK-088] is not what a header says', async () => {
    const headers = { 'x-http-method-override': 'GET' }
    expect((await exchange(world, { headers })).statusCode).toBe(200)
    await both(
      { headers: { 'x-http-method-override': 'POST' }, method: 'GET', body: '' },
      ir('method_not_allowed', 405),
    )
  })
})
