/** What authorization details must be to the rest of a configuration: known types, governed locations, values that fit their rules. */

import { sameResource } from '../protocol/resource.ts'
import { type Finding, type Part, repeated, textsOf, unknownName } from './config-part.ts'

/** Of each resource server of the identity provider, and of every connection to it. */
export function checkConnectionDetails(connection: Part, server: Part | undefined): Finding[] {
  if (server === undefined) return []
  const governed = server
    .at('resources')
    .items()
    .flatMap(({ text }) => text ?? [])
  const remedy = `add it under authorizationDetailsTypes of ${server.at('issuer').text} in idp.resourceServers`
  return checkGiven(connection, server.at('authorizationDetailsTypes'), { governed, remedy })
}

/** Types that stand twice. */
export function checkDetailTypes(server: Part): Finding[] {
  const types = server.at('authorizationDetailsTypes').items()
  return repeated(
    types.map((one) => one.at('type')),
    'listed',
  )
}

/** Of the resource authorization server: its resources and clients. */
export function checkResourceAsDetails(server: Part): Finding[] {
  const types = server.at('authorizationDetailsTypes')
  const resources = server.at('resources').items()
  const governed = resources.flatMap((one) => one.at('resource').text ?? [])
  const remedy = 'add it under resourceAs.authorizationDetailsTypes'
  const names = resources.flatMap((one) => one.at('authorizationDetailsTypes').items())
  return [
    ...checkDetailTypes(server),
    ...names.flatMap((name) => unknownName(name, textsOf(types, 'type'), 'type of authorization details', remedy)),
    ...types
      .items()
      .map((one) => one.at('type'))
      .filter(({ text }) => text !== undefined && !names.some((name) => name.text === text))
      .map(({ path, text }) => ({
        path,
        message: 'means something at no resource',
        found: JSON.stringify(text),
        remedy: 'add it under authorizationDetailsTypes of a resource in resourceAs.resources',
      })),
    ...server
      .at('clients')
      .items()
      .flatMap((client) => checkGiven(client, types, { governed, remedy })),
  ]
}

function checkGiven(
  holder: Part,
  types: Part,
  { governed, remedy }: { governed: readonly string[]; remedy: string },
): Finding[] {
  return holder
    .at('authorizationDetails')
    .items()
    .flatMap((given) => {
      const type = types.items().find((one) => one.at('type').text === given.at('type').text)
      return [
        ...unknownName(given.at('type'), textsOf(types, 'type'), 'type of authorization details', remedy),
        ...given
          .at('locations')
          .items()
          .filter(({ text }) => text !== undefined && !governed.some((one) => sameResource(one, text)))
          .map(({ path, text }) => ({ path, message: 'is no resource of this server', found: JSON.stringify(text) })),
        ...(type === undefined ? [] : misfits(given, type.at('narrow'))),
      ]
    })
}

/** A value that its rule cannot compare would silently grant nothing. */
function misfits(given: Part, rules: Part): Finding[] {
  return Object.keys(Object(rules.value)).flatMap((member) => {
    const rule = rules.at(member).text
    const { path, value, exists } = given.at(member)
    if (!exists) return []
    if (rule === 'subset' && !Array.isArray(value))
      return [{ path, message: 'must be a list, because its rule is subset' }]
    if (rule === 'max' && typeof value !== 'number')
      return [{ path, message: 'must be a number, because its rule is max' }]
    return []
  })
}
