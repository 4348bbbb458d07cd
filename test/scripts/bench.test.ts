/** The benchmark as a command: that it still measures everything, and what its exit code says. */

import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { median, medianRatio, quantile } from '../../scripts/bench/statistics.ts'
import { judged, type Row, verdictOf } from '../../scripts/bench/subject.ts'
import { subjects } from '../../scripts/bench/subjects.ts'
import { tableOf } from '../../scripts/bench/table.ts'
import { runScript } from './run-script.ts'

interface Printed {
  subjects: { name: string; rows?: Row[]; broken?: string[]; failed?: string }[]
}

const bench = (args: string[], environment: { [name: string]: string } = {}) => runScript('bench', args, environment)

describe('npm run bench', () => {
  // The other subjects put the servers of these into other surroundings; docs/performance.md cannot be written without them.
  const measured = subjects
    .map(({ name }) => name)
    .filter((name) => !['latency', 'many', 'stores', 'cores'].includes(name))

  it('measures its subjects, each row with figures or with the reason why there are none', async () => {
    const only = measured.flatMap((name) => ['--only', name])
    const { code, out } = await bench(['--json', '--share', '0.001', ...only])
    const report = JSON.parse(out) as Printed
    expect(report.subjects.map(({ name }) => name)).toEqual(measured)
    for (const { rows = [], failed, broken } of report.subjects) {
      expect({ failed, broken }).toEqual({ failed: undefined, broken: [] })
      expect(rows.length).toBeGreaterThan(0)
      for (const { figures, didNotRun } of rows) {
        expect(Object.values(figures).every(({ value }) => Number.isFinite(value))).toBe(true)
        expect(Object.keys(figures).length > 0 || didNotRun?.includes('redis-server was not found')).toBe(true)
      }
    }
    expect(code).toBe(0)
  }, 240_000)

  it('says what did not run on a machine without redis-server, and ends well', async () => {
    const { code, out } = await bench(['--only', 'entries', '--share', '0.001'], { PATH: '', REDIS_SERVER: '' })
    expect(out).toMatch(/^lmdb +1000 /m)
    expect(out).toContain('did not run: entries, redis: redis-server was not found: install it')
    expect(code).toBe(0)
  })

  it('ends with 1 when something does not work', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'xaa-bench-'))
    const broken = join(folder, 'redis-server')
    await writeFile(broken, '#!/bin/sh\nexit 0\n')
    await chmod(broken, 0o700)
    const { code, out } = await bench(['--only', 'round-trips', '--share', '0.001'], { REDIS_SERVER: broken })
    await rm(folder, { recursive: true })
    expect(out).toContain('failed: round-trips: Error: redis-server ended with code 0')
    expect(code).toBe(1)
  })

  it.each([
    [['--only', 'speed'], 'there is no subject speed; --list names them'],
    [['--share', '0'], '--share must be a number above 0, at most 10'],
    [['--fast'], "Unknown option '--fast'"],
  ])('ends with 2 and says why it does not understand %j', async (args, problem) => {
    const { code, err } = await bench(args)
    expect(err).toContain(`npm run bench: ${problem}`)
    expect(code).toBe(2)
  })

  it('names its subjects', async () => {
    const { code, out } = await bench(['--list'])
    expect(out.trimEnd().split('\n')).toHaveLength(subjects.length)
    expect(code).toBe(0)
  })
})

describe('the figures', () => {
  it('are the middle of the rounds, and ratios are taken within each round', () => {
    expect(median([9, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 9])).toBe(3)
    expect(medianRatio([2, 40, 6], [1, 10, 2])).toBe(3)
    expect(quantile([5, 1, 4, 2, 3], 0.99)).toBe(5)
    expect(quantile([5, 1, 4, 2, 3], 0.5)).toBe(3)
  })

  it('stand in columns, with a gap where a row has none', () => {
    const rows: Row[] = [
      { name: 'one', figures: { CPU: { value: 1, unit: '×' }, p50: { value: 1.2345, unit: 'ms' } } },
      { name: 'other', figures: { CPU: { value: 0.5, unit: '×' }, each: { value: 1234.5, unit: 'µs' } } },
      { name: 'absent', figures: {}, didNotRun: 'for a reason' },
    ]
    expect(tableOf(rows)).toEqual([
      '          CPU      p50     each',
      'one    × 1.00  1.23 ms',
      'other  × 0.50           1235 µs',
    ])
  })

  it('are judged by what is asked of them, and the table says it in a word', () => {
    const figure = (value: number) => ({ value, unit: '×' }) as const
    expect(verdictOf(0.9, { must: 0.7, aim: 0.85 })).toBe('aim')
    expect(verdictOf(0.7, { must: 0.7, aim: 0.85 })).toBe('must')
    expect(verdictOf(0.69, { must: 0.7, aim: 0.85 })).toBe('missed')
    expect(verdictOf(3, { must: 4, aim: 2, less: true })).toBe('must')
    expect(verdictOf(74, { must: 75, less: true })).toBe('must')
    expect(judged('ratio', figure(1))).toEqual({ figures: { ratio: figure(1) } })
    const rows: Row[] = [
      { name: 'one', figures: { ratio: figure(1) } },
      { name: 'other', ...judged('ratio', figure(0.5), { must: 0.7 }) },
    ]
    expect(tableOf(rows)).toEqual(['        ratio    must  reaches', 'one    × 1.00', 'other  × 0.50  × 0.70   missed'])
  })
})
