/** What a configuration says of tenants must fit together, and each mistake is told with its place. */

import { afterAll, beforeAll, expect, it } from 'vitest'
import { readConfig } from '../../src/server/config.ts'
import type { ConfigError } from '../../src/server/problems.ts'
import { changed, environment, example, exampleFolder, type Folder } from './example.ts'

let folder: Folder
beforeAll(async () => {
  folder = await exampleFolder()
})
afterAll(async () => await folder.remove())

const problemsOf = async (config: object) =>
  await readConfig(await folder.write(config), environment).then(
    () => [],
    (error: unknown) => (error as ConfigError).problems.map(({ path, message }) => `${path} ${message}`),
  )
const [trusted] = example.resourceAs.trustedIssuers
const [connection] = example.idp.connections
const [login] = example.idp.subjectIssuers
const trusting = (...entries: object[]) =>
  changed(
    'resourceAs.accounts',
    [],
    changed(
      'resourceAs.trustedIssuers',
      entries.map((one) => ({ ...trusted, ...one })),
    ),
  )
const signingIn = (tenant: unknown, connections: object[]) =>
  changed(
    'idp.connections',
    connections.map((one) => ({ ...connection, ...one })),
    changed('idp.subjectIssuers', [{ ...login, ...(tenant === undefined ? {} : { tenant }) }]),
  )

it.each([
  ['an issuer for two customers', trusting({ audTenant: 'a' }, { audTenant: 'b' }), []],
  [
    'an issuer twice for one',
    trusting({ audTenant: 'a' }, { audTenant: 'a' }),
    [/\[1\].issuer is trusted a second time/],
  ],
  [
    'tenants in one entry alone',
    trusting({ audTenant: 'a', tenants: ['t'] }, { audTenant: 'b' }),
    [/\[1\] names no tenant/],
  ],
  [
    'tenants in the other alone',
    trusting({ audTenant: 'a' }, { audTenant: 'b', tenants: ['t'] }),
    [/\[1\].tenants names tenants/],
  ],
  ['a customer in one entry alone', trusting({ audTenant: 'a' }, {}), [/\[1\] reaches no tenant/]],
  ['a scope that there is not', trusting({ scopes: ['chat.raed'] }), [/scopes\[0\] names no scope/]],
  [
    'a link without the tenant',
    changed('resourceAs.trustedIssuers', [{ ...trusted, tenants: ['t'] }]),
    [/links\[0\].tenant is missing/],
  ],
  ['people with tenants', signingIn('t', [{ tenant: 't' }]), []],
  ['people by a claim', signingIn({ claim: 'org' }, [{ tenant: 't' }, { tenant: 'u' }, { everyTenant: true }]), []],
  ['a connection for nobody', signingIn(undefined, [{ tenant: 't' }]), [/tenant is for nobody/]],
  ['a connection that does not say for whom', signingIn('t', [{}]), [/does not say whose people/]],
  [
    'a connection that says both',
    signingIn('t', [{ tenant: 't', everyTenant: true }]),
    [/everyTenant contradicts tenant/],
  ],
  ['a tenant that nobody has', signingIn('t', [{ tenant: 'u' }]), [/tenant names no tenant/]],
])('%s', async (_, config, expected) => {
  const problems = await problemsOf(config)
  expect(problems).toHaveLength(expected.length)
  for (const [at, pattern] of expected.entries()) expect(problems[at]).toMatch(pattern)
})
