/** An ID Token that comes again: its signature is known, and everything that can change is judged anew (ID-JAG §4.3.3). */

import { beforeEach, describe, expect, it } from 'vitest'
import { tokenType } from '../../src/protocol/names.ts'
import { acme, beta } from '../fixture/addresses.ts'
import { basic } from '../fixture/clients.ts'
import {
  type Attempt,
  type Enterprise,
  enterprise,
  exchange,
  exchangeCall,
  idTokenClaims,
} from '../fixture/enterprise.ts'
import { connectionOf } from '../fixture/identity-provider.ts'
import { publicJwk, signerOf, sourceOf } from '../fixture/keys.ts'
import type { Refusal } from '../fixture/refusal.ts'
import { send } from '../fixture/requests.ts'
import { countingSignatures } from '../fixture/signatures.ts'
import { claimsOf, signed, withSignature } from '../fixture/tokens.ts'

let world: Enterprise
let counting: ReturnType<typeof countingSignatures>
let token: string
beforeEach(async () => {
  world = await enterprise()
  counting = countingSignatures()
  world.ports.signatures = counting
  token = signed({}, { ...idTokenClaims(world), jti: 'one', email: 'a@acme.example' }, world.idp.keys.current())
})

/** True when the signature of the subject token was computed anew. The request is granted. */
async function verifies(attempt: Attempt = { token }): Promise<boolean> {
  const before = counting.verified
  expect((await exchange(world, attempt)).statusCode).toBe(200)
  return counting.verified > before
}
async function refused(reason: Refusal['reason'], attempt: Attempt = { token }): Promise<void> {
  const answer = await exchange(world, attempt)
  expect({ status: answer.statusCode, error: answer.json().error }).toEqual({ status: 400, error: 'invalid_grant' })
  expect(world.audit.at(-1)).toMatchObject({ outcome: 'refused', reason })
}
const issuer = (name = acme) => {
  const entry = world.idp.issuers.get(name)
  if (entry === undefined) throw new Error('no entry')
  return entry
}

describe('an ID Token that was granted before', () => {
  it('is not verified again, and its answer and audit line are the same', async () => {
    const first = await exchange(world, { token })
    const second = await exchange(world, { token })
    expect(counting.verified).toBe(1)
    const said = ({ jti: _, ...claims }: Record<string, unknown>) => claims
    expect(said(claimsOf(second.json().access_token))).toEqual(said(claimsOf(first.json().access_token)))
    const line = ({ issuedTokenId: _, correlationId: __, ...event }: Record<string, unknown>) => event
    expect(line({ ...world.audit[1] })).toEqual(line({ ...world.audit[0] }))
  })

  it('is refused when it has expired', async () => {
    const brief = signed({}, { ...idTokenClaims(world), exp: world.clock.now + 60 }, world.idp.keys.current())
    expect(await verifies({ token: brief })).toBe(true)
    expect(await verifies({ token: brief })).toBe(false)
    world.clock.now += 90
    await refused('subject_invalid', { token: brief })
  })

  it('is refused with another signature', async () => {
    await verifies()
    await refused('subject_invalid', {
      token: withSignature((good) => `${good.startsWith('A') ? 'B' : 'A'}${good.slice(1)}`)(token),
    })
    expect(await verifies()).toBe(false)
  })

  it('is refused to another client', async () => {
    await verifies()
    const { any } = world.idp.clients
    await refused('subject_audience', { token, as: basic(any) })
    expect(await verifies()).toBe(false)
  })

  it('is refused to its client with a wrong secret, which says nothing of the token', async () => {
    await verifies()
    const wrong = basic({ ...world.idp.clients.basic, secret: 'wrong' })
    expect((await exchange(world, { token, as: wrong })).statusCode).toBe(401)
  })

  it('is refused when its issuer is switched off or gone, or takes its algorithm no more', async () => {
    await verifies()
    issuer().enabled = false
    await refused('issuer_disabled')
    issuer().enabled = true
    const { algorithms } = issuer()
    issuer().algorithms = ['RS256']
    await refused('subject_invalid')
    issuer().algorithms = algorithms
    expect(await verifies()).toBe(false)
    world.idp.issuers.delete(acme)
    await refused('subject_invalid')
  })

  it('is refused when its key was withdrawn, and verified when the set was read anew', async () => {
    await verifies()
    issuer().keys = await sourceOf(await publicJwk('a2', 'RS256'))
    await refused('subject_invalid')
    issuer().keys = await sourceOf(await publicJwk('a1'))
    expect(await verifies()).toBe(true)
    expect(await verifies()).toBe(false)
  })

  it('is refused when its name leads to another issuer', async () => {
    await verifies()
    world.idp.issuers.set(acme, issuer(beta))
    await refused('subject_invalid')
  })

  it('is refused when its user is disabled or gone', async () => {
    await verifies()
    const alice = world.idp.users.get('alice')
    if (alice === undefined) throw new Error('no user')
    world.idp.users.set('alice', { ...alice, enabled: false })
    await refused('subject_disabled')
    world.idp.users.delete('alice')
    await refused('subject_unknown')
  })

  it('is judged by the policy of the moment', async () => {
    await verifies()
    const { basic: here } = world.idp.clients
    const at = world.idp.connections.findIndex(({ client }) => client === here.id)
    world.idp.connections[at] = connectionOf(here.id, world.chat.clients.basic.id, { enabled: false })
    expect((await exchange(world, { token })).statusCode).toBe(400)
  })

  it('is taken as nothing but an ID Token', async () => {
    await verifies()
    const form = { subject_token_type: tokenType.refreshToken }
    await refused('subject_invalid', { token, form })
    const api = { url: '/mcp', headers: { authorization: `Bearer ${token}` } }
    expect((await world.chat.api.inject(api)).statusCode).toBe(401)
  })
})

describe('an ID Token that was refused before', () => {
  it('is verified from the beginning', async () => {
    const foreign = signed({ kid: 'a1' }, idTokenClaims(world), await signerOf('attacker'))
    for (const count of [1, 2]) {
      await refused('subject_invalid', { token: foreign })
      expect(counting.verified).toBeGreaterThanOrEqual(count)
    }
    const scope = { scope: 'chat.admin' }
    await send(world.idp.app, exchangeCall(world, { token, form: scope }))
    expect(await verifies()).toBe(true)
  })
})
