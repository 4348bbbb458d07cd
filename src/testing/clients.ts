/** The two applications of the world, each with its ids, secrets and keys at the identity provider and at the other side. */

import { type ClientAuthMethod, clientAuthMethods } from '../protocol/names.ts'
import type { ClientConfig } from '../server/config-schema.ts'
import { publicKeysOf } from '../server/references.ts'
import { type KeyFolder, newSecret, newSuffix } from './keys.ts'

export type ClientName = 'assistant' | 'notebook'

/** What a client needs to authenticate at one server. */
export interface Credentials {
  id: string
  secret: string
  methods: readonly ClientAuthMethod[]
  /** A private JWK Set for `private_key_jwt`, where that is one of its methods. */
  jwkFile?: string
}

/** One application. `resourceAs` holds at every resource authorization server that knows it. */
export interface WorldClient {
  name: ClientName
  /** What people call it. */
  title: string
  idp: Credentials
  resourceAs: Credentials
}

/** A client from both ends: what it knows, and how it stands in the configuration of the servers. */
export interface RegisteredClient {
  client: WorldClient
  atIdp: ClientConfig
  atResourceAs: ClientConfig
}

/** `assistant` may use every method at both sides, `notebook` HTTP Basic alone. */
export async function registerClients(folder: KeyFolder): Promise<{ [name in ClientName]: RegisteredClient }> {
  return {
    assistant: await register('assistant', 'Finch Assistant', clientAuthMethods, folder),
    notebook: await register('notebook', 'Notebook', ['client_secret_basic'], folder),
  }
}

async function register(
  name: ClientName,
  title: string,
  methods: readonly ClientAuthMethod[],
  folder: KeyFolder,
): Promise<RegisteredClient> {
  const idp = await oneSide(`${name}-${newSuffix()}`, methods, folder)
  const resourceAs = await oneSide(`${name}-there-${newSuffix()}`, methods, folder)
  return {
    client: { name, title, idp: idp.credentials, resourceAs: resourceAs.credentials },
    atIdp: idp.registered,
    atResourceAs: resourceAs.registered,
  }
}

async function oneSide(
  id: string,
  methods: readonly ClientAuthMethod[],
  folder: KeyFolder,
): Promise<{ credentials: Credentials; registered: ClientConfig }> {
  // Clients that do not form-encode Basic credentials need plain characters; a hyphen finds those that encode too much.
  const secret = newSecret()
  const registered = { id, secret, authMethods: [...methods], disabled: false }
  if (!methods.includes('private_key_jwt')) return { credentials: { id, secret, methods }, registered }
  const { file, signingKeys } = await folder.make(id, ['ES256'])
  const jwks = { ...signingKeys.published() }
  return {
    credentials: { id, secret, methods, jwkFile: file },
    registered: { ...registered, jwks: await publicKeysOf(jwks) },
  }
}
