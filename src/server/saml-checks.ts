/** What the SAML issuers of a configuration must be to each other, to the clients and to the directory. */

import { type Finding, type Part, repeated, textsOf, unknownName } from './config-part.ts'
import { nearest } from './spelling.ts'

/** What is wrong although each value alone may be right. */
export function checkSaml(idp: Part): Finding[] {
  const issuers = idp.at('samlIssuers')
  return [
    ...repeated(
      issuers.items().map((one) => one.at('entityId')),
      'listed',
    ),
    ...issuers.items().flatMap((one) => checkIssuer(one, idp)),
    ...checkServiceProviders(idp.at('clients').items(), textsOf(issuers, 'entityId')),
  ]
}

function checkIssuer(issuer: Part, idp: Part): Finding[] {
  const { path, text } = issuer.at('users')
  return [
    ...(text === 'directory' && idp.at('users').items().length === 0
      ? [
          {
            path,
            message: 'needs a directory, and idp.users is empty',
            remedy: 'list people under idp.users, or write users: token',
          },
        ]
      : []),
    ...(issuer.at('nameIdIs').text === 'email' && issuer.at('subAttribute').exists
      ? [
          {
            path: issuer.at('nameIdIs').path,
            message: 'does not go with subAttribute',
            remedy: 'the person is found by one of the two: remove the other',
          },
        ]
      : []),
  ]
}

/** SAML-01: an entity id leads from an assertion to one client. */
function checkServiceProviders(clients: readonly Part[], issuers: readonly string[]): Finding[] {
  const seen = new Set<string>()
  return clients.flatMap((client) => {
    const { value, path } = client.at('samlAt')
    if (typeof value !== 'object' || value === null) return []
    return Object.keys(value).flatMap((issuer): Finding[] => {
      const entityId = client.at('samlAt').at(issuer).at('entityId')
      const key = JSON.stringify([issuer, entityId.text])
      const taken = entityId.text !== undefined && seen.has(key)
      seen.add(key)
      const meant = nearest(issuer, issuers)
      const remedy = meant === undefined ? 'add it under idp.samlIssuers' : `did you mean "${meant}"?`
      return [
        ...unknownName({ ...entityId, path: [...path, issuer], text: issuer }, issuers, 'SAML issuer', remedy).map(
          ({ found: _, ...finding }) => finding,
        ),
        ...(taken
          ? [
              {
                path: entityId.path,
                message: 'is another client too',
                remedy: 'each client has an entity id of its own',
              },
            ]
          : []),
      ]
    })
  })
}
