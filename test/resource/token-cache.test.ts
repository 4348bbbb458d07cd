/** An access token that comes again to a guard: its signature is known, and everything that can change is judged anew. */

import { beforeEach, describe, expect, it } from 'vitest'
import type { AccessTokenRules } from '../../src/protocol/access-token.ts'
import type { KeySource, SignatureAlgorithm, SigningKey } from '../../src/protocol/keys.ts'
import { type Guard, type GuardOptions, guardOf } from '../../src/resource/guard.ts'
import { dangerouslyLocalOnly } from '../../src/resource/revocation.ts'
import { publicJwk, signerOf, sourceOf } from '../fixture/keys.ts'
import { type TestPorts, testPorts } from '../fixture/ports.ts'
import { countingSignatures } from '../fixture/signatures.ts'
import { signed, withSignature } from '../fixture/tokens.ts'

const resource = 'https://api.example/mcp'
const authorizationServer = 'https://as.example'
let world: TestPorts
let counting: ReturnType<typeof countingSignatures>
let keys: KeySource
/** Whether the guard may look at keys without waiting. */
let atHand: boolean
let signer: SigningKey
let guard: Guard
let token: string
beforeEach(async () => {
  world = testPorts()
  counting = countingSignatures()
  signer = await signerOf('as-1')
  keys = await sourceOf(await publicJwk('as-1'))
  guard = guardWith({})
  token = tokenWith({})
  atHand = true
})

const algorithms: SignatureAlgorithm[] = ['ES256']
const sourceNow: KeySource = {
  find: async (header) => await keys.find(header),
  atHand: (header) => (atHand ? keys.atHand?.(header) : undefined),
}

function guardWith(change: Partial<GuardOptions>): Guard {
  const options: GuardOptions = {
    resource,
    authorizationServer,
    keys: sourceNow,
    algorithms,
    scopes: ['a'],
    skew: 30,
    maxLifetime: 600,
    revocation: dangerouslyLocalOnly,
    ...change,
  }
  return guardOf(options, { ...world.ports, signatures: counting })
}

function tokenWith(change: Record<string, unknown>, header: Record<string, unknown> = { typ: 'at+jwt' }): string {
  const { now } = world.clock
  const claims = {
    iss: authorizationServer,
    sub: 'u',
    aud: resource,
    client_id: 'c',
    jti: 'j',
    iat: now,
    exp: now + 600,
  }
  return signed(header, { ...claims, scope: 'a', ...change }, signer)
}

/** True when the signature was computed anew. The call is granted. */
async function verifies(text = token, at = guard): Promise<boolean> {
  const before = counting.verified
  const request = { authorization: [`Bearer ${text}`], correlationId: 'one' }
  const principal = await at.authenticate(request)
  await at.authorize(principal, { required: ['a'], correlationId: 'one' })
  return counting.verified > before
}

async function refused(reason: string, text = token, at = guard): Promise<void> {
  const request = { authorization: [`Bearer ${text}`], correlationId: 'one' }
  await expect(at.authenticate(request)).rejects.toMatchObject({ name: 'Challenge', reason })
  expect(world.audit.at(-1)).toMatchObject({ outcome: 'refused', reason })
}

describe.each([
  ['at hand', true],
  ['to be asked for', false],
])('an access token that was good before, with its key %s', (_, given) => {
  beforeEach(() => {
    atHand = given
  })

  it('is not verified again, and each call is in the audit', async () => {
    expect([await verifies(), await verifies(), await verifies()]).toEqual([true, false, false])
    expect(world.audit).toHaveLength(3)
    expect(world.audit[2]).toEqual(world.audit[0])
  })

  it('is judged at once where nobody has to be asked for the key', async () => {
    await verifies()
    const judged = guard.authenticate({ authorization: [`Bearer ${token}`], correlationId: 'one' })
    expect(judged instanceof Promise).toBe(!given)
    expect(await judged).toMatchObject({ scopes: ['a'] })
  })

  it('is as good in every spelling of its header, and no better with a word too many', async () => {
    await verifies()
    for (const scheme of ['Bearer', 'bearer', 'BEARER ']) {
      const judged = guard.authenticate({ authorization: [`${scheme} ${token}`], correlationId: 'one' })
      expect(await judged).toMatchObject({ account: 'u' })
    }
    await refused('token_invalid', `${token} more`)
    await refused('token_invalid', `${token}"`)
  })

  it('is refused when it has expired', async () => {
    const brief = tokenWith({ exp: world.clock.now + 60 })
    await verifies(brief)
    expect(await verifies(brief)).toBe(false)
    world.clock.now += 90
    await refused('expired', brief)
  })

  it('is refused with another signature', async () => {
    await verifies()
    await refused(
      'signature_invalid',
      withSignature((good) => `${good.startsWith('A') ? 'B' : 'A'}${good.slice(1)}`)(token),
    )
    expect(await verifies()).toBe(false)
  })

  it('is refused when its key was withdrawn, and verified when the set was read anew', async () => {
    await verifies()
    keys = await sourceOf(await publicJwk('as-2'))
    await refused('key_unknown')
    keys = await sourceOf(await publicJwk('as-1'))
    expect(await verifies()).toBe(true)
  })

  it.each<[string, Partial<AccessTokenRules>]>([
    ['tenant_mismatch', { tenant: 'acme' }],
    ['alg_not_allowed', { algorithms: ['EdDSA'] }],
    ['issuer_unknown', { issuer: 'https://other.example' }],
    ['aud_mismatch', { resource: 'https://api.example/files' }],
    ['pop_required', { boundTokens: true }],
    ['pop_mismatch', { proofKey: 'thumbprint' }],
  ])(
    'is refused as %s by rules that it does not meet any more, and taken by those that it does',
    async (reason, change) => {
      const rules = { resource, issuer: authorizationServer, keys: sourceNow, algorithms, skew: 30, maxLifetime: 600 }
      const check = dangerouslyLocalOnly({ ...rules, now: () => world.clock.now })
      const judge = async (more: Partial<AccessTokenRules>) =>
        await check(token, { ...rules, now: world.clock.now, ...more })
      for (let call = 0; call < 2; call++) expect(await judge({})).toMatchObject({ sub: 'u' })
      await expect(judge(change)).rejects.toMatchObject({ name: 'JwtError', reason })
      expect(await judge({})).toMatchObject({ sub: 'u' })
    },
  )

  it('is unknown at another guard, which judges it by its own rules', async () => {
    await verifies()
    const other = guardWith({ resource: 'https://api.example/files' })
    await refused('aud_mismatch', token, other)
    expect(await verifies(token, guardWith({}))).toBe(true)
  })

  it('is verified each time where nothing is to be kept in mind', async () => {
    guard = guardWith({ accessTokenCache: 0 })
    expect([await verifies(), await verifies()]).toEqual([true, true])
  })
})

describe('an ID Token', () => {
  it('is no access token, however often it is shown', async () => {
    const idToken = tokenWith({}, { typ: 'JWT' })
    await verifies()
    for (let time = 0; time < 2; time++) await refused('typ_mismatch', idToken)
  })
})
