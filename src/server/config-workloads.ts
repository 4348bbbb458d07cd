/** The part of the configuration about workloads as subjects: which client is one, and whose ID-JAGs of them are taken (FL-WL-01…03). */

import * as z from 'zod'
import type { Finding, Part } from './config-part.ts'
import { textsOf, unknownName } from './config-part.ts'
import { foreignName } from './config-values.ts'
import { mapping } from './schema-problems.ts'

/** What kind of workload it is, such as `workload` or `ai_agent`. `user` is the kind that people are. */
export const workloadProfile = foreignName.refine((kind) => kind !== 'user', 'must not be user, which people are')

/** What a client of the identity provider has that is a workload itself. Absent: its own assertion is no subject token. */
export const workloadOfClient = {
  workload: mapping({ name: foreignName, profile: workloadProfile.optional() }).optional(),
}

/** What a trusted issuer has. Absent: its ID-JAGs are of people. */
export const workloadsOfIssuer = { workloads: z.enum(['refuse', 'accept', 'bound']).optional() }

const branchName = 'workload-agent-principal'

/** What the entries about workloads must be to each other at an identity provider. */
export function checkWorkloads(idp: Part): Finding[] {
  const clients = idp.at('clients').items()
  const own = clients.map((client) => client.at('workload'))
  const listed = idp
    .at('workloadIssuers')
    .items()
    .flatMap((issuer) => issuer.at('workloads').items())
  const connections = idp.at('connections').items()
  const people = textsOf(idp.at('users'), 'sub')
  return [
    ...needBranch(idp, 'idp', [...own, ...connections.map((one) => one.at('workloads'))]),
    ...clients
      .filter((client) => client.at('workload').exists && !hasKeys(client))
      .map((client) => ({
        path: client.at('workload').path,
        message: 'needs keys of the client',
        remedy: 'add jwks: { file: PATH } with its public keys',
      })),
    ...(isOn(idp) ? [...own, ...listed] : [])
      .map((one) => one.at('name'))
      .filter(({ text }) => text !== undefined && people.includes(text))
      .map(({ path }) => ({
        path,
        message: 'is the sub of a user',
        remedy: 'give the workload a name that no person has',
      })),
    ...connections.flatMap((connection) => checkConnection(connection, clients, listed)),
  ]
}

/** The same at a resource authorization server. */
export function checkTrustedWorkloads(server: Part): Finding[] {
  const asked = server
    .at('trustedIssuers')
    .items()
    .map((one) => one.at('workloads'))
  return needBranch(
    server,
    'resourceAs',
    asked.filter(({ value }) => value !== 'refuse'),
  )
}

function checkConnection(connection: Part, clients: readonly Part[], listed: readonly Part[]): Finding[] {
  const client = connection.at('client').text
  const names = [
    ...listed.filter((one) => one.at('client').text === client),
    ...clients.filter((one) => one.at('id').text === client).map((one) => one.at('workload')),
  ].flatMap((one) => one.at('name').text ?? [])
  const scopes = connection.at('scopes').items()
  const details = connection.at('authorizationDetails').items()
  const named = [connection, ...scopes, ...details.map((one) => one.at('who'))].flatMap((part) =>
    part.at('workloads').items(),
  )
  const workloads = connection.at('workloads')
  const demanded = ['acr', 'maxAge'].some((key) => connection.at('signIn').at(key).exists)
  return [
    ...named.flatMap((one) =>
      unknownName(
        one,
        names,
        'workload of this client',
        'add it under workloads of an issuer in idp.workloadIssuers, or as workload: of the client',
      ),
    ),
    ...(workloads.exists && connection.at('tenant').exists
      ? [
          {
            path: workloads.path,
            message: 'is of no use with a tenant, because workloads have none',
            remedy: 'give them a connection without tenant',
          },
        ]
      : []),
    ...(workloads.exists && demanded
      ? [
          {
            path: workloads.path,
            message: 'is of no use with signIn, because workloads sign in nowhere',
            remedy: 'demand the sign-in of single scopes, or leave the workloads out',
          },
        ]
      : []),
  ]
}

function hasKeys(client: Part): boolean {
  return client.at('jwks').exists || client.at('metadataDocument').value === true
}

function isOn(role: Part): boolean {
  return role.at('branches').at(branchName).value === true
}

/** Workloads that are configured and switched off would be none, unseen. */
function needBranch(role: Part, place: string, parts: readonly Part[]): Finding[] {
  if (isOn(role)) return []
  return parts
    .filter(({ exists }) => exists)
    .map(({ path }) => ({
      path,
      message: `needs the branch ${branchName}`,
      remedy: `add branches: { ${branchName}: true } to ${place}`,
    }))
}
