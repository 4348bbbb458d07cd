/** What a configuration may say of SAML issuers, what it is told when it is wrong, and that docs/saml.md is right. */

import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../src/server/config.ts'
import { ConfigError } from '../../src/server/problems.ts'
import { certified } from '../fixture/certificate.ts'
import { environment, example, exampleFolder, type Folder } from './example.ts'

const page = readFileSync(new URL('../../docs/saml.md', import.meta.url), 'utf8')
const shown = parse(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '') as {
  idp: { samlIssuers: object[]; clients: { samlAt: object }[] }
}
const { certificate } = certified()
const entityId = 'https://login.acme.example/saml'
const right = { entityId, certificates: [certificate], users: 'token' }
const at = { entityId: 'https://wiki.example/saml', recipients: ['https://wiki.example/saml/acs'] }

let folder: Folder
beforeAll(async () => {
  folder = await exampleFolder()
  await writeFile(join(folder.path, 'acme-saml.pem'), certificate)
  await writeFile(join(folder.path, 'weak.pem'), certified({ bits: 1024 }).certificate)
})
afterAll(() => folder.remove())

async function read(samlIssuers: object[], samlAt: object | undefined = { [entityId]: at }) {
  const [client] = example.idp.clients
  const [connection] = example.idp.connections
  // People of two sources: a claim that is one person's alone says who they are.
  const connections = [{ ...connection, subject: { claim: 'email' } }]
  const idp = { ...example.idp, clients: [{ ...client, samlAt }], connections, samlIssuers }
  return await readConfig(await folder.write({ ...example, idp }), environment)
}

async function problems(samlIssuers: object[], samlAt?: object): Promise<string[]> {
  const error = await read(samlIssuers, samlAt).catch((cause: unknown) => cause)
  if (!(error instanceof ConfigError)) throw error
  return error.problems.map(
    ({ path, message, remedy }) => `${path} ${message}${remedy === undefined ? '' : `: ${remedy}`}`,
  )
}

describe('idp.samlIssuers', () => {
  it('is what docs/saml.md shows', async () => {
    const { idp } = await read(shown.idp.samlIssuers, shown.idp.clients[0]?.samlAt)
    expect(idp?.samlIssuers).toMatchObject([{ entityId, nameIdIs: 'sub', direct: true, groupsAttribute: 'groups' }])
    expect(idp?.clients[0]?.samlAt).toEqual(shown.idp.clients[0]?.samlAt)
  })

  it('is for refresh tokens alone unless it says more', async () => {
    const [client] = example.idp.clients
    const alone = {
      ...example.idp,
      subjectIssuers: undefined,
      clients: [{ ...client, clientIdAt: {}, samlAt: { [entityId]: at } }],
    }
    const config = await folder.write({ ...example, idp: { ...alone, samlIssuers: [right] } })
    expect((await readConfig(config, environment)).idp?.subjectIssuers).toEqual([])
    expect((await read([right])).idp?.samlIssuers).toMatchObject([{ direct: false, nameIdIs: 'sub' }])
  })

  it.each<[string, object, RegExp]>([
    [
      'no certificate',
      { certificates: ['alice'] },
      /^idp\.samlIssuers\[0\]\.certificates\[0\] holds no certificate in PEM: take/,
    ],
    [
      'a file that is not there',
      { certificates: [{ file: 'none.pem' }] },
      /names the file none\.pem, which holds no certificate/,
    ],
    [
      'a short key',
      { certificates: [{ file: 'weak.pem' }] },
      /weak\.pem, which holds a certificate without an RSA key of 2048 bits/,
    ],
    [
      'a broken certificate',
      { certificates: [certificate.replace(/M[A-Za-z0-9]{30}/, '')] },
      /holds a certificate that cannot be read/,
    ],
    ['no directory', { users: 'directory' }, /users needs a directory, and idp\.users is empty/],
    ['two names of a person', { nameIdIs: 'email', subAttribute: 'uid' }, /nameIdIs does not go with subAttribute/],
  ])('is refused with %s', async (_, change, problem) => {
    expect(await problems([{ ...right, ...change }])).toEqual([expect.stringMatching(problem)])
    await read([right])
  })

  it('lists each issuer once', async () => {
    expect(await problems([right, right])).toEqual(['idp.samlIssuers[1].entityId is listed a second time'])
  })

  it('must have the issuers that clients name', async () => {
    const near = { 'https://login.acme.example/sam': at }
    expect(await problems([right], near)).toEqual([
      `idp.clients[0].samlAt.https://login.acme.example/sam names no SAML issuer: did you mean "${entityId}"?`,
    ])
  })
})
