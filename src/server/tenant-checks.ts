/** What a configuration says of tenants must fit together: who has them, whose they are, and that nobody reaches two by accident. */

import { type Finding, type Part, repeated, textsOf } from './config-part.ts'

/** Of a resource authorization server. */
export function checkTrustedTenants(server: Part): Finding[] {
  const trusted = server.at('trustedIssuers').items()
  const first = new Map<string | undefined, Part>()
  for (const entry of trusted) if (!first.has(entry.at('issuer').text)) first.set(entry.at('issuer').text, entry)
  /** The first entry of an issuer says whether it has tenants, and whether it speaks for tenants here; the others say the same. */
  const unlike = (entry: Part, key: string, without: string, within: string, remedy: string): Finding[] => {
    const here = entry.at(key)
    if (here.exists === first.get(entry.at('issuer').text)?.at(key).exists) return []
    return [{ path: here.exists ? here.path : entry.path, message: here.exists ? within : without, remedy }]
  }
  return [
    ...repeatedTogether(trusted, ['issuer', 'audTenant'], 'trusted'),
    ...trusted.flatMap((entry) => [
      ...unlike(
        entry,
        'tenants',
        'names no tenant of an issuer that has tenants by another entry',
        'names tenants of an issuer that has none by another entry',
        'list under tenants, at each of them, whose people come by it; or at none',
      ),
      ...unlike(
        entry,
        'audTenant',
        'reaches no tenant, and another entry of this issuer does',
        'reaches a tenant, and another entry of this issuer reaches none',
        'write at each of them the audTenant that it speaks for; or at none',
      ),
      ...repeated(entry.at('tenants').items(), 'connected'),
      ...(entry.at('tenants').exists && entry.at('subjectId').exists
        ? [
            {
              path: entry.at('subjectId').path,
              message: 'cannot tell the people of several tenants apart',
              remedy: 'leave it out for an issuer with tenants',
            },
          ]
        : []),
    ]),
    ...server
      .at('accounts')
      .items()
      .flatMap((account) => account.at('links').items())
      .flatMap((link) => checkLink(link, trusted)),
  ]
}

/** TEN-03: a link to somebody of an issuer with tenants says of which, and no other link does. */
function checkLink(link: Part, trusted: readonly Part[]): Finding[] {
  const entries = trusted.filter((one) => one.at('issuer').text === link.at('issuer').text)
  const tenants = entries.flatMap((one) => one.at('tenants').items())
  const { path, exists, text } = link.at('tenant')
  if (entries.length === 0 || (exists && tenants.some((one) => one.text === text))) return []
  if (exists) return [{ path, message: 'is no connected tenant of this issuer', found: JSON.stringify(text) }]
  if (tenants.length === 0) return []
  return [{ path, message: 'is missing: the issuer has tenants', remedy: 'write the tenant the person belongs to' }]
}

/** A finding for each entry that says the same at all of these keys as one before it. */
export function repeatedTogether(entries: readonly Part[], keys: readonly string[], what: string): Finding[] {
  const seen = new Set<string>()
  return entries.flatMap((entry) => {
    const [first = '', ...more] = keys
    const main = entry.at(first)
    if (main.text === undefined) return []
    const key = JSON.stringify([main.text, ...more.map((name) => entry.at(name).text ?? null)])
    const again = seen.has(key)
    seen.add(key)
    return again ? [{ path: main.path, message: `is ${what} a second time`, found: JSON.stringify(main.text) }] : []
  })
}

/** Of an identity provider: everybody has a tenant or nobody, and then each connection says whose people it is for. */
export function checkTenantsOfPeople(idp: Part): Finding[] {
  const issuers = idp.at('subjectIssuers').items()
  const users = idp.at('users').items()
  const connections = idp.at('connections').items()
  if (![...issuers, ...users].some((one) => one.at('tenant').exists))
    return connections
      .flatMap((connection) => [connection.at('tenant'), connection.at('everyTenant')])
      .filter(({ exists }) => exists)
      .map(({ path }) => ({
        path,
        message: 'is for nobody, because no person has a tenant',
        remedy: 'write tenant: at the entries of idp.subjectIssuers, or leave it out',
      }))
  const known = new Set(textsOf(idp.at('subjectIssuers'), 'tenant'))
  const byClaim = issuers.some((one) => one.at('tenant').at('claim').exists)
  const ofDirectory = issuers.some((one) => one.at('users').text === 'directory')
    ? textsOf(idp.at('users'), 'tenant')
    : []
  for (const tenant of ofDirectory) known.add(tenant)
  return [
    ...[...issuers.filter((one) => one.at('users').text === 'token'), ...users]
      .filter((one) => !one.at('tenant').exists)
      .map(({ path }) => ({ path, message: 'has no tenant, and other people have one', remedy: 'write tenant: NAME' })),
    ...idp
      .at('samlIssuers')
      .items()
      .filter((one) => one.at('users').text === 'token')
      .map(({ path }) => ({ path, message: 'brings people without a tenant', remedy: 'keep them under idp.users' })),
    ...connections.flatMap((connection): Finding[] => {
      const [tenant, everyTenant] = [connection.at('tenant'), connection.at('everyTenant')]
      if (tenant.exists === everyTenant.exists)
        return [
          {
            path: tenant.exists ? everyTenant.path : connection.path,
            message: tenant.exists ? 'contradicts tenant' : 'does not say whose people it is for',
            remedy: 'write tenant: NAME, or everyTenant: true',
          },
        ]
      if (tenant.text === undefined || byClaim || known.has(tenant.text)) return []
      const remedy = 'write it at an entry of idp.subjectIssuers'
      return [{ path: tenant.path, message: 'names no tenant', found: JSON.stringify(tenant.text), remedy }]
    }),
  ]
}

/** Whether a `sub` alone could mean two persons to whom a connection applies: it comes unseen from more than one source. */
export function subjectsCanCollide(connection: Part, idp: Part): boolean {
  const [tenant, everyTenant] = [connection.at('tenant').text, connection.at('everyTenant').exists]
  const sources = ['subjectIssuers', 'samlIssuers']
    .flatMap((list) => idp.at(list).items())
    .map((one) => ({ kind: one.at('users').text, tenant: one.at('tenant').text }))
    .filter((one) => tenant === undefined || one.tenant === undefined || one.tenant === tenant)
  const server = idp
    .at('resourceServers')
    .items()
    .find((one) => one.at('issuer').text === connection.at('audience').text)
  const directory = sources.filter(({ kind }) => kind === 'directory').slice(0, 1)
  const distinct = [...sources.filter(({ kind }) => kind === 'token'), ...directory]
  if (distinct.length < 2) return false
  // TEN-02: told the tenant too, the other side takes the same `sub` of two tenants for two persons.
  const apart = everyTenant && server?.at('namesTenant').value !== false
  const tenants = distinct.flatMap((one) => one.tenant ?? [])
  return !apart || new Set(tenants).size < distinct.length
}
