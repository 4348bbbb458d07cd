/** The fuzzers as a command: fifty thousand inputs of a fixed seed, what counts as a finding, and the tables that are made of its report. */

import { describe, expect, it } from 'vitest'
import { objectionTo } from '../../scripts/fuzz/contract.ts'
import { fuzzers } from '../../scripts/fuzz/fuzzers.ts'
import { memoryFigures, memoryOf } from '../../scripts/fuzz/memory.ts'
import type { Outcome } from '../../scripts/fuzz/run.ts'
import { figuresOf, markdownOf } from '../../scripts/fuzz/table.ts'
import type { Answer } from '../../scripts/fuzz/wire.ts'
import { runScript } from './run-script.ts'

const fuzz = (...args: string[]) => runScript('fuzz', args)

describe('npm run fuzz', () => {
  it('finds nothing among 50 000 inputs of every kind, and every honest request among them is granted', async () => {
    const { code, out, err } = await fuzz('--inputs', '50000', '--seed', '6', '--json')
    expect(err).not.toContain('found:')
    const outcome = JSON.parse(out) as Outcome
    expect(outcome).toMatchObject({ seed: 6, findings: 0 })
    expect(outcome.inputs).toBeGreaterThanOrEqual(50_000)
    expect(outcome.counts.map(({ name }) => name)).toEqual(fuzzers.map(({ name }) => name))
    // What is granted where that is right shows that the others were not refused for being late, unknown or too many.
    for (const { granted, inputs } of outcome.counts) {
      expect(inputs).toBeGreaterThan(50)
      if (granted !== undefined) expect(granted).toBeGreaterThan(inputs / 100)
    }
    expect(outcome.honest.flows).toBeGreaterThan(20)
    expect(memoryFigures(outcome.memory).filter(({ holds }) => !holds)).toEqual([])
    expect(code).toBe(0)
  }, 240_000)
})

describe('the contract', () => {
  const refusal: Answer = {
    status: 400,
    headers: new Map([
      ['content-type', 'application/json; charset=utf-8'],
      ['cache-control', 'no-store'],
      ['pragma', 'no-cache'],
      ['x-correlation-id', 'zod'],
    ]),
    body: '{"error":"invalid_grant","error_description":"the assertion has expired"}',
    took: 1,
  }
  const shot = { to: 'chat', request: Buffer.alloc(0), contract: 'oauth' } as const
  const objection = (changed: Partial<Answer>) => objectionTo({ ...refusal, ...changed }, shot)
  const without = (name: string) => new Map([...refusal.headers].filter(([other]) => other !== name))

  it('is kept by a refusal as RFC 6749 has it', () => expect(objection({})).toBeUndefined())

  it.each<[Partial<Answer>, string]>([
    [{ status: 200 }, 'accepted'],
    [{ status: 302 }, 'redirects with 302'],
    [{ status: 500 }, 'answered 500'],
    [{ status: 503 }, 'answered 503'],
    [{ status: 401 }, 'invalid_grant with 401'],
    [{ status: Number.NaN }, 'status NaN'],
    [{ body: '<html>' }, 'a refusal that is no JSON (400)'],
    [{ body: '{"error":"no"}' }, 'no with 400'],
    [{ body: '{"error":"invalid_grant","sub":"alice"}' }, 'a refusal with the member sub'],
    [
      { body: '{"error":"invalid_grant","error_description":"\\"x\\""}' },
      'an error_description with other characters than RFC 6749 allows',
    ],
    [{ body: '{"error":"invalid_grant","error_description":"ZodError"}' }, 'an answer with internals: Zod'],
    [
      { body: '{"error":"invalid_grant","error_description":"x at read (/a.ts:1)"}' },
      'an answer with internals: at read (',
    ],
    [{ headers: without('cache-control') }, 'a refusal that may be cached'],
    [{ headers: without('content-type') }, 'a refusal that is not called JSON'],
    [{ headers: without('x-correlation-id') }, 'a refusal without a correlation id'],
  ])('is broken by %j', (changed, what) => expect(objection(changed)).toContain(what))
})

describe('the tables', () => {
  const outcome: Outcome = {
    seed: 6,
    seconds: 10,
    inputs: 30_000,
    findings: 0,
    shed: 0,
    counts: [
      { name: 'form', title: 'Forms', inputs: 20_000, granted: 7, findings: 0 },
      { name: 'jwks', title: 'JWK Sets', inputs: 10_000, findings: 0 },
    ],
    honest: { flows: 40, baselineP99: 10, p99: 15 },
    memory: {
      kept: { before: 2 ** 24, between: 2 ** 25, after: 2 ** 25 },
      taken: { before: 2 ** 26, between: 2 ** 27, after: 2 ** 27 },
      most: 2 ** 27,
    },
    server: { delayP99: 20, delayMax: 40, auditLines: 1 },
  }

  it('say what was tried and what was measured', () => {
    const text = markdownOf(outcome)
    expect(text).toContain('`npm run fuzz -- --seed 6`: 30 000 inputs in 10 s, 3 000 a second.')
    expect(text).toContain('| Forms | 20 000 | 7 | 0 |\n| JWK Sets | 10 000 |  | 0 |\n')
    expect(text).toContain('15.0 ms (1.50 ×), 40 whole flows, all granted')
    expect(text).not.toContain('not held')
  })

  it('mark every figure that is beyond its bound', () => {
    const beyond: Outcome = {
      ...outcome,
      findings: 1,
      shed: 1,
      honest: { ...outcome.honest, p99: 20 },
      server: { ...outcome.server, delayP99: 50 },
      memory: {
        kept: { ...outcome.memory.kept, after: 1.1 * 2 ** 25 },
        taken: { ...outcome.memory.taken, after: 1.2 * 2 ** 27 },
        most: 2.4 * 2 ** 27,
      },
    }
    expect(figuresOf(beyond).filter(({ holds }) => holds)).toEqual([])
    expect(markdownOf(beyond).match(/not held/g)).toHaveLength(7)
  })
})

describe('memory', () => {
  const megabyte = 2 ** 20
  const held = (kept: readonly number[], taken = kept.map(() => 150), most = 200) =>
    memoryFigures(
      memoryOf(
        { kept: 20 * megabyte, taken: 140 * megabyte },
        kept.map((one, at) => ({ kept: one * megabyte, taken: (taken[at] ?? 150) * megabyte })),
        [most * megabyte],
      ),
    ).map(({ holds }) => holds)

  it('is flat when caches fill in the first third and nothing is added after it', () =>
    expect(held([22, 26, 30, 33, 33, 34, 33, 34, 33, 33, 34, 33])).toEqual([true, true, true]))

  it('is not flat when every input leaves something behind', () =>
    expect(held([22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 42, 44])).toEqual([false, true, true]))

  it('is not flat when something is left outside of the heap', () =>
    expect(
      held(
        Array.from({ length: 12 }, () => 30),
        Array.from({ length: 12 }, (_, at) => 100 + 20 * at),
        350,
      ),
    ).toEqual([true, false, true]))

  it('is not flat when garbage doubles the process', () =>
    expect(held([30, 30, 30], [150, 150, 150], 300)).toEqual([true, true, false]))

  it('is judged by what a short run gives, and needs at least one collection', () => {
    expect(held([30])).toEqual([true, true, true])
    expect(() => held([])).toThrow('nothing was measured')
  })
})
