/** What docs/tenants.md shows is a configuration that can be used, and its keys are those of the program. */

import { readFileSync } from 'node:fs'
import { expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../src/server/config.ts'
import { environment, example, exampleFolder } from '../server/example.ts'

const page = readFileSync(new URL('../../docs/tenants.md', import.meta.url), 'utf8')

it('shows entries of a configuration that can be used as they are', async () => {
  const [vendor, company] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = '']) => parse(text))
  const folder = await exampleFolder()
  onTestFinished(() => folder.remove())
  const [client] = example.idp.clients
  const { accounts: _, ...server } = example.resourceAs
  const file = await folder.write({
    idp: { ...example.idp, clients: [{ ...client, clientIdAt: {} }], ...company.idp },
    resourceAs: { ...server, ...vendor.resourceAs },
  })
  const read = await readConfig(file, environment)
  expect(read.resourceAs?.trustedIssuers.map(({ audTenant }) => audTenant)).toEqual(['acme', 'beta'])
  expect(read.idp?.connections).toMatchObject([{ tenant: 't-42', audTenant: 'beta', clientId: 'assistant-at-beta' }])
})
