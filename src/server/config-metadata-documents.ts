/** The parts of the configuration about clients that identify themselves by a metadata document: their ids, and what unlisted ones get. */

import * as z from 'zod'
import { isMetadataDocumentId } from '../protocol/client-metadata.ts'
import type { Finding, Part } from './config-part.ts'
import { isLoopbackUrl, judgeId, resource, scope } from './config-values.ts'
import { judged, mapping } from './schema-problems.ts'

/** The id of a client: one of ours, or the address of its metadata document. */
export const clientId = judged((text) => {
  if (isPlain(text)) return judgeId(text)
  if (isMetadataDocumentId(text, { allowLoopback: true })) return undefined
  return {
    message: 'must be the address of a client metadata document',
    remedy: 'https with a path, written as URL libraries write it, without user, query, fragment and dot segments',
  }
})

/** True for an id that is not even meant as an address. */
function isPlain(text: string): boolean {
  return !text.includes('://')
}

/** A host as it stands in an address: with its port, unless that is the usual one. */
const host = judged((text) =>
  URL.canParse(`https://${text}/`) && new URL(`https://${text}/`).host === text
    ? undefined
    : { message: 'must be a host in lower case, such as app.example or app.example:8443' },
)

/** Marks a client whose document says how it authenticates: https://app.example/client.json. */
export const metadataDocument = z.literal(true).optional()

/** What any client with a document may be given, also one that is listed nowhere. Without `hosts`, its document may be anywhere. */
export const metadataDocuments = mapping({
  scopes: z.array(scope).min(1),
  resources: z.array(resource).min(1),
  hosts: z.array(host).min(1).optional(),
  idJag: z.boolean().default(false),
}).optional()

/** What is wrong with the entry of a client, at the server with this issuer, as one with a document or without. */
export function checkDocumentClient(client: Part, issuer: Part): Finding[] {
  const id = client.at('id')
  const isAddress = (allowLoopback: boolean) =>
    id.text !== undefined && isMetadataDocumentId(id.text, { allowLoopback })
  const finding = ({ path }: Part, message: string, remedy: string) => ({ path, message, remedy })
  if (client.at('metadataDocument').value !== true) {
    const methods = client.at('authMethods')
    return [
      // CIMD draft §7.1: an id that looks like an address is one.
      ...(isAddress(true) ? [finding(id, 'is the address of a document', 'add metadataDocument: true')] : []),
      ...(methods.exists ? [] : [finding(methods, 'is missing', 'say how the client authenticates')]),
    ]
  }
  const remedy = 'write its https address; http is for loopback hosts, while the issuer is loopback too'
  const isOther = id.text !== undefined && (isAddress(true) ? !isAddress(isLoopbackUrl(issuer.text)) : isPlain(id.text))
  return [
    ...(isOther ? [finding(id, 'is not where a metadata document can be', remedy)] : []),
    ...['authMethods', 'secret', 'jwks']
      .map((key) => client.at(key))
      .filter(({ exists }) => exists)
      .map((part) => finding(part, 'comes from the document of this client', 'remove it')),
  ]
}

/** Whether the entry of this client says that it has a document. */
export function hasDocument(clients: Part, id: string | undefined): boolean {
  return clients.items().some((one) => one.at('id').text === id && one.at('metadataDocument').value === true)
}

/** What is wrong with `resourceAs.metadataDocuments`, and with the trust in issuers to speak for such clients. Its reach is NOT judged. */
export function checkMetadataDocuments(server: Part): Finding[] {
  const documents = server.at('metadataDocuments')
  const idJag = documents.at('idJag').value === true
  return [
    ...(documents.exists && !idJag && !server.at('interactive').exists
      ? [
          {
            path: documents.path,
            message: 'lets nobody in',
            remedy: 'write idJag: true for identity assertions, or add resourceAs.interactive for the code grant',
          },
        ]
      : []),
    ...(idJag ? [] : server.at('trustedIssuers').items())
      .map((one) => one.at('metadataDocuments'))
      .filter(({ value }) => value === true)
      .map(({ path }) => ({
        path,
        message: 'needs resourceAs.metadataDocuments with idJag: true',
        remedy: 'say there what clients with a metadata document may be given',
      })),
  ]
}
