/** The token endpoint without a framework: its one audit line, and its failures. */

import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { refusal } from '../../src/protocol/audit.ts'
import type { Client } from '../../src/protocol/client-auth.ts'
import { type AuditEvent, onceKey, tokenIdHash } from '../../src/protocol/ports.ts'
import { secretDigestOf } from '../../src/protocol/secrets.ts'
import { answerTokenRequest, failClosed, type Grant } from '../../src/protocol/token-endpoint.ts'
import { testPorts } from '../fixture/ports.ts'

const client: Client = {
  id: 'wiki',
  enabled: true,
  authMethods: ['client_secret_post'],
  secretDigest: secretDigestOf('s'),
}
const ask = async (grant: Grant, world = testPorts(), change: { body?: string; proofs?: string[] } = {}) => {
  const request = {
    body: 'grant_type=g&client_id=wiki&client_secret=s',
    authorization: [],
    proofs: [],
    correlationId: 'c1',
  }
  const endpoint = {
    role: 'idp',
    issuer: 'https://idp.example',
    action: 'exchange',
    grants: { g: grant, h: grant },
    findClient: async () => client,
    skew: 30,
    policyVersion: () => 'p1',
  } as const
  const answer = await answerTokenRequest({ ...request, ...change }, endpoint, world.ports).catch(
    (error: unknown) => error,
  )
  return { answer, audit: world.audit }
}

describe('a token endpoint', () => {
  it('gives a grant its client and its place for facts, and writes what the grant found', async () => {
    const answer = { access_token: 'a', token_type: 'N_A', expires_in: 1 }
    const { answer: given, audit } = await ask(async ({ client: { id }, facts, form, recordGranted }) => {
      expect([id, form.required('grant_type')]).toEqual(['wiki', 'g'])
      Object.assign(facts, { subject: 'alice', account: undefined })
      await recordGranted()
      return answer
    })
    expect(given).toBe(answer)
    expect(audit).toEqual([
      {
        at: 1_800_000_000,
        role: 'idp',
        server: 'https://idp.example',
        action: 'exchange',
        outcome: 'granted',
        reason: 'granted',
        correlationId: 'c1',
        policyVersion: 'p1',
        client: 'wiki',
        subject: 'alice',
      },
    ])
  })

  it('refuses a proof unless it was told how to check one', async () => {
    const granting: Grant = async () => ({ access_token: 'a', token_type: 'N_A', expires_in: 1 })
    const { answer, audit } = await ask(granting, testPorts(), { proofs: ['x'] })
    expect(answer).toMatchObject({ code: 'invalid_dpop_proof', message: 'DPoP is not offered by this server' })
    expect(audit).toMatchObject([{ outcome: 'refused', reason: 'pop_unsupported' }])
    expect((await ask(granting)).answer).toMatchObject({ access_token: 'a' })
  })

  it('names the grants it has', async () => {
    const { answer, audit } = await ask(() => Promise.reject(), testPorts(), {
      body: 'grant_type=x&client_id=wiki&client_secret=s',
    })
    expect(answer).toMatchObject({ code: 'unsupported_grant_type', message: 'grant_type must be g or h' })
    expect(audit).toMatchObject([{ reason: 'grant_not_enabled', client: 'wiki' }])
  })

  it.each<[string, unknown, string]>([
    ['an error', new RangeError('a secret'), 'RangeError'],
    ['something odd', 'a secret', 'string'],
  ])('lets %s of its own through, recorded by its name alone', async (_, thrown, detail) => {
    const { answer, audit } = await ask(() => Promise.reject(thrown))
    expect(answer).toBe(thrown)
    expect(audit).toMatchObject([{ outcome: 'refused', reason: 'internal_error', error: 'server_error', detail }])
    expect(JSON.stringify(audit)).not.toContain('a secret')
    expect(refusal(thrown)).toEqual({ outcome: 'refused', reason: 'internal_error', error: 'server_error', detail })
  })

  it('[ATK-127] answers 503 in place of everything when the audit cannot be written', async () => {
    const world = testPorts()
    world.broken.audit = 'ENOSPC'
    const { answer } = await ask(() => Promise.reject(new Error('x')), world, { body: 'grant_type=' })
    expect(answer).toMatchObject({ status: 503, reason: 'audit_unavailable', cause: 'ENOSPC' })
  })

  it('keeps the time, the ids and the fence of its ports, whatever kind of object they are', () => {
    const { ports } = testPorts()
    class Host {
      now() {
        return ports.now()
      }
      newId() {
        return ports.newId()
      }
      fence() {
        return ports.fence()
      }
      once(key: string, until: number) {
        return ports.once(key, until)
      }
      record(event: AuditEvent) {
        return ports.record(event)
      }
    }
    const safe = failClosed(new Host())
    expect([safe.now(), safe.fence(), safe.newId().length]).toEqual([1_800_000_000, 0, 32])
  })
})

describe('the key of a spent token', () => {
  it('[SEC-05] cannot be that of another kind, issuer, tenant or id', () => {
    const keys = [
      onceKey('id-jag', 'a', null, 'b'),
      onceKey('client-assertion', 'a', null, 'b'),
      onceKey('id-jag', 'a', 'null', 'b'),
      onceKey('id-jag', 'a', '', 'b'),
      onceKey('id-jag', 'a:b', null, ''),
      onceKey('id-jag', 'a', null, ':b'),
      onceKey('id-jag', 'a"', null, 'b'),
    ]
    expect(new Set(keys).size).toBe(keys.length)
    expect(onceKey('id-jag', 'a', null, 'b')).toBe(keys[0])
  })

  it('and the id of a token in the audit are of the JSON of what they name, whatever characters it has', () => {
    const digest = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('base64url')
    for (const odd of ['', 'plain-1_~!', 'a"b', 'a\\b', 'é', '\u2028', '\u0007', ' ', '</script>']) {
      expect(onceKey('id-jag', odd, odd, odd)).toBe(digest(['id-jag', odd, odd, odd]))
      expect(tokenIdHash(odd, odd)).toBe(digest([odd, odd]).slice(0, 22))
    }
  })

  it('and the hash of its id in the audit are fit for any store, and hide the id', () => {
    expect(onceKey('id-jag', 'a', null, 'secret')).toMatch(/^[\w-]{43}$/)
    expect(tokenIdHash('a', 'secret')).toMatch(/^[\w-]{22}$/)
    expect(tokenIdHash('a', 'secret')).not.toBe(tokenIdHash('b', 'secret'))
  })
})
