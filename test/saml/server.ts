/** A server of one configuration that takes SAML assertions, over HTTP. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import type { AuditEvent } from '../../src/protocol/ports.ts'
import { readConfig } from '../../src/server/config.ts'
import { systemPorts } from '../../src/server/ports.ts'
import { type RunningServers, startServers } from '../../src/server/server.ts'
import { environment, example, exampleFolder, type Folder } from '../server/example.ts'
import { acmeKey, acmeSaml, foreignKey, wikiAcs, wikiSp } from './assertions.ts'

export const directorySaml = 'https://directory.acme.example/saml'
export const lateSaml = 'https://late.acme.example/saml'
const chat = example.resourceAs.issuer
const [assistant] = example.idp.clients
const [connection] = example.idp.connections
const serviceProvider = { entityId: wikiSp, recipients: [wikiAcs] }

/** Everything that the example has, and two SAML issuers. */
export const idp = {
  ...example.idp,
  issuer: 'http://127.0.0.1:4000',
  listen: '127.0.0.1:0',
  samlIssuers: [
    {
      entityId: acmeSaml,
      certificates: [{ file: 'acme.pem' }],
      users: 'token',
      emailAttribute: 'mail',
      groupsAttribute: 'groups',
      direct: true,
    },
    {
      entityId: directorySaml,
      certificates: [acmeKey.certificate],
      users: 'directory',
      nameIdIs: 'email',
      direct: true,
    },
    { entityId: lateSaml, certificates: [acmeKey.certificate], users: 'token', subAttribute: 'uid' },
  ],
  users: [
    { sub: 'u-alice', email: 'Alice@acme.example', groups: ['writers'] },
    { sub: 'u-mallory', email: 'mallory@acme.example', disabled: true },
    { sub: 'u-twin', email: 'twin@acme.example' },
    { sub: 'u-other-twin', email: 'twin@acme.example' },
  ],
  clients: [
    {
      ...assistant,
      samlAt: { [acmeSaml]: serviceProvider, [directorySaml]: serviceProvider, [lateSaml]: serviceProvider },
    },
    {
      id: 'notes',
      authMethods: ['client_secret_basic'],
      secret: { env: 'CHAT_SECRET' },
      samlAt: { [acmeSaml]: { entityId: 'https://notes.example', recipients: ['https://notes.example/acs'] } },
    },
  ],
  connections: [
    { ...connection, signIn: {}, subject: { claim: 'email' } },
    { ...connection, client: 'notes', signIn: {}, subject: { claim: 'email' } },
  ],
}

export interface Served {
  url: string
  audit: AuditEvent[]
}

let folder: Folder | undefined
const started: RunningServers[] = []

/** Stops every server, and removes their folder. */
export async function stopServers(): Promise<void> {
  for (const running of started) await running.close()
  await folder?.remove()
}

/** Starts a server with this change of the configuration. */
export async function serve(change: object = {}): Promise<Served> {
  folder ??= await exampleFolder()
  await writeFile(join(folder.path, 'acme.pem'), `Old and new:\n${foreignKey.certificate}${acmeKey.certificate}`)
  const file = await folder.write({ idp: { ...idp, ...change }, store: 'memory', shutdown: { delay: 0 } })
  const audit: Served['audit'] = []
  const running = await startServers(await readConfig(file, environment), {
    stdout: new PassThrough(),
    log: () => {},
    portsOver: (events, store, issuer) => ({
      ...systemPorts(events, store, issuer),
      fence: () => 0,
      // No deadline, which a machine that is busy with other tests may miss when the assertion is spent already.
      record: async (event) => {
        audit.push(event)
      },
    }),
  })
  started.push(running)
  return { url: running.roles[0]?.listens ?? '', audit }
}

/** Exchanges an assertion for an ID-JAG. `reason` is the newest of the audit. */
export async function exchange(
  { url, audit }: Served,
  token: string,
  client = ['assistant', environment.ASSISTANT_SECRET],
): Promise<{ status: number; body: { [member: string]: unknown }; reason: unknown }> {
  const ask = async () =>
    await fetch(`${url}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(client.join(':'))}` },
      body: new URLSearchParams({
        grant_type: grantType.tokenExchange,
        requested_token_type: tokenType.idJag,
        audience: chat,
        subject_token: token,
        subject_token_type: tokenType.saml2,
      }),
    })
  let response = await ask()
  // A machine that is busy with other tests may miss the deadline of a store: come again, as every client does.
  for (let attempt = 0; response.status === 503 && attempt < 20; attempt++) {
    await setTimeout(250)
    response = await ask()
  }
  const body = (await response.json()) as { [member: string]: unknown }
  return { status: response.status, body, reason: audit.at(-1)?.reason }
}
