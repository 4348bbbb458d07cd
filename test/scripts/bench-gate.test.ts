/** The gate of the benchmark: the token path costs no more than it did, and a miss says where the time goes. */

import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { type CpuProfile, topLines } from '../../scripts/bench/profile.ts'

const root = new URL('../..', import.meta.url).pathname

describe('the gate', () => {
  it('holds: neither the exchange nor jwt-bearer costs more, beside its floor, than when the gate was set', () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', 'scripts/bench.ts', '--gate', 'scripts/bench/gate.json'],
      { cwd: root, encoding: 'utf8' },
    )
    expect({ status, stdout, stderr: status === 0 ? '' : stderr }).toMatchObject({ status: 0, stderr: '' })
    expect(stdout).toMatch(/^exchange, seen: × \d\.\d\d of the floor sign, was × /m)
    expect(stdout).toMatch(/^jwt-bearer: × \d\.\d\d of the floor verify \+ sign, was × /m)
  }, 240_000)

  it('names of a profile the ten functions with the most time of their own, without idle time, and our sum', () => {
    const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 9 })
    const names = Array.from({ length: 12 }, (_, at) => at + 2)
    const profile: CpuProfile = {
      nodes: [
        { id: 1, callFrame: frame('(idle)', '') },
        ...names.map((id) => ({ id, callFrame: frame(`f${id}`, `file:///somewhere/dist/part/f${id}.js`) })),
        { id: 20, callFrame: frame('', 'file:///somewhere/node_modules/a/b.js') },
      ],
      samples: [1, ...names, 20, 20],
      timeDeltas: [5000, ...names.map(() => 10), 40, 40],
    }
    const lines = topLines(profile)
    expect(lines).toHaveLength(11)
    expect(lines[0]).toBe(' 40.0 %  (anonymous) node_modules/a/b.js:10')
    expect(lines[1]).toBe('  5.0 %  f2 dist/part/f2.js:10')
    expect(lines[10]).toBe(' 60.0 %  all functions of this project')
  })
})
