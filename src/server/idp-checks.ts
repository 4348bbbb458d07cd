/** What the parts of the identity provider's configuration must be to each other. */

import { sameResource } from '../protocol/resource.ts'
import { checkConnectionDetails, checkDetailTypes } from './authorization-details-checks.ts'
import { checkClients } from './client-checks.ts'
import { checkActors } from './config-actors.ts'
import { checkEncryption } from './config-encryption.ts'
import { hasDocument } from './config-metadata-documents.ts'
import { type Finding, type Part, repeated, textsOf, unknownName } from './config-part.ts'
import { checkIssuerForms, checkNaming } from './config-profiles.ts'
import { checkConnectionRefreshTokens } from './config-refresh-tokens.ts'
import { checkTransport } from './config-transport.ts'
import { checkWorkloads } from './config-workloads.ts'
import { checkIssuers } from './issuer-checks.ts'
import { protocolClaims } from './protocol-claims.ts'
import { checkSaml } from './saml-checks.ts'
import { nearest } from './spelling.ts'
import { checkConnectionSubjectId } from './subject-id-checks.ts'
import { checkTenantsOfPeople, subjectsCanCollide } from './tenant-checks.ts'

/** What is wrong with `idp` although each of its values alone may be right. */
export function checkIdp(idp: Part): Finding[] {
  const servers = idp.at('resourceServers').items()
  const connections = idp.at('connections').items()
  const issuer = idp.at('issuer')
  return [
    ...repeated(
      idp
        .at('users')
        .items()
        .map((user) => user.at('sub')),
      'listed',
    ),
    ...checkTransport(idp),
    ...checkSubjectIssuers(idp),
    ...checkActors(idp),
    ...checkWorkloads(idp),
    ...checkSaml(idp),
    ...checkIssuerForms(idp.at('resourceServers'), 'idpResourceServer'),
    ...checkClients(idp.at('clients'), issuer),
    ...checkEncryption(idp, servers),
    ...idp
      .at('clients')
      .items()
      .flatMap((client) => checkIdsElsewhere(client, textsOf(idp.at('subjectIssuers'), 'issuer'))),
    ...servers
      .filter((server) => server.at('issuer').text === issuer.text && issuer.exists)
      .map((server) => ({
        path: server.at('issuer').path,
        message: 'is the identity provider itself',
        remedy: 'a resource authorization server has an issuer of its own',
      })),
    ...repeated(
      servers.flatMap((server) => [server.at('issuer'), ...server.at('aliases').items()]),
      'the name of a resource server',
    ),
    ...repeated(
      servers.flatMap((server) => server.at('resources').items()),
      'governed',
    ),
    ...servers.flatMap(checkDetailTypes),
    ...connections.flatMap((connection) => checkConnection(connection, idp)),
    ...repeatedConnections(connections),
    ...checkTenantsOfPeople(idp),
  ]
}

function checkSubjectIssuers(idp: Part): Finding[] {
  const issuers = idp.at('subjectIssuers')
  if (issuers.items().length === 0 && idp.at('samlIssuers').items().length === 0)
    return [
      {
        path: issuers.path,
        message: 'must not be empty',
        remedy: 'name the issuer where people sign in, here or in samlIssuers',
      },
    ]
  return [
    ...checkIssuerForms(issuers, 'subjectIssuer'),
    ...checkNaming(issuers),
    ...checkIssuers(issuers, idp.at('issuer'), {
      listed: 'listed',
      self: 'is the identity provider itself',
      remedy: 'it issues no ID Tokens here; name the issuer where people sign in',
    }),
    ...(idp.at('users').items().length > 0 ? [] : issuers.items())
      .filter((issuer) => issuer.at('users').text === 'directory')
      .map((issuer) => ({
        path: issuer.at('users').path,
        message: 'needs a directory, and idp.users is empty',
        remedy: 'list people under idp.users, or write users: token',
      })),
  ]
}

function checkIdsElsewhere(client: Part, issuers: readonly string[]): Finding[] {
  const ids = client.at('clientIdAt')
  if (typeof ids.value !== 'object' || ids.value === null) return []
  return Object.keys(ids.value)
    .filter((issuer) => !issuers.includes(issuer))
    .map((issuer) => ({
      path: [...ids.path, issuer],
      message: 'names no subject issuer',
      remedy: suggestion(issuer, issuers) ?? 'add it under idp.subjectIssuers',
    }))
}

function checkConnection(connection: Part, idp: Part): Finding[] {
  const servers = idp.at('resourceServers')
  const audience = connection.at('audience')
  const server = servers.items().find((one) => one.at('issuer').text === audience.text)
  const governed =
    server
      ?.at('resources')
      .items()
      .flatMap((one) => one.text ?? []) ?? []
  const alias = servers.items().find((one) =>
    one
      .at('aliases')
      .items()
      .some(({ text }) => text === audience.text),
  )
  const clients = textsOf(idp.at('clients'), 'id')
  return [
    ...unknownName(
      connection.at('client'),
      clients,
      'client',
      suggestion(connection.at('client').text, clients) ?? 'add it under idp.clients',
    ),
    // MAP-01: without a document, a client may have another id over there, and then another application has this one.
    ...(connection.at('clientId').exists || hasDocument(idp.at('clients'), connection.at('client').text)
      ? []
      : [
          {
            path: connection.at('clientId').path,
            message: 'is missing',
            remedy: 'write the id that the client has there',
          },
        ]),
    ...(alias?.at('issuer').text !== undefined && server === undefined
      ? [{ path: audience.path, message: 'is an alias', remedy: `write the issuer: ${alias.at('issuer').text}` }]
      : unknownName(
          audience,
          textsOf(servers, 'issuer'),
          'resource server',
          suggestion(audience.text, textsOf(servers, 'issuer')) ?? 'add it under idp.resourceServers',
        )),
    ...(server === undefined ? [] : connection.at('resources').items())
      .filter(({ text }) => text !== undefined && !governed.some((one) => sameResource(one, text)))
      .map(({ path, text }) => ({
        path,
        message: 'is not a resource of this audience',
        found: JSON.stringify(text),
        remedy: `add it under resources of ${audience.text} in idp.resourceServers`,
      })),
    ...checkConnectionDetails(connection, server),
    ...checkPeople(connection, idp),
    ...checkSubject(connection, idp),
    ...checkConnectionRefreshTokens(connection, idp),
    ...checkConnectionSubjectId(connection, server, idp, subjectsCanCollide(connection, idp)),
    ...connection
      .at('claims')
      .items()
      .filter(({ text }) => text !== undefined && protocolClaims.includes(text))
      .map(({ path, text }) => ({
        path,
        message: 'has a meaning of its own in an ID-JAG',
        found: JSON.stringify(text),
        remedy: 'only claims about the person can be passed on, such as email or name',
      })),
  ]
}

function checkPeople(connection: Part, idp: Part): Finding[] {
  const scopes = connection.at('scopes').items()
  const details = connection.at('authorizationDetails').items()
  const named = [connection, ...scopes, ...details.map((one) => one.at('who'))].flatMap((part) =>
    part.at('users').items(),
  )
  const none = ['everyone', 'users', 'groups', 'workloads'].every((key) => !connection.at(key).exists)
  return [
    ...(none
      ? [{ path: connection.path, message: 'is for nobody', remedy: 'write everyone: true, or list users: or groups:' }]
      : []),
    ...(connection.at('everyTenant').exists || subjectsCanCollide(connection, idp)
      ? named.map(({ path }) => ({
          path,
          message: 'could mean a person of either subject issuer',
          remedy: 'with several issuers, name people by groups: or keep them under idp.users with users: directory',
        }))
      : []),
  ]
}

function checkSubject(connection: Part, idp: Part): Finding[] {
  const subject = connection.at('subject')
  const byClaim = subject.at('claim').exists
  const path = subject.exists ? subject.path : connection.path
  return [
    ...(!byClaim && subjectsCanCollide(connection, idp)
      ? [
          {
            path,
            message: 'could give two persons one subject, because several issuers bring their own people',
            remedy: 'write subject: { claim: NAME } with a claim that is unique among all of them, or users: directory',
          },
        ]
      : []),
    ...(subject.text === 'pairwise' && !idp.at('pairwiseSecret').exists
      ? [
          {
            path: subject.path,
            message: 'needs idp.pairwiseSecret',
            remedy: 'add pairwiseSecret: { env: NAME } to idp',
          },
        ]
      : []),
  ]
}

function repeatedConnections(connections: readonly Part[]): Finding[] {
  const seen = new Set<string>()
  return connections.flatMap((connection) => {
    const client = connection.at('client').text
    const audience = connection.at('audience').text
    if (client === undefined || audience === undefined) return []
    const key = JSON.stringify([client, audience, connection.at('tenant').value])
    if (seen.has(key))
      return [
        { path: connection.path, message: `connects ${client} to ${audience} a second time`, remedy: 'join the two' },
      ]
    seen.add(key)
    return []
  })
}

function suggestion(text: string | undefined, known: readonly string[]): string | undefined {
  const meant = text === undefined ? undefined : nearest(text, known)
  return meant === undefined ? undefined : `did you mean "${meant}"?`
}
