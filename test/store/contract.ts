/** What every store promises, as tests that each of them passes. */

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Store } from '../../src/store/store.ts'

/** A store under test. `now` is what its clock shows, and `others` are further ways into the same state. */
export interface Subject {
  store: Store
  others: readonly Store[]
  now(): number
  /** Absent where the clock cannot be moved. */
  pass?(seconds: number): void
  close(): Promise<void>
}

/** The suite; `clockMoves` says whether subjects have `pass`. Keys are new in each run, because some stores remember the run before. */
export function describeStore(open: () => Promise<Subject>, clockMoves: boolean): void {
  let subject: Subject
  let used = 0
  const newKey = (text = '') => `${text}#${process.pid}-${++used}-${performance.now()}`
  beforeAll(async () => {
    subject = await open()
  })
  afterAll(() => subject.close())
  const ways = () => [subject.store, ...subject.others]
  const wayOf = (at: number) => ways()[at % ways().length] ?? subject.store

  describe('single use', () => {
    it('[ATK-057] is true for exactly one of 2 to 64 callers who race, whatever the key and the end of its record', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 2, max: 64 }),
          fc.string({ maxLength: 300, unit: 'grapheme' }),
          fc.double({ min: 1, max: 4000, noNaN: true }),
          async (callers, text, life) => {
            const key = newKey(text)
            const until = subject.now() + life
            const race = () => Promise.all(Array.from({ length: callers }, (_, at) => wayOf(at).once(key, until)))
            expect((await race()).filter(Boolean)).toHaveLength(1)
            expect((await race()).filter(Boolean)).toHaveLength(0)
          },
        ),
        { numRuns: 40 },
      )
    })

    it('keeps keys apart that look alike', async () => {
      const key = newKey('a')
      const until = subject.now() + 60
      for (const one of [key, `${key} `, ` ${key}`, `${key}\u0000`, key.toUpperCase(), `${key}\u0301`])
        expect(await subject.store.once(one, until)).toBe(true)
    })

    const itMoves = clockMoves ? it : () => {}
    itMoves('[ATK-061] holds until the moment asked for, and not a moment less', async () => {
      const { store, now, pass = () => {} } = subject
      const key = newKey()
      const until = now() + 60.5
      expect(await store.once(key, until)).toBe(true)
      pass(60.25)
      expect(await store.once(key, until + 60)).toBe(false)
      pass(0.25)
      const again = await Promise.all(Array.from({ length: 16 }, (_, at) => wayOf(at).once(key, until + 60)))
      expect(again.filter(Boolean)).toHaveLength(1)
      expect(await store.once(key, until + 60)).toBe(false)
    })
  })

  describe('counters', () => {
    it('count every call, whoever makes it, until the window is over', async () => {
      const key = newKey()
      const counts = await Promise.all(Array.from({ length: 40 }, (_, at) => wayOf(at).count(key, 60)))
      expect(counts.map(({ count }) => count).sort((one, other) => one - other)).toEqual(
        Array.from({ length: 40 }, (_, at) => at + 1),
      )
      expect(await wayOf(1).countOf(key)).toMatchObject({ count: 40 })
      expect(await wayOf(0).countOf(key)).toMatchObject({ count: 40 })
      expect(await subject.store.countOf(newKey())).toBeUndefined()
      for (const { resetsAt } of counts) expect(Math.abs(resetsAt - subject.now() - 60)).toBeLessThan(5)
      expect(await subject.store.count(newKey(), 60)).toMatchObject({ count: 1 })
      if (subject.pass === undefined) return
      subject.pass(60)
      expect(await subject.store.countOf(key)).toBeUndefined()
      expect(await subject.store.count(key, 60)).toMatchObject({ count: 1 })
    })
  })

  describe('records', () => {
    it('are read as they were written, by everybody, and by kind', async () => {
      const { records } = subject.store
      const kind = newKey('kind')
      const value = { text: 'ä "quoted" \u2028', list: [1, null, { deep: true }], none: null }
      const version = await records.change([
        { kind, id: 'a', expected: 0, value },
        { kind, id: 'b', expected: 0, value: {}, until: subject.now() + 60 },
      ])
      for (const way of ways()) {
        expect(await way.records.get(kind, 'a')).toEqual({ id: 'a', version, value })
        expect((await way.records.list(kind)).map(({ id }) => id).sort()).toEqual(['a', 'b'])
      }
      expect(await records.get(kind, 'c')).toBeUndefined()
      expect(await records.list(`${kind}.`)).toEqual([])
    })

    it('are changed only from the version that the change was decided on', async () => {
      const { records } = subject.store
      const kind = newKey('kind')
      const first = await records.change([{ kind, id: 'a', expected: 0, value: { by: 'first' } }])
      await expect(records.change([{ kind, id: 'a', expected: 0, value: {} }])).rejects.toMatchObject({
        name: 'ConflictError',
      })
      const second = await records.change([{ kind, id: 'a', expected: first, value: { by: 'second' } }])
      await expect(records.change([{ kind, id: 'a', expected: first, value: {} }])).rejects.toThrow(/at version/)
      expect(await records.get(kind, 'a')).toEqual({ id: 'a', version: second, value: { by: 'second' } })
      await records.change([{ kind, id: 'a', expected: second }])
      expect(await records.get(kind, 'a')).toBeUndefined()
      // A new record never has a version that a deleted one had.
      await expect(records.change([{ kind, id: 'a', expected: second, value: {} }])).rejects.toThrow('there is none')
      expect(await records.change([{ kind, id: 'a', expected: 0, value: {} }])).toBeGreaterThan(second)
    })

    it('are changed all together or not at all', async () => {
      const { records } = subject.store
      const kind = newKey('kind')
      await records.change([{ kind, id: 'taken', expected: 0, value: {} }])
      const before = await records.revision()
      await expect(
        records.change([
          { kind, id: 'new', expected: 0, value: {} },
          { kind, id: 'taken', expected: 0, value: {} },
        ]),
      ).rejects.toMatchObject({ name: 'ConflictError' })
      expect(await records.get(kind, 'new')).toBeUndefined()
      expect(await records.revision()).toBe(before)
    })

    it('let one of any number of writers win, who changed the same version', async () => {
      const kind = newKey('kind')
      const answers = await Promise.allSettled(
        Array.from({ length: 32 }, (_, at) =>
          wayOf(at).records.change([{ kind, id: 'a', expected: 0, value: { writer: at } }]),
        ),
      )
      const winner = answers.findIndex(({ status }) => status === 'fulfilled')
      expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      for (const answer of answers)
        if (answer.status === 'rejected') expect(answer.reason).toMatchObject({ name: 'ConflictError' })
      expect(await subject.store.records.get(kind, 'a')).toMatchObject({ value: { writer: winner } })
    })

    it('have a revision that grows with every change, seen from everywhere', async () => {
      const kind = newKey('kind')
      let latest = await subject.store.records.revision()
      for (let at = 0; at < 6; at++) {
        const revision = await wayOf(at).records.change([{ kind, id: `${at}`, expected: 0, value: {} }])
        expect(revision).toBeGreaterThan(latest)
        latest = revision
        for (const way of ways()) expect(await way.records.revision()).toBeGreaterThanOrEqual(latest)
      }
    })

    it('are as good as deleted from the moment they end', async () => {
      const { records } = subject.store
      const kind = newKey('kind')
      await records.change([{ kind, id: 'ended', expected: 0, value: {}, until: subject.now() - 1 }])
      expect(await records.get(kind, 'ended')).toBeUndefined()
      expect(await records.list(kind)).toEqual([])
      expect(await records.change([{ kind, id: 'ended', expected: 0, value: {} }])).toBeGreaterThan(0)
      expect(await records.get(kind, 'ended')).toMatchObject({ value: {} })
    })

    it('have names that every store can keep', async () => {
      const change = (kind: string, id: string) => subject.store.records.change([{ kind, id, expected: 0, value: {} }])
      for (const [kind, id] of [
        ['', 'a'],
        ['a', ''],
        ['a', 'x'.repeat(201)],
        ['a', '\ud800'],
      ] as const)
        await expect(change(kind, id)).rejects.toThrow(TypeError)
      const kind = newKey('kind')
      await change(kind, '\u{1f600}'.repeat(100))
      expect((await subject.store.records.list(kind)).map(({ id }) => id)).toEqual(['\u{1f600}'.repeat(100)])
    })
  })

  it('says that it can be relied on', async () => {
    for (const way of ways()) await expect(way.check()).resolves.toBeUndefined()
  })
}
