/** What is kept of a decision: its words, and a bounded part of what a caller sent. */

import { describe, expect, it } from 'vitest'
import { bounded } from '../../src/protocol/audit.ts'
import type { AuditEvent } from '../../src/protocol/ports.ts'

const event: AuditEvent = {
  at: 1,
  role: 'idp',
  server: 'https://id.acme.example',
  action: 'exchange',
  outcome: 'refused',
  reason: 'target_unknown',
  correlationId: 'c',
}

describe('an audit event', () => {
  it('is kept as it is while it is short', () => {
    const short = { ...event, audience: 'https://as.chat.example', resource: ['a', 'b'], act: { sub: 'agent' } }
    expect(bounded(short)).toEqual(short)
  })

  it('leaves out what is not known', () => {
    expect(bounded({ ...event, ...({ subject: undefined } as object) })).toEqual(event)
  })

  it('[ATK-136] [SEC-06] [EMA-10] keeps no token that a caller put where none belongs', () => {
    const token = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl-_'
    const { audience, detail, resource } = bounded({
      ...event,
      audience: token,
      detail: `asked ${token} read, the connection gives read`,
      resource: [`urn:x:${token}`, 'https://mcp.chat.example'],
    })
    expect([audience, detail]).toEqual(['(a token)', 'asked (a token) read, the connection gives read'])
    expect(resource).toEqual(['urn:x:(a token)', 'https://mcp.chat.example'])
  })

  it('cuts what a caller sent, in whatever member it stands', () => {
    const long = 'x'.repeat(60_000)
    const cut = `${'x'.repeat(512)}…`
    const { audience, resource, act } = bounded({ ...event, audience: long, resource: [long], act: { sub: long } })
    expect([audience, resource]).toEqual([cut, [cut]])
    expect(act).toBe(`{"sub":"${'x'.repeat(504)}…`)
    expect(bounded({ ...event, resource: Array.from({ length: 5000 }, () => 'r') }).resource).toHaveLength(32)
  })
})

it('keeps every member that an event can have', () => {
  const whole: Required<AuditEvent> = {
    at: 1,
    role: 'idp',
    server: 's',
    action: 'exchange',
    outcome: 'refused',
    reason: 'replay',
    error: 'e',
    detail: 'd',
    correlationId: 'i',
    client: 'c',
    issuer: 'is',
    subject: 'su',
    subjectProfile: 'sp',
    account: 'ac',
    audience: 'au',
    clientThere: 'ct',
    tenant: 't',
    audTenant: 'at',
    scope: 'sc',
    resource: ['r'],
    detailTypes: ['dt'],
    act: { sub: 'a' },
    tokenId: 'ti',
    issuedTokenId: 'it',
    unverified: true,
    degraded: true,
    policyVersion: 'p',
  }
  expect(bounded(whole)).toStrictEqual(whole)
  expect(Object.keys(bounded(whole))[0]).toBe('at')
  expect(bounded({ ...whole, act: 5 }).act).toBe(5)
})
