/** docs/performance.md is what the benchmark's report makes of its subjects, and says how to make it again. */

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { pageOf } from '../../scripts/bench/report.ts'
import { subjects } from '../../scripts/bench/subjects.ts'
import { comparisons } from '../../scripts/bench/token-path.ts'

const page = readFileSync(new URL('../../docs/performance.md', import.meta.url), 'utf8')

describe('docs/performance.md', () => {
  it('has a table of figures for every subject of the benchmark, with the command that measures it again', () => {
    const sections = page.split(/^## /m).slice(1)
    expect(sections.map((section) => section.split('\n')[0])).toEqual(subjects.map(({ title }) => title))
    for (const [at, { name }] of subjects.entries()) {
      expect(sections[at]).toContain(`\`npm run bench -- --only ${name}\``)
      expect(sections[at]).toMatch(/^\| [^|]+ \|.* \d/m)
    }
  })

  it('names the machine, and has every comparison of the token path with what is asked of it', () => {
    expect(page).toMatch(/^Measured by `npm run bench` on Node \d+\.\d+\.\d+, \d+ × \w/m)
    for (const { name, of, goal } of comparisons) {
      const must = goal === undefined ? '' : `× ${goal.must.toFixed(2)}`
      expect(page).toContain(`\n| ${name}, of ${of} | × `)
      expect(page.split('\n').find((line) => line.startsWith(`| ${name}, of ${of} |`))).toContain(must)
    }
  })

  it('is not written from a report in which a subject failed', () => {
    const subject = { name: 'latency', title: 'Latency', method: '' }
    const report = { machine: 'a machine', share: 1 }
    expect(() => pageOf({ ...report, subjects: [{ ...subject, failed: 'no answer' }] })).toThrow(
      'the subject latency failed: no answer',
    )
    const rows = [
      { name: 'one', figures: { p99: { value: 2, unit: 'ms' } }, verdict: 'must' },
      { name: 'two', figures: {}, didNotRun: 'there is no redis-server' },
    ] as const
    const again = { ...subject, rows: [{ name: 'three', figures: { p99: { value: 3, unit: 'ms' } } } as const] }
    const replaced = pageOf(
      { ...report, share: 0.3, subjects: [{ ...subject, rows: [...rows] }] },
      { ...report, subjects: [again] },
    )
    expect(replaced).toContain('`npm run bench -- --only latency`, at the full length')
    expect(replaced).not.toContain('| one |')
    const written = pageOf({ ...report, subjects: [{ ...subject, rows: [...rows] }] })
    expect(written).toContain('|  | p99 | reaches |\n| --- | ---: | --- |\n| one | 2 ms | must |')
    expect(written).toContain('two did not run: there is no redis-server.')
  })
})
