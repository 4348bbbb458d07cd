/** The requirements table with the tests that cover each row, as JSON and as the page docs/requirements.md. */

import type { Requirement } from '../../src/conformance/requirement.ts'
import { type RequirementGroup, requirementGroups } from '../../src/conformance/requirements.ts'
import { usualBranches } from '../../src/protocol/branches.ts'
import { draftRevision } from '../../src/protocol/names.ts'
import { type TestTitle, withoutIds } from './test-titles.ts'

/** A row with the titles that carry its id. */
export type CoveredRequirement = Requirement & {
  /** For a rule behind a switch: what is so where the configuration says nothing. */
  unlessConfigured?: 'on' | 'off'
  tests: readonly Pick<TestTitle, 'file' | 'title'>[]
}

/** The rows of a group, each with its tests. */
export function covered({ requirements }: RequirementGroup, titles: readonly TestTitle[]): CoveredRequirement[] {
  return requirements.map((row) => ({
    ...row,
    ...(row.branch === undefined ? {} : ({ unlessConfigured: usualBranches[row.branch] ? 'on' : 'off' } as const)),
    tests: titles.filter(({ ids }) => ids.includes(row.id)).map(({ file, title }) => ({ file, title })),
  }))
}

/** What contradicts the table, one sentence each: an implemented row without a test, and an id of its families that is no row. */
export function contradictions(groups: readonly RequirementGroup[], titles: readonly TestTitle[]): string[] {
  const rows = groups.flatMap((group) => covered(group, titles))
  const known = new Set(rows.map(({ id }) => id))
  const families = new Set(rows.map(({ id }) => familyOf(id)))
  return [
    ...rows
      .filter(({ status, tests }) => status === 'implemented' && tests.length === 0)
      .map(({ id }) => `${id} is said to be implemented, and no test has [${id}] in its title`),
    ...titles.flatMap(({ file, title, ids }) =>
      ids
        .filter((id) => families.has(familyOf(id)) && !known.has(id))
        .map((id) => `${file}: "${title}" is about ${id}, which is no row of the table`),
    ),
  ]
}

function familyOf(id: string): string {
  return id.split('-', 1)[0] ?? ''
}

/** The whole table as JSON, ready to be printed. */
export function asJson(titles: readonly TestTitle[]): string {
  const rows = requirementGroups.flatMap((group) =>
    covered(group, titles).map((row) => ({ group: group.name, ...row })),
  )
  return `${JSON.stringify({ draft: draftRevision, requirements: rows }, null, 2)}\n`
}

/** The whole page docs/requirements.md. */
export function asMarkdown(titles: readonly TestTitle[]): string {
  const groups = requirementGroups.map((group) => ({ name: group.name, rows: covered(group, titles) }))
  const all = groups.flatMap(({ rows }) => rows)
  const count = (status: Requirement['status']) => all.filter((row) => row.status === status).length
  return `# Requirements

\`\`\`sh
npm run -s requirements -- --markdown > docs/requirements.md      # --json for programs
\`\`\`

Every rule of ${draftRevision}, of the branches beside it, and of the dialects around it: ${all.length} rows, of which ${count('implemented')} are
implemented, ${count('not implemented')} are not, and ${count('does not concern us')} do not concern this software. The table is in the code (\`src/conformance/\`), and a
test holds it against the titles of the tests: a row is implemented only if a test has its id in brackets, and no test is about a row that is not there.

A section without a name is one of the draft. The level is the word of the source; \`needed\` stands where the source has none and nothing works
without, \`dialect\` for what another revision or a deployed product does. A rule that is kept by refusing says so. What is not implemented says
what becomes of it: it is refused with an exact error, never sent, or without effect. A rule that stands in an editors’ branch alone is kept behind a
switch of that name where it changes what is done: \`idp.branches\` and \`resourceAs.branches\`, true or false.

${groups.map(({ name, rows }) => sectionOf(name, rows)).join('\n')}`
}

function sectionOf(name: string, rows: readonly CoveredRequirement[]): string {
  const lines = rows.map((row) => {
    const { id, roles, level, source, says } = row
    return `| ${[id, roles.join(', '), level, source, says, stateOf(row), testsOf(row)].map(cell).join(' | ')} |`
  })
  return `## ${name}

| id | role | level | source | the rule | state | tests |
| --- | --- | --- | --- | --- | --- | --- |
${lines.join('\n')}
`
}

function stateOf({ status, why, branch, unlessConfigured }: CoveredRequirement): string {
  const word = status === 'implemented' ? status : `**${status}**`
  const state = branch === undefined ? word : `${word}, \`${branch}\`: ${unlessConfigured} unless configured`
  return why === undefined ? state : `${state}${branch === undefined ? ':' : '.'} ${why}`
}

function testsOf({ tests }: CoveredRequirement): string {
  return tests
    .map(({ file, title }) => `[${file.slice('test/'.length, -'.test.ts'.length)}](../${file}): ${plain(title)}`)
    .join('<br>')
}

/** A title as text: nothing in it is markup. */
function plain(title: string): string {
  return withoutIds(title).replaceAll('<', '&lt;').replaceAll('*', '\\*').replaceAll('_', '\\_')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
