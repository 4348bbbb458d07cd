/** The requirements table as a command: what a shell sees of it. */

import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'

const root = new URL('../..', import.meta.url).pathname
const requirements = (...args: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', 'scripts/requirements.ts', ...args], { cwd: root, encoding: 'utf8' })

it('prints the whole table and ends with 0, and with 2 when it is not told in which form', () => {
  const { status, stdout, stderr } = requirements('--json')
  expect([status, stderr]).toEqual([0, ''])
  expect((JSON.parse(stdout) as { requirements: object[] }).requirements.length).toBeGreaterThan(200)
  expect(requirements()).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(/^usage: /) })
})
