/** What docs/metrics.md shows is true: its command answers, its configuration is accepted, and it names every metric there is and no other. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, it, onTestFinished } from 'vitest'
import { main } from '../../src/cli/commands.ts'
import { reasons } from '../../src/protocol/reasons.ts'
import { readConfig } from '../../src/server/config.ts'
import { startServers } from '../../src/server/server.ts'
import { readExposition } from '../fixture/exposition.ts'

const root = new URL('../..', import.meta.url).pathname
const page = readFileSync(join(root, 'docs/metrics.md'), 'utf8')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const yamlOf = (text: string) => /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? ''
const rows = (heading: string) =>
  (page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| ---'))
    .slice(1)
    .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
const table = rows('What there is').map(([, name = '', type = '', labels = '']) => ({
  name: name.replaceAll('`', ''),
  type,
  labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label),
}))

/** What only the first of several processes counts. */
const ofSeveral = ['xaa_workers', 'xaa_worker_deaths_total']

it('opens with a command that works, and its table is what is there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'xaa-metrics-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const io = { out: () => {}, err: () => {}, env: {} }
  for (const name of ['idp', 'as']) await main(['keys', 'make', join(folder, `keys/${name}.json`)], io)
  const file = join(folder, 'xaa.yaml')
  writeFileSync(file, `${yamlOf(readme)}\n${yamlOf(page)}`)
  const anyPort = { XAA_IDP_LISTEN: '127.0.0.1:0', XAA_RAS_LISTEN: '127.0.0.1:0', XAA_METRICS_LISTEN: '127.0.0.1:0' }
  const env = {
    ...anyPort,
    XAA_STORE: 'memory',
    ASSISTANT_SECRET: 'a-secret-of-at-least-32-characters-1',
    ACME_ASSISTANT_SECRET: 'a-secret-of-at-least-32-characters-2',
  }
  const { metrics: usual } = await readConfig(file, { ...env, XAA_METRICS_LISTEN: undefined })
  const servers = await startServers(await readConfig(file, env), { stdout: new PassThrough().resume(), log: () => {} })
  onTestFinished(() => servers.close())

  const [, shown = '', pattern = ''] = /```sh\ncurl -s (\S+) \| grep (\S+)\n```/.exec(page) ?? []
  expect(usual?.listen).toEqual({ host: new URL(shown).hostname, port: Number(new URL(shown).port) })
  const text = await (await fetch(`${servers.metrics}${new URL(shown).pathname}`)).text()
  expect(text.split('\n').filter((line) => new RegExp(pattern).test(line))).toEqual(['xaa_ready 1'])

  const families = readExposition(text)
  const there = [...families].filter(([name]) => name.startsWith('xaa_'))
  expect(
    table
      .map(({ name }) => name)
      .filter((name) => !ofSeveral.includes(name))
      .sort(),
  ).toEqual(there.map(([name]) => name).sort())
  for (const { name, type, labels } of table.filter((row) => !ofSeveral.includes(row.name))) {
    const { type: real, samples = [] } = families.get(name) ?? {}
    expect([name, type]).toEqual([name, real])
    for (const sample of samples)
      expect(
        Object.keys(sample.labels)
          .filter((label) => label !== 'le')
          .sort(),
      ).toEqual([...labels].sort())
  }
})

it('asks only for metrics, labels and reasons that exist', () => {
  const queries = rows('What to ask').map(([, , query = '']) => query)
  expect(queries.length).toBeGreaterThan(8)
  for (const query of queries) {
    for (const [name] of query.matchAll(/xaa_\w+/g)) {
      const family = table.find((one) => one.name === name.replace(/_(bucket|count|sum)$/, '') || one.name === name)
      expect([name, family?.name]).not.toContain(undefined)
    }
    for (const [, words = ''] of query.matchAll(/reason=~"([^"]+)"/g))
      for (const word of words.split('\\|')) expect(reasons).toContain(word)
  }
})
