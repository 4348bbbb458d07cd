/** Both roles as a configuration file makes them, without sockets, and the counterparts' documents as they are fetched. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import { onTestFinished } from 'vitest'
import { idpPlugin } from '../../src/http/idp-plugin.ts'
import { resourceAsPlugin } from '../../src/http/resource-as-plugin.ts'
import { metadataAddresses } from '../../src/protocol/issuer-keys.ts'
import type { SignatureAlgorithm, SigningKey } from '../../src/protocol/keys.ts'
import { grantType, jwtType, tokenType } from '../../src/protocol/names.ts'
import { type Config, readConfig } from '../../src/server/config.ts'
import { idpRole } from '../../src/server/idp-role.ts'
import { followPolicy } from '../../src/server/policy/policy-feed.ts'
import { resourceAsRole } from '../../src/server/resource-as-role.ts'
import { followSigningKeys } from '../../src/server/signing-keys.ts'
import type { Surroundings } from '../../src/server/surroundings.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { publicJwk, signerOf } from '../fixture/keys.ts'
import { type TestPorts, testPorts } from '../fixture/ports.ts'
import { type FormChange, send } from '../fixture/requests.ts'
import { signed } from '../fixture/tokens.ts'
import { environment, example, exampleFolder } from '../server/example.ts'

export const mcp = 'https://api.chat.example/mcp'
export const chat = 'https://auth.chat.example'
export const id = 'https://id.acme.example'
/** The assistant at each server, as the example registers it. */
export const atIdp = { id: 'assistant', secret: environment.ASSISTANT_SECRET }
export const atChat = { id: 'assistant-at-chat', secret: environment.CHAT_SECRET }

type Entry = Record<string, unknown>

/** What one test wants otherwise: members to lay over the one entry of each list of the example. */
export interface Changes {
  subjectIssuer?: Entry
  idpClient?: Entry
  resourceServer?: Entry
  connection?: Entry
  users?: Entry[]
  trustedIssuer?: Entry
  account?: Entry
  resourceAsClient?: Entry
}

/** The file of the example with these changes; a member that is undefined is left out. */
export function configurationOf(changes: Changes): object {
  const { idp, resourceAs } = structuredClone(example) as { idp: Entry; resourceAs: Entry }
  const lay = (role: Entry, list: string, change: Entry = {}) => {
    const [first, ...others] = role[list] as Entry[]
    const entry = Object.entries({ ...first, ...change }).filter(([, value]) => value !== undefined)
    role[list] = [Object.fromEntries(entry), ...others]
  }
  lay(idp, 'subjectIssuers', changes.subjectIssuer)
  lay(idp, 'clients', { clientIdAt: undefined, assertionAudienceAlso: undefined, ...changes.idpClient })
  lay(idp, 'resourceServers', changes.resourceServer)
  lay(idp, 'connections', { signIn: undefined, ...changes.connection })
  lay(resourceAs, 'trustedIssuers', changes.trustedIssuer)
  lay(resourceAs, 'accounts', changes.account)
  lay(resourceAs, 'clients', changes.resourceAsClient)
  if (changes.users !== undefined) idp.users = changes.users
  return { idp, resourceAs }
}

/** Reads the configuration: rejects with ConfigError. */
export async function read(changes: Changes, files: { [name: string]: unknown } = {}): Promise<Config> {
  const folder = await exampleFolder()
  onTestFinished(() => folder.remove())
  for (const [name, value] of Object.entries(files)) await writeFile(join(folder.path, name), JSON.stringify(value))
  return await readConfig(await folder.write(configurationOf(changes)), environment)
}

export interface Configured extends TestPorts {
  config: Config
  idp: FastifyInstance
  chat: FastifyInstance
  /** Publishes the keys of an issuer; its tokens are signed with what comes back. */
  publish(issuer: string, alg?: SignatureAlgorithm): Promise<SigningKey>
}

export async function configured(changes: Changes, files?: { [name: string]: unknown }): Promise<Configured> {
  const world = testPorts()
  const { ports } = world
  const config = await read(changes, files)
  const documents = new Map<string, object>()
  const { records } = memoryStore({ now: ports.now })
  const policy = await followPolicy({ records, now: ports.now, say: () => {}, interval: 3_600_000 })
  const fetchDocument = async (url: string) => {
    const document = documents.get(url) ?? (await ownDocument(url))
    return { status: document === undefined ? 404 : 200, body: Buffer.from(JSON.stringify(document ?? {})) }
  }
  const surroundings: Surroundings = {
    fetchDocument,
    fetchUnlisted: fetchDocument,
    now: ports.now,
    policy,
    warn: () => {},
  }
  const ownDocument = async (url: string) => {
    const { host, pathname } = new URL(url)
    const answer = host === new URL(id).host ? await idp.inject(pathname) : undefined
    return answer?.statusCode === 200 ? (answer.json() as object) : undefined
  }
  if (config.idp === undefined || config.resourceAs === undefined) throw new Error('the example has both roles')
  const keys = [config.idp.keys, config.resourceAs.keys].map((file) =>
    followSigningKeys(file, { now: ports.now, warn: () => {} }),
  )
  const [idpKeys, chatKeys] = keys as [(typeof keys)[0], (typeof keys)[0]]
  onTestFinished(() => {
    for (const one of [policy, ...keys]) one.close()
  })
  const idp = Fastify()
  await idp.register(idpPlugin, { ...idpRole(config.idp, surroundings, idpKeys, records), ports })
  const ras = Fastify()
  const role = resourceAsRole(config.resourceAs, surroundings, records, chatKeys)
  await ras.register(resourceAsPlugin, { ...role, signingKeys: chatKeys, ports })
  return {
    ...world,
    config,
    idp,
    chat: ras,
    async publish(issuer, alg = 'RS256') {
      const kid = `${alg}-${issuer}`
      const [address = ''] = metadataAddresses(issuer).slice(-1)
      documents.set(address, { issuer, jwks_uri: `${issuer.replace(/\/$/, '')}/keys` })
      documents.set(`${issuer.replace(/\/$/, '')}/keys`, { keys: [await publicJwk(kid, alg)] })
      return await signerOf(kid, alg)
    },
  }
}

/** What an answer of a token endpoint comes down to. */
export interface Outcome {
  status: number
  body: Record<string, unknown>
  /** Why, for the operator. */
  reason: string | undefined
}

async function post(
  world: Configured,
  app: FastifyInstance,
  form: FormChange,
  headers: Record<string, string> = {},
): Promise<Outcome> {
  const answer = await send(app, { form, headers })
  return { status: answer.statusCode, body: answer.json(), reason: world.audit.at(-1)?.reason }
}

/** A token exchange with a subject token, as the assistant by a secret in the body unless the form says otherwise. */
export async function exchange(world: Configured, subjectToken: string, form: FormChange = {}, headers = {}) {
  return await post(
    world,
    world.idp,
    {
      grant_type: grantType.tokenExchange,
      requested_token_type: tokenType.idJag,
      audience: chat,
      resource: mcp,
      scope: 'chat.read',
      subject_token: subjectToken,
      subject_token_type: tokenType.idToken,
      ...form,
    },
    headers,
  )
}

/** A redemption: nothing but the grant and the assertion, unless the form says more. */
export async function redeem(world: Configured, idJag: string, form: FormChange = {}, headers = {}) {
  return await post(world, world.chat, { grant_type: grantType.jwtBearer, assertion: idJag, ...form }, headers)
}

/** An ID Token as its issuer signs it; `typ` is JWT, as all of them have it. */
export function idToken(world: Configured, signer: SigningKey, claims: Entry): string {
  const { now } = world.clock
  return signed({ typ: 'JWT' }, { aud: atIdp.id, iat: now, exp: now + 3600, ...claims }, signer)
}

/** An ID-JAG as its issuer signs it. */
export function idJag(world: Configured, signer: SigningKey, claims: Entry): string {
  const { now } = world.clock
  const jti = `IDAAG.${world.audit.length}`
  return signed(
    { typ: jwtType.idJag },
    { aud: chat, client_id: atChat.id, jti, iat: now, exp: now + 300, scope: 'chat.read', resource: mcp, ...claims },
    signer,
  )
}

export const basicOf = (client: { id: string; secret: string }) => ({
  authorization: `Basic ${btoa(`${client.id}:${client.secret}`)}`,
})
export const postOf = ({ id: client_id, secret: client_secret }: { id: string; secret: string }) => ({
  client_id,
  client_secret,
})
