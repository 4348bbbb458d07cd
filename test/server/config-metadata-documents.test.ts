/** The configuration of clients with a metadata document: what it may say, and what to do when it says something else. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/server/config.ts'
import type { ConfigError } from '../../src/server/problems.ts'
import { changed, environment, example, exampleFolder, type Folder } from './example.ts'

let folder: Folder
beforeAll(async () => {
  folder = await exampleFolder()
})
afterAll(() => folder.remove())

const app = 'https://app.example/client.json'
const reach = { scopes: ['chat.read'], resources: ['https://api.chat.example/mcp'] }
const [connection] = example.idp.connections
const [trusted] = example.resourceAs.trustedIssuers
/** The example with a client that has a document at both sides, and with any other that has one. */
const base = {
  ...example,
  idp: {
    ...example.idp,
    clients: [{ id: app, metadataDocument: true }],
    connections: [{ ...connection, client: app, clientId: undefined }],
  },
  resourceAs: {
    ...example.resourceAs,
    clients: [{ id: app, metadataDocument: true, ...reach }],
    metadataDocuments: { ...reach, idJag: true, hosts: ['app.example', 'app.example:8443'] },
    trustedIssuers: [{ ...trusted, clients: [app], metadataDocuments: true }],
  },
}
const read = async (config: object) =>
  await readConfig(await folder.write(JSON.parse(JSON.stringify(config))), environment)
const problemsOf = async (config: object) =>
  await read(config).then(
    () => [],
    ({ problems }: ConfigError) => problems,
  )

describe('a configuration with metadata documents', () => {
  it('lists clients by their address, and says what any other may be given [MAP-02]', async () => {
    const { idp, resourceAs } = await read(base)
    expect(idp?.clients).toEqual([{ id: app, metadataDocument: true, disabled: false, clientIdAt: {} }])
    expect(idp?.connections[0]).not.toHaveProperty('clientId')
    expect(resourceAs?.metadataDocuments).toEqual(base.resourceAs.metadataDocuments)
    expect(resourceAs?.trustedIssuers[0]).toMatchObject({ clients: [app], metadataDocuments: true })
  })

  it('lets no unlisted client in unless it says so', async () => {
    const { resourceAs } = await read(example)
    expect(resourceAs).not.toHaveProperty('metadataDocuments')
    expect(resourceAs?.trustedIssuers[0]).not.toHaveProperty('metadataDocuments')
  })

  it('may give a client another id at one audience all the same', async () => {
    const { idp } = await read(changed('idp.connections.0.clientId', 'app-at-chat', base))
    expect(idp?.connections[0]).toMatchObject({ client: app, clientId: 'app-at-chat' })
  })

  it.each<[string, unknown, string, string, string]>([
    ['idp.clients.0.id', 'assistant', 'idp.clients[0].id', 'is not where a metadata document can be', 'https address'],
    [
      'idp.clients.0.id',
      'http://127.0.0.1/c.json',
      'idp.clients[0].id',
      'is not where a metadata document can be',
      'loopback',
    ],
    [
      'idp.clients.0.id',
      `${app}?a`,
      'idp.clients[0].id',
      'must be the address of a client metadata document',
      'without user',
    ],
    [
      'idp.clients.0.metadataDocument',
      undefined,
      'idp.clients[0].id',
      'is the address of a document',
      'metadataDocument: true',
    ],
    [
      'idp.clients.0.metadataDocument',
      undefined,
      'idp.clients[0].authMethods',
      'is missing',
      'how the client authenticates',
    ],
    ['idp.clients.0.metadataDocument', false, 'idp.clients[0].metadataDocument', 'must be true', ''],
    [
      'idp.clients.0.authMethods',
      ['private_key_jwt'],
      'idp.clients[0].authMethods',
      'comes from the document of this client',
      'remove it',
    ],
    [
      'idp.clients.0.secret',
      { env: 'ASSISTANT_SECRET' },
      'idp.clients[0].secret',
      'comes from the document of this client',
      'remove it',
    ],
    [
      'idp.clients.0.jwks',
      { file: 'assistant.json' },
      'idp.clients[0].jwks',
      'comes from the document of this client',
      'remove it',
    ],
    [
      'idp.connections.0.client',
      'assistant',
      'idp.connections[0].clientId',
      'is missing',
      'the id that the client has there',
    ],
    [
      'resourceAs.clients.0.id',
      'http://app.example/c.json',
      'resourceAs.clients[0].id',
      'must be the address of a client metadata document',
      'https',
    ],
    [
      'resourceAs.metadataDocuments.scopes',
      ['chat.raed'],
      'resourceAs.metadataDocuments.scopes[0]',
      'names no scope of a resource',
      'resourceAs.resources',
    ],
    [
      'resourceAs.metadataDocuments.resources',
      ['https://other.example'],
      'resourceAs.metadataDocuments.resources[0]',
      'names no resource of this server',
      'resourceAs.resources',
    ],
    ['resourceAs.metadataDocuments.scopes', undefined, 'resourceAs.metadataDocuments.scopes', 'is missing', ''],
    [
      'resourceAs.metadataDocuments.hosts',
      ['App.example'],
      'resourceAs.metadataDocuments.hosts[0]',
      'must be a host in lower case, such as app.example or app.example:8443',
      '',
    ],
    [
      'resourceAs.metadataDocuments.hosts',
      ['*.example/a'],
      'resourceAs.metadataDocuments.hosts[0]',
      'must be a host in lower case, such as app.example or app.example:8443',
      '',
    ],
    ['resourceAs.metadataDocuments.hosts', [], 'resourceAs.metadataDocuments.hosts', 'must not be empty', ''],
    ['resourceAs.metadataDocuments.idJag', undefined, 'resourceAs.metadataDocuments', 'lets nobody in', 'idJag: true'],
    [
      'resourceAs.metadataDocuments',
      undefined,
      'resourceAs.trustedIssuers[0].metadataDocuments',
      'needs resourceAs.metadataDocuments with idJag: true',
      'what clients',
    ],
    [
      'resourceAs.trustedIssuers.0.clients',
      ['https://other.example/c.json'],
      'resourceAs.trustedIssuers[0].clients[0]',
      'names no client',
      'resourceAs.clients',
    ],
    [
      'resourceAs.protectedResources',
      [{ id: 'api', metadataDocument: true, authMethods: ['private_key_jwt'] }],
      'resourceAs.protectedResources[0].metadataDocument',
      'is not a known key',
      '',
    ],
    [
      'resourceAs.protectedResources',
      [{ id: 'api' }],
      'resourceAs.protectedResources[0].authMethods',
      'is missing',
      '',
    ],
  ])('is refused when %s is %j', async (path, value, where, message, remedy) => {
    const found = (await problemsOf(changed(path, value, base))).filter((one) => one.path === where)
    expect(found).toMatchObject([{ message, place: expect.stringMatching(/^xaa\.yaml:\d+$/) }])
    expect(found[0]?.remedy ?? '').toContain(remedy)
    expect(await problemsOf(base)).toEqual([])
  })

  it('may name clients on this machine where the server is on it too', async () => {
    const local = JSON.stringify(base)
      .replaceAll('https://id.acme.example', 'http://127.0.0.1:4000')
      .replaceAll(app, 'http://127.0.0.1:4100/c.json')
    expect(await problemsOf({ idp: JSON.parse(local).idp })).toEqual([])
  })
})
