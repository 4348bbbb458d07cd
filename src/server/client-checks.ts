/** What the parts of a client's entry must be to each other, at either authorization server. */

import { checkDocumentClient } from './config-metadata-documents.ts'
import { type Finding, type Part, repeated } from './config-part.ts'

/** The checks of every client in a list. With `issuer`, that of the server, a client may have a metadata document. */
export function checkClients(list: Part, issuer?: Part): Finding[] {
  const clients = list.items()
  return [
    ...repeated(
      clients.map((client) => client.at('id')),
      'listed',
    ),
    ...clients.flatMap((client) => [
      ...(issuer === undefined ? [] : checkDocumentClient(client, issuer)),
      ...checkCredentials(client),
    ]),
  ]
}

function checkCredentials(client: Part): Finding[] {
  const methods = client
    .at('authMethods')
    .items()
    .map(({ text }) => text)
  const bySecret = methods.some((method) => method === 'client_secret_basic' || method === 'client_secret_post')
  const byKey = methods.includes('private_key_jwt')
  const needs = (needed: boolean, key: string, remedy: string): Finding[] =>
    needed && !client.at(key).exists
      ? [{ path: client.at(key).path, message: 'is missing for the methods of this client', remedy }]
      : []
  const idle = (needed: boolean, key: string, remedy: string): Finding[] =>
    !needed && methods.length > 0 && client.at(key).exists
      ? [{ path: client.at(key).path, message: 'is of no use to the methods of this client', remedy }]
      : []
  return [
    ...needs(bySecret, 'secret', 'add secret: { env: NAME }'),
    ...needs(byKey, 'jwks', 'add jwks: { file: PATH } with its public keys'),
    ...idle(bySecret, 'secret', 'remove it, or add client_secret_basic to authMethods'),
    ...idle(
      byKey || client.at('actor').text === 'own-assertion',
      'jwks',
      'remove it, or add private_key_jwt to authMethods',
    ),
  ]
}
