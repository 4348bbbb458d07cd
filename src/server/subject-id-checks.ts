/** What the SAML names of a configuration must be to the rest of it. */

import { nameIdFormat, samlNameMembers } from '../protocol/subject-identifier.ts'
import { type Finding, type Part, unknownName } from './config-part.ts'

/** What is wrong with `subjectId` of a connection. `collide`: a `sub` alone could mean two persons. */
export function checkConnectionSubjectId(
  connection: Part,
  server: Part | undefined,
  idp: Part,
  collide: boolean,
): Finding[] {
  const subjectId = connection.at('subjectId')
  if (!subjectId.exists) return []
  const nameId = subjectId.at('nameId')
  const byClaim = nameId.at('claim').exists
  const stable = idp.at('branches').at('saml-nameid-stability').value !== false
  return [
    // FL-NID-01: the name is the one for this service provider, so it must be known which that is.
    ...(stable && server !== undefined && !server.at('samlEntityId').exists
      ? [
          {
            path: subjectId.path,
            message: 'needs the entity id that the audience has in SAML',
            remedy: `add samlEntityId to ${connection.at('audience').text} in idp.resourceServers`,
          },
        ]
      : []),
    ...(nameId.exists && !byClaim && collide
      ? [
          {
            path: nameId.path,
            message: 'could give two persons one name, because several issuers bring their own people',
            remedy: 'write nameId: { claim: NAME } with a claim that is unique among all of them, or users: directory',
          },
        ]
      : []),
    ...(nameId.text === 'pairwise' && !idp.at('pairwiseSecret').exists
      ? [
          {
            path: nameId.path,
            message: 'needs idp.pairwiseSecret',
            remedy: 'add pairwiseSecret: { env: NAME } to idp',
          },
        ]
      : []),
    ...(subjectId.at('nameIdFormat').text === nameIdFormat.emailAddress && nameId.exists && !byClaim
      ? [
          {
            path: nameId.path,
            message: 'is no e-mail address, as nameIdFormat says',
            remedy: 'write nameId: { claim: email }, or another claim that holds one',
          },
        ]
      : []),
  ]
}

/** What is wrong with SAML names at a resource authorization server. */
export function checkSamlNames(server: Part): Finding[] {
  const trusted = server.at('trustedIssuers').items()
  const names = server
    .at('accounts')
    .items()
    .flatMap((account) =>
      account
        .at('samlNames')
        .items()
        .map((name) => ({ name, audTenant: account.at('audTenant').text })),
    )
    .map((one) => ({ ...one, entry: entryOf(one, trusted) }))
  return [
    ...trusted.flatMap((one) => checkKey(one.at('subjectId'))),
    ...names.flatMap(({ name, entry }) => checkName(name, entry, trusted)),
    ...repeatedNames(names),
  ]
}

function checkKey(subjectId: Part): Finding[] {
  const key = subjectId.at('key')
  const alone = subjectId.at('nameIdAlone').value === true
  if (!key.exists) return []
  if (alone) return [{ path: key.path, message: 'says nothing beside nameIdAlone', remedy: 'leave one of the two out' }]
  // SAML-08
  if (textsIn(key).includes('samlIssuer')) return []
  return [
    {
      path: key.path,
      message: 'would find people by their bare name',
      remedy: 'add samlIssuer to it, or write nameIdAlone: true instead of a key',
    },
  ]
}

/** The name that one account has, and the entry of the issuer that may give it: the one for both tenants, or for none. */
interface NameOfAccount {
  name: Part
  audTenant: string | undefined
  entry: Part | undefined
}

function entryOf({ name, audTenant }: Omit<NameOfAccount, 'entry'>, trusted: readonly Part[]): Part | undefined {
  const issuer = name.at('issuer').text
  const tenant = name.at('tenant').text
  return trusted.find((one) => {
    const tenants = one.at('tenants')
    const connected = tenant === undefined ? !tenants.exists : textsIn(tenants).includes(tenant)
    return (
      issuer !== undefined && one.at('issuer').text === issuer && connected && one.at('audTenant').text === audTenant
    )
  })
}

/** A name that no token can lead to is a typing error. */
function checkName(name: Part, entry: Part | undefined, trusted: readonly Part[]): Finding[] {
  const issuer = name.at('issuer')
  const issuers = trusted.flatMap((one) => one.at('issuer').text ?? [])
  if (issuer.text === undefined || !issuers.includes(issuer.text))
    return unknownName(issuer, issuers, 'trusted issuer', 'add it under resourceAs.trustedIssuers')
  if (entry === undefined)
    return [
      {
        path: name.path,
        message: 'is of tenants that its issuer is not connected for',
        remedy: 'write tenant here and audTenant at the account as the entry in resourceAs.trustedIssuers has them',
      },
    ]
  const subjectId = entry.at('subjectId')
  if (!subjectId.exists)
    return [
      {
        path: issuer.path,
        message: 'has no subjectId, so nobody is found by a SAML name of it',
        remedy: 'add subjectId: { samlIssuers: [ENTITY ID] } to this issuer in resourceAs.trustedIssuers',
      },
    ]
  return unknownName(
    name.at('samlIssuer'),
    textsIn(subjectId.at('samlIssuers')),
    'SAML issuer of this trusted issuer',
    'add it to samlIssuers of the issuer',
  )
}

function repeatedNames(names: readonly NameOfAccount[]): Finding[] {
  const seen = new Set<string>()
  return names.flatMap(({ name, audTenant, entry }) => {
    const members = ['issuer', 'tenant', ...comparedBy(entry?.at('subjectId'))]
    const text = JSON.stringify([audTenant, ...members.map((one) => name.at(one).value)])
    const again = seen.has(text)
    seen.add(text)
    return again
      ? [{ path: name.path, message: 'names a person who is named already', remedy: 'one person has one account' }]
      : []
  })
}

function comparedBy(subjectId: Part | undefined): readonly string[] {
  if (subjectId?.at('nameIdAlone').value === true) return ['nameId']
  const key = subjectId === undefined ? [] : textsIn(subjectId.at('key'))
  return key.length === 0 ? samlNameMembers : ['nameId', ...key]
}

function textsIn(list: Part): string[] {
  return list.items().flatMap(({ text }) => text ?? [])
}
