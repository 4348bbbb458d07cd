/** What the parts of the resource authorization server's configuration must be to each other. */

import { comparableResource, sameResource } from '../protocol/resource.ts'
import { checkResourceAsDetails } from './authorization-details-checks.ts'
import { checkClients } from './client-checks.ts'
import { checkEncryption } from './config-encryption.ts'
import { checkMetadataDocuments } from './config-metadata-documents.ts'
import { type Finding, type Part, repeated, textsOf, unknownName } from './config-part.ts'
import { checkIssuerForms } from './config-profiles.ts'
import { checkTransport } from './config-transport.ts'
import { checkTrustedWorkloads } from './config-workloads.ts'
import { checkInteractive } from './interactive-checks.ts'
import { checkIssuers } from './issuer-checks.ts'
import { checkSamlNames } from './subject-id-checks.ts'
import { checkTrustedTenants, repeatedTogether } from './tenant-checks.ts'

/** What is wrong with `resourceAs` although each of its values alone may be right. */
export function checkResourceAs(server: Part): Finding[] {
  const trusted = server.at('trustedIssuers')
  const accounts = server.at('accounts').items()
  const clients = textsOf(server.at('clients'), 'id')
  return [
    ...repeated(
      server
        .at('resources')
        .items()
        .map((one) => one.at('resource')),
      'listed',
      comparableResource,
    ),
    ...checkClients(server.at('clients'), server.at('issuer')),
    ...checkClients(server.at('protectedResources')),
    ...checkResourceAsDetails(server),
    ...checkTransport(server),
    ...checkMetadataDocuments(server),
    ...checkEncryption(server, [server]),
    ...checkReach(server.at('metadataDocuments'), server.at('resources').items()),
    ...checkInteractive(server),
    ...checkReach(server.at('interactive').at('registration'), server.at('resources').items()),
    ...server
      .at('clients')
      .items()
      .flatMap((client) => checkReach(client, server.at('resources').items())),
    ...server
      .at('protectedResources')
      .items()
      .flatMap((one) => checkGoverned(one, server.at('resources').items())),
    // ID-JAG §9.3: a server must not take what it could have issued itself.
    ...checkIssuers(trusted, server.at('issuer'), {
      self: 'is this server itself',
      remedy: 'trust the identity provider of another company, with its own issuer',
    }),
    ...checkIssuerForms(trusted, 'trustedIssuer'),
    ...checkTrustedTenants(server),
    ...checkTrustedWorkloads(server),
    ...trusted.items().flatMap((one) => checkReach(one, server.at('resources').items())),
    ...trusted.items().flatMap((one) =>
      one
        .at('clients')
        .items()
        .flatMap((client) => unknownName(client, clients, 'client', 'add it under resourceAs.clients')),
    ),
    ...repeated(
      accounts.map((account) => account.at('id')),
      'listed',
    ),
    ...repeatedTogether(accounts, ['email', 'audTenant'], 'the address of an account'),
    ...checkSamlNames(server),
    ...checkLinks(
      accounts,
      [trusted, server.at('interactive').at('signIn')].flatMap((list) => textsOf(list, 'issuer')),
    ),
  ]
}

/** A client's scopes and resources are among those the server has: a typing error would silently grant nothing. */
function checkReach(client: Part, resources: readonly Part[]): Finding[] {
  const scopes = resources.flatMap((one) =>
    one
      .at('scopes')
      .items()
      .flatMap(({ text }) => text ?? []),
  )
  return [
    ...client
      .at('scopes')
      .items()
      .flatMap((scope) => unknownName(scope, scopes, 'scope of a resource', 'add it under resourceAs.resources')),
    ...checkGoverned(client, resources),
  ]
}

function checkGoverned(caller: Part, resources: readonly Part[]): Finding[] {
  const governed = resources.flatMap((one) => one.at('resource').text ?? [])
  return caller
    .at('resources')
    .items()
    .filter(({ text }) => text !== undefined && !governed.some((one) => sameResource(one, text)))
    .map(({ path, text }) => ({
      path,
      message: 'names no resource of this server',
      found: JSON.stringify(text),
      remedy: 'add it under resourceAs.resources',
    }))
}

function checkLinks(accounts: readonly Part[], issuers: readonly string[]): Finding[] {
  const seen = new Set<string>()
  return accounts
    .flatMap((account) =>
      account
        .at('links')
        .items()
        .map((link) => ({ link, audTenant: account.at('audTenant') })),
    )
    .flatMap(({ link, audTenant }) => {
      const issuer = link.at('issuer')
      const key = JSON.stringify([issuer.value, link.at('tenant').value, link.at('sub').value, audTenant.value])
      const again = seen.has(key) && issuer.exists
      seen.add(key)
      return [
        ...unknownName(issuer, issuers, 'trusted issuer', 'add it under resourceAs.trustedIssuers'),
        ...(again
          ? [{ path: link.path, message: 'links a person who is linked already', remedy: 'one person has one account' }]
          : []),
      ]
    })
}
