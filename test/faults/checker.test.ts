import fc from 'fast-check'
import { generateKeyPair, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { chained, type Draft, eventsOf, historyOf, jwks, secret, server } from './checker/example-history.ts'
import type { History, Invariant, Presentation, Revocation } from './checker/history.ts'
import { judge } from './checker.ts'

const drafts: Draft[] = [
  { jti: 'a', instance: 'one', sent: 1000, outcome: 'granted' },
  { jti: 'a', instance: 'two', sent: 1000.005, outcome: 'replay' },
  { jti: 'b', instance: 'two', sent: 1001, outcome: 'granted' },
  { jti: 'c', instance: 'two', sent: 1010, outcome: 'unavailable' },
  { jti: 'c', instance: 'one', sent: 1013, outcome: 'granted' },
  { jti: 'd', instance: 'one', sent: 1010.5, outcome: 'lost' },
  { jti: 'd', instance: 'one', sent: 1014, outcome: 'replay' },
]
const window = { from: 1009, to: 1012 }
const good = await historyOf(drafts, window)

/** The invariants that a history breaks, each once. */
async function broken(history: History): Promise<Invariant[]> {
  return [...new Set((await judge(history)).violations.map(({ invariant }) => invariant))]
}

/** The history with one presentation changed. */
function withPresentation(at: number, change: (one: Presentation) => Presentation): History {
  return { ...good, presentations: good.presentations.map((one, index) => (index === at ? change(one) : one)) }
}

/** The history with the events of one instance changed, and the chain made anew over them. */
function withEvents(
  instance: string,
  change: (events: ReturnType<typeof eventsOf>) => ReturnType<typeof eventsOf>,
): History {
  const audits = good.audits.map((one) =>
    one.instance === instance ? { ...one, text: chained(instance, change(eventsOf(one.text))) } : one,
  )
  return { ...good, audits }
}

function withAuditText(instance: string, change: (text: string) => string, interrupted = false): History {
  const audits = good.audits.map((one) =>
    one.instance === instance ? { ...one, text: change(one.text), interrupted } : one,
  )
  return { ...good, audits }
}

/** The audits of a history in which one instance refuses by its fence. */
function withReason({ audits }: History, instance: string, reason = 'replay_fence'): History['audits'] {
  return audits.map((one) =>
    one.instance === instance
      ? {
          ...one,
          text: chained(
            instance,
            eventsOf(one.text).map((event) => ({ ...event, reason })),
          ),
        }
      : one,
  )
}

describe('a good history', () => {
  it('is not objected to, and its parts are counted', async () => {
    expect(await judge(good)).toEqual({
      violations: [],
      counts: {
        tokens: 4,
        presentations: 7,
        granted: 3,
        refused: 2,
        unavailable: 1,
        lost: 1,
        auditLines: 7,
        chainedLines: 7,
        faults: 2,
      },
    })
  })

  it('is not objected to, whatever happened in it', async () => {
    const token = fc.record({
      answers: fc.array(fc.constantFrom('replay', 'unavailable', 'lost'), { maxLength: 4 }),
      instances: fc.array(fc.constantFrom('one', 'two', 'three'), { minLength: 5, maxLength: 5 }),
      at: fc.double({ min: 1000, max: 1001, noNaN: true }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(token, { minLength: 1, maxLength: 8 }), async (tokens) => {
        const made = tokens.flatMap(({ answers, instances, at }, index) =>
          (['granted', ...answers] as const).map(
            (outcome, nth): Draft => ({
              jti: `j-${index}`,
              instance: instances[nth] ?? 'one',
              sent: at + nth / 1000,
              outcome,
            }),
          ),
        )
        expect((await judge(await historyOf(made, { from: 999, to: 1002 }))).violations).toEqual([])
      }),
      { numRuns: 40 },
    )
  })

  it('is objected to as soon as any one of its ID-JAGs was redeemed a second time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(20),
        fc.constantFrom('one', 'two'),
        fc.integer({ min: 0, max: 5000 }),
        async (nth, instance, after) => {
          const made = Array.from(
            { length: 21 },
            (_, at): Draft => ({ jti: `j-${at}`, instance: 'one', sent: 1000 + at, outcome: 'granted' }),
          )
          const spoiled = await historyOf([
            ...made,
            { jti: `j-${nth}`, instance, sent: 1000 + nth + (after + 0.5) / 1000, outcome: 'granted' },
          ])
          expect(await broken(spoiled)).toContain('I1')
          expect((await broken(spoiled)).includes('I7')).toBe(after >= 10)
        },
      ),
      { numRuns: 30 },
    )
  })
})

describe('the checker objects to', () => {
  it('a double success (I1), and says when the second began after the first had returned (I7)', async () => {
    expect(
      await broken(
        await historyOf([...drafts, { jti: 'a', instance: 'two', sent: 1000.005, outcome: 'granted' }], window),
      ),
    ).toEqual(['I1'])
    expect(
      await broken(
        await historyOf([...drafts, { jti: 'a', instance: 'two', sent: 1000.5, outcome: 'granted' }], window),
      ),
    ).toEqual(['I1', 'I7'])
  })

  it('a double success of which the client saw only one (I1)', async () => {
    const twice = withEvents('two', (events) => [
      ...events,
      { ...eventsOf(good.audits[0]?.text ?? '')[0], correlationId: 'unseen' },
    ])
    expect(await broken(twice)).toEqual(['I1'])
  })

  it('a right ID-JAG that nobody could redeem (I2), and to a replay that nobody can have caused (I5)', async () => {
    expect(await broken(await historyOf([{ jti: 'x', instance: 'one', sent: 1000, outcome: 'replay' }]))).toEqual([
      'I2',
      'I5',
    ])
    // The same after an answer that left it in doubt.
    expect(
      await broken(
        await historyOf(
          [
            { jti: 'x', instance: 'one', sent: 1000, outcome: 'lost' },
            { jti: 'x', instance: 'one', sent: 1001, outcome: 'replay' },
          ],
          { from: 999, to: 1000 },
        ),
      ),
    ).toEqual([])
  })

  it('a fence that no loss explains (I2)', async () => {
    const fenced = await historyOf([{ jti: 'x', instance: 'one', sent: 1000, outcome: 'replay' }])
    const audits = withReason(fenced, 'one')
    expect(await broken({ ...fenced, audits })).toEqual(['I2'])
    const faults = [{ dependency: 'store', from: 990, to: 991 } as const]
    expect(await broken({ ...fenced, audits, faults })).toEqual([])
    // It was spent before the fence was seen to have risen.
    const both = await historyOf([
      { jti: 'x', instance: 'one', sent: 1000, outcome: 'replay' },
      { jti: 'x', instance: 'two', sent: 1001, outcome: 'replay' },
    ])
    expect(await broken({ ...both, audits: withReason(both, 'one'), faults })).toEqual([])
    expect(await broken({ ...both, faults })).toEqual(['I2', 'I5'])
  })

  it.each([
    ['is missing', (events: ReturnType<typeof eventsOf>) => events.slice(1)],
    [
      'names another person',
      ([first, ...rest]: ReturnType<typeof eventsOf>) => [{ ...first, subject: 'bob' }, ...rest],
    ],
    [
      'names another scope',
      ([first, ...rest]: ReturnType<typeof eventsOf>) => [{ ...first, scope: 'chat.write' }, ...rest],
    ],
    [
      'names another ID-JAG',
      ([first, ...rest]: ReturnType<typeof eventsOf>) => [{ ...first, tokenId: 'another' }, ...rest],
    ],
    [
      'names another access token',
      ([first, ...rest]: ReturnType<typeof eventsOf>) => [{ ...first, issuedTokenId: 'another' }, ...rest],
    ],
    [
      'names a policy that never was',
      ([first, ...rest]: ReturnType<typeof eventsOf>) => [{ ...first, policyVersion: 'p2' }, ...rest],
    ],
  ])('an audit record that %s (I3)', async (_, change) => {
    expect(await broken(withEvents('one', change))).toEqual(['I3'])
  })

  it.each([
    ['subject', 'alice'],
    ['client', 'assistant'],
    ['issuer', 'https://id.acme.example'],
    ['keyId', 'idp-1'],
  ])('an issue more than 5 s after a stop by %s (I4)', async (member, value) => {
    const stopped = (acknowledged: number): History => ({ ...good, revocations: [{ acknowledged, [member]: value }] })
    expect(await broken(stopped(1007.9))).toEqual(['I4'])
    expect(await broken(stopped(1008.1))).toEqual([])
    expect(await broken({ ...good, revocations: [{ acknowledged: 0, [member]: 'another' }] })).toEqual([])
  })

  it('an issue while a stop held, and not before it and after its end (I4)', async () => {
    const stopped = (stop: Partial<Revocation>): History => ({
      ...good,
      revocations: [{ acknowledged: 990, subject: 'alice', ...stop }],
    })
    expect(await broken(stopped({ liftAsked: 1020 }))).toEqual(['I4'])
    expect(await broken(stopped({ liftAsked: 999 }))).toEqual([])
    expect(await broken(stopped({ acknowledged: Number.POSITIVE_INFINITY }))).toEqual([])
    // Without a name it is about everybody.
    expect(await broken({ ...good, revocations: [{ acknowledged: 990 }] })).toEqual(['I4'])
  })

  it('a refusal by a stop that nobody asked for then (I2, I5)', async () => {
    const refused = await historyOf([{ jti: 'x', instance: 'one', sent: 1000, outcome: 'replay' }])
    const blocked = { ...refused, audits: withReason(refused, 'one', 'blocked') }
    const stopped = (stop: Partial<Revocation>): History => ({
      ...blocked,
      revocations: [{ acknowledged: 999, client: 'assistant', ...stop }],
    })
    expect(await broken(blocked)).toEqual(['I2', 'I5'])
    expect(await broken(stopped({}))).toEqual([])
    expect(await broken(stopped({ client: 'another' }))).toEqual(['I2', 'I5'])
    expect(await broken(stopped({ asked: 1000.005, acknowledged: 1001 }))).toEqual([])
    expect(await broken(stopped({ asked: 1002, acknowledged: 1003 }))).toEqual(['I2', 'I5'])
    expect(await broken(stopped({ acknowledged: 980, liftAsked: 990, lifted: 996 }))).toEqual([])
    expect(await broken(stopped({ acknowledged: 980, liftAsked: 990, lifted: 991 }))).toEqual(['I2', 'I5'])
    // What the audit explains otherwise is no work of the stop.
    expect(await broken({ ...refused, revocations: stopped({}).revocations })).toEqual(['I2', 'I5'])
  })

  it('no question about an access token as a second grant (I1)', async () => {
    const asked = withEvents('one', ([first, ...rest]) => [
      { ...first },
      ...['i-1', 'i-2'].map((correlationId) => ({ ...first, action: 'introspect', correlationId })),
      ...rest,
    ])
    expect(await broken(asked)).toEqual([])
  })

  it('a wrong code, a wrong status and a grant of what had to be refused (I5)', async () => {
    expect(await broken(withPresentation(1, (one) => ({ ...one, code: 'invalid_request' })))).toEqual(['I5'])
    expect(await broken(withPresentation(1, (one) => ({ ...one, status: 401 })))).toEqual(['I5'])
    expect(await broken(withPresentation(1, (one) => ({ ...one, mustRefuse: ['invalid_client'] })))).toEqual(['I5'])
    expect(await broken(withPresentation(1, (one) => ({ ...one, mustRefuse: ['invalid_grant'] })))).toEqual([])
    expect(await broken(withPresentation(2, (one) => ({ ...one, mustRefuse: ['invalid_grant'] })))).toEqual(['I5'])
  })

  it('an honest refusal by a clock, unless that clock was wrong (I2, I5)', async () => {
    const refused = await historyOf([{ jti: 'x', instance: 'one', sent: 1000, outcome: 'replay' }])
    const audits = withReason(refused, 'one', 'expired')
    expect(await broken({ ...refused, audits })).toEqual(['I2', 'I5'])
    const faults = [{ dependency: 'clock', from: 999, to: 1001 } as const]
    expect(await broken({ ...refused, audits, faults })).toEqual([])
  })

  it('503 outside a fault of what the audit names, 500 at any time, and a lost request of an instance that ran (I6)', async () => {
    const earlier = good.faults.map((one) => ({ ...one, from: 900, to: 1000 }))
    expect(await broken({ ...good, faults: earlier })).toEqual(['I6'])
    expect(await broken({ ...good, faults: good.faults.filter(({ dependency }) => dependency !== 'store') })).toEqual([
      'I6',
    ])
    expect(
      await broken({ ...good, faults: good.faults.filter(({ dependency }) => dependency !== 'instance') }),
    ).toEqual(['I6'])
    expect(await broken({ ...good, faults: good.faults.map((one) => ({ ...one, instance: 'one' })) })).toEqual(['I6'])
    expect(await broken(withPresentation(3, (one) => ({ ...one, status: 500, code: 'server_error' })))).toEqual(['I6'])
    // Two seconds are given to recover.
    expect(await broken({ ...good, faults: good.faults.map((one) => ({ ...one, to: 1008.6, from: 1000 })) })).toEqual(
      [],
    )
  })

  it('a changed line, a hole, a line that cannot be read, one without a place, and a file that nobody closed (I8)', async () => {
    const lines = (good.audits[1]?.text ?? '').split('\n')
    const other = (at: number, text: string) => lines.map((line, index) => (index === at ? text : line)).join('\n')
    const without = (at: number) => lines.filter((_, index) => index !== at).join('\n')
    const spoil = (text: string, interrupted = false) => broken(withAuditText('two', () => text, interrupted))
    expect(await spoil(lines.join('\n'))).toEqual([])
    expect(await spoil(other(1, (lines[1] ?? '').replace('"at":1000.005', '"at":1000.006')))).toEqual(['I8'])
    expect(await spoil(without(1))).toEqual(['I8'])
    expect(await spoil(other(3, (lines[3] ?? '').replace('"sequence":4', '"sequence":5')))).toEqual(['I8'])
    expect(await spoil(other(3, (lines[3] ?? '').replace(/,"instance".*/, '}')))).toEqual(['I8'])
    expect(await spoil(`garbage\n${lines.join('\n')}`)).toEqual(['I8'])
    expect(await spoil(without(lines.length - 2))).toEqual(['I8'])
  })

  it('what a kill leaves behind (I8), unless there was a kill', async () => {
    const cut = (good.audits[1]?.text ?? '').replace(/[^\n]*\n$/, '{"at":1')
    expect(await broken(withAuditText('two', () => cut))).toEqual(['I8'])
    expect(await broken(withAuditText('two', () => cut, true))).toEqual([])
  })

  it('what cannot be read of an audit without a chain (I8)', async () => {
    const plain = (events: ReturnType<typeof eventsOf>) => events.map((event) => `${JSON.stringify(event)}\n`).join('')
    const unchained = (change: (text: string) => string, interrupted = false) =>
      broken(withAuditText('two', (text) => change(plain(eventsOf(text))), interrupted))
    expect(await unchained((text) => text)).toEqual([])
    expect(await unchained((text) => `{"at":1\n${text}`, true)).toEqual(['I8'])
    expect(await unchained((text) => `${text}{"at":1`)).toEqual(['I8'])
    expect(await unchained((text) => `${text}{"at":1`, true)).toEqual([])
  })

  it('an access token that does not verify with the keys published when it was issued (I9)', async () => {
    const { privateKey } = await generateKeyPair('ES256')
    const foreign = await new SignJWT({ iss: server, jti: 't-0' })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'as-1' })
      .sign(privateKey)
    expect(await broken(withPresentation(0, (one) => ({ ...one, accessToken: foreign })))).toEqual(['I9'])
    expect(await broken({ ...good, keys: [{ from: 1000.5, jwks }] })).toEqual(['I9'])
    expect(
      await broken({
        ...good,
        keys: [
          { from: 0, jwks },
          { from: 1000.5, jwks: { keys: [] } },
        ],
      }),
    ).toEqual(['I9'])
    expect(
      await broken({
        ...good,
        keys: [
          { from: 0, jwks: { keys: [] } },
          { from: 999, jwks },
        ],
      }),
    ).toEqual([])
  })

  it('a secret or a token in a log or in the audit, without repeating it (I10)', async () => {
    const spoiled: History[] = [
      { ...good, logs: [{ instance: 'one', text: `client sent ${secret}\n` }] },
      { ...good, logs: [{ instance: 'one', text: `issued ${good.presentations[0]?.accessToken}\n` }] },
      withEvents('two', ([first, ...rest]) => [{ ...first, detail: secret }, ...rest]),
    ]
    for (const history of spoiled) {
      expect(await broken(history)).toEqual(['I10'])
      expect(JSON.stringify((await judge(history)).violations)).not.toMatch(/marked-secret|eyJ/)
    }
  })
})
