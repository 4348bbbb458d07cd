/** The requirements table is whole and true: every id of the draft has a row, and rows and tests agree in both directions. */

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { requirementsCommand } from '../../scripts/requirements/command.ts'
import { asMarkdown, contradictions } from '../../scripts/requirements/report.ts'
import { testTitles } from '../../scripts/requirements/test-titles.ts'
import type { Requirement } from '../../src/conformance/requirement.ts'
import { requirementGroups, requirements } from '../../src/conformance/requirements.ts'
import { type Branch, usualBranches } from '../../src/protocol/branches.ts'
import { idsOfTheDraft } from './ids.ts'

const root = new URL('../../', import.meta.url)
const titles = testTitles(root)

describe('the table', () => {
  it('has a row for every id of the draft, its branches and its dialects, and for no other', () => {
    const ids = requirements.map(({ id }) => id)
    expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([])
    expect(new Set(ids)).toEqual(new Set(idsOfTheDraft))
  })

  it('says each rule in one sentence, and why where it is not kept', () => {
    const sentence = /^\S.*[^.]\.$/
    for (const { id, says, why, status, roles, source } of requirements) {
      expect([id, says]).toEqual([id, expect.stringMatching(sentence)])
      if (status !== 'implemented' || why !== undefined) expect([id, why]).toEqual([id, expect.stringMatching(/\.$/)])
      expect([id, roles.length > 0, source !== '']).toEqual([id, true, true])
    }
  })

  it('has a row for every switch, and names the switch wherever a branch has one', () => {
    const named = requirements.flatMap(({ branch }) => branch ?? [])
    expect(new Set(named)).toEqual(new Set(Object.keys(usualBranches)))
    const isSwitch = (name: string): name is Branch => Object.hasOwn(usualBranches, name)
    for (const { id, source, branch, why } of requirements) {
      const from = /^branch ([\w-]+)/.exec(source)?.[1] ?? ''
      if (isSwitch(from) && branch !== from) expect([id, why]).toEqual([id, expect.stringMatching(/^Always on/)])
      if (branch !== undefined) expect([id, source]).toEqual([id, expect.stringContaining(branch)])
    }
  })

  it('and the tests agree: an implemented row has one, and no test is about a row that is not there', () => {
    expect(contradictions(requirementGroups, titles)).toEqual([])
  })
})

describe('the comparison with the tests', () => {
  const row: Requirement = {
    id: 'JAG-01',
    roles: ['idp'],
    level: 'MUST',
    source: '§3.1',
    says: 'A rule.',
    status: 'implemented',
  }
  const group = (...rows: Requirement[]) => [{ name: 'The token', requirements: rows }]
  const title = (...ids: string[]) => ({ file: 'test/a.test.ts', title: 'a title', ids })

  it('finds an implemented row without a test, and is content when it has one', () => {
    expect(contradictions(group(row), [])).toEqual([expect.stringMatching(/^JAG-01 is said to be implemented/)])
    expect(contradictions(group(row), [title('JAG-01')])).toEqual([])
    expect(contradictions(group({ ...row, status: 'not implemented', why: 'Later.' }), [])).toEqual([])
  })

  it('finds a test about a row that is not there, and leaves other families alone', () => {
    const found = contradictions(group(row), [title('JAG-01', 'JAG-99', 'ATK-001')])
    expect(found).toEqual([expect.stringMatching(/^test\/a\.test\.ts: .* JAG-99, which is no row/)])
  })
})

describe('npm run -s requirements', () => {
  function run(args: string[], found = titles) {
    const [out, err]: [string[], string[]] = [[], []]
    const io = { out: (text: string) => out.push(text), err: (text: string) => err.push(text) }
    const code = requirementsCommand(args, found, io)
    return { code, out: out.join(''), err: err.join('') }
  }

  it('prints every row as JSON, an implemented one with the tests that cover it', () => {
    const { code, out, err } = run(['--json'])
    expect([code, err]).toEqual([0, ''])
    const printed = JSON.parse(out) as { requirements: { id: string; status: string; tests: { file: string }[] }[] }
    expect(printed.requirements.map(({ id }) => id)).toEqual(requirements.map(({ id }) => id))
    for (const { id, status, tests } of printed.requirements)
      if (status === 'implemented')
        expect([id, tests[0]?.file]).toEqual([id, expect.stringMatching(/^test\/.+\.test\.ts$/)])
  })

  it('ends with 1, and names the row, when no test covers what is implemented', () => {
    const { code, out, err } = run(
      ['--json'],
      titles.filter(({ ids }) => !ids.includes('RS-05')),
    )
    expect([code, err]).toEqual([1, expect.stringMatching(/^RS-05 is said to be implemented[^\n]*\n$/)])
    expect(() => JSON.parse(out)).not.toThrow()
  })

  it.each([[[]], [['--xml']], [['--json', '--markdown']]])('ends with 2 and says how it is used, for %j', (args) => {
    expect(run(args)).toEqual({
      code: 2,
      out: '',
      err: 'usage: npm run -s requirements -- --json | --markdown\n',
    })
  })

  it('writes docs/requirements.md, which is as it would write it now', () => {
    const page = readFileSync(new URL('docs/requirements.md', root), 'utf8')
    expect(page).toBe(run(['--markdown']).out)
    expect(page).toBe(asMarkdown(titles))
    expect(page).toMatch(/^# Requirements\n\n```sh\nnpm run -s requirements -- --markdown > docs\/requirements\.md /)
  })
})
