/** The clients of the code grant: entered by the operator, known by a metadata document, or registered by themselves. */

import type { AdapterPayload } from 'oidc-provider'
import type { Client } from '../protocol/client-auth.ts'
import { isMetadataDocumentId } from '../protocol/client-metadata.ts'
import type { Seconds } from '../protocol/ports.ts'
import type { ClientPolicy } from '../resource-as/trust.ts'
import type { InteractiveGrantOptions } from './options.ts'
import { isUsableRedirect } from './redirects.ts'
import type { AskingClient } from './sign-in/contract.ts'
import { type InteractiveState, put, recordId, remove } from './state.ts'

/** A client that may use the code grant. */
export interface InteractiveClient {
  client: Client
  /** True when it may come without credentials. */
  open: boolean
  kind: AskingClient['kind']
  /** True for one that the operator has listed. */
  isListed: boolean
  name?: string | undefined
  redirectUris: readonly string[]
  /** The most it may be given. */
  policy: ClientPolicy
}

export interface InteractiveClients {
  /** Undefined: nobody, or a client without redirect addresses. Throws what the client's document throws. */
  find(id: string): Promise<InteractiveClient | undefined>
  keep(id: string, metadata: AdapterPayload): Promise<void>
  /** Notes that a client which registered itself is in use. */
  touch(client: InteractiveClient): Promise<void>
  forget(id: string): Promise<void>
}

/** The prefix of ids that this server gives to clients which register themselves. */
export const dynamicPrefix = 'dcr-'
/** A client that registered and never came is forgotten after a day, another one after {@link idleFor} without a token. */
const unusedFor: Seconds = 24 * 3600
/** How long a client that registered itself is kept from its latest token on; its own right to change its registration ends then, too. */
export const idleFor: Seconds = 90 * 24 * 3600
const kind = 'interactive-client'

/** The clients of one server. */
export function interactiveClients(options: InteractiveGrantOptions): InteractiveClients {
  const { resourceAuthorizationServer: server, findRegistered, metadataDocuments, registration, state, ports } = options
  const idOf = (id: string) => recordId(server.issuer, 'client', id)

  const entered = async (id: string): Promise<InteractiveClient | undefined> => {
    const [found, policy] = [await findRegistered(id), await server.findClientPolicy(id)]
    if (found === undefined || policy === undefined || found.redirectUris.length === 0) return undefined
    const { client, name, redirectUris } = found
    return {
      client,
      open: client.authMethods.length === 0,
      kind: 'registered',
      isListed: true,
      name,
      redirectUris,
      policy,
    }
  }
  const documented = async (id: string): Promise<InteractiveClient | undefined> => {
    if (metadataDocuments === undefined || !isMetadataDocumentId(id, metadataDocuments)) return undefined
    const listed = await server.findClientPolicy(id)
    const policy = listed ?? metadataDocuments.reachOf(id)
    if (policy === undefined) return undefined
    const known = await findRegistered(id)
    const { name, authMethod, keys, grantTypes, redirectUris } = await metadataDocuments.documents.find(id)
    const usable = redirectUris.filter(isUsableRedirect)
    if (usable.length === 0 || !grantTypes.includes('authorization_code')) return undefined
    const client: Client = {
      id,
      enabled: known?.client.enabled ?? true,
      authMethods: keys === undefined ? [] : ['private_key_jwt'],
      ...(keys === undefined ? {} : { keys }),
    }
    const isListed = listed !== undefined && listed.byDocument !== true
    return {
      client,
      open: authMethod === 'none',
      kind: 'metadata-document',
      isListed,
      name,
      redirectUris: usable,
      policy,
    }
  }
  const dynamic = async (id: string): Promise<InteractiveClient | undefined> => {
    if (registration === undefined || !id.startsWith(dynamicPrefix)) return undefined
    const record = await state.get(kind, idOf(id))
    if (record === undefined) return undefined
    const { redirect_uris = [], client_name } = record.value as { redirect_uris?: string[]; client_name?: string }
    const client: Client = { id, enabled: true, authMethods: [] }
    const found = { name: client_name, redirectUris: redirect_uris, policy: registration }
    return { client, open: true, kind: 'dynamic', isListed: false, ...found }
  }
  return {
    find: async (id) => (await entered(id)) ?? (await documented(id)) ?? (await dynamic(id)),
    keep: async (id, metadata) =>
      await put(state, [{ kind, id: idOf(id), value: metadata, until: ports.now() + unusedFor }]),
    forget: async (id) => await remove(state, kind, idOf(id)),
    async touch(client) {
      if (client.kind !== 'dynamic') return
      await prolong(state, idOf(client.client.id), ports.now())
    },
  }
}

async function prolong(state: InteractiveState, id: string, now: Seconds): Promise<void> {
  const record = await state.get(kind, id)
  // Once a day is enough.
  if (record === undefined || (record.until ?? 0) > now + idleFor - unusedFor) return
  await put(state, [{ kind, id, value: record.value, until: now + idleFor }])
}

/** The client in the words of RFC 7591, for the provider. Whoever it is has proven it before the provider is asked. */
export function providerMetadata({ client, name, redirectUris, kind }: InteractiveClient): AdapterPayload {
  const local = redirectUris.some((uri) => new URL(uri).protocol === 'http:')
  return {
    client_id: client.id,
    ...(name === undefined ? {} : { client_name: name }),
    redirect_uris: [...redirectUris],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    response_modes: ['query'],
    token_endpoint_auth_method: 'none',
    // RFC 8252 §7.3: a loopback address may have any port. §8.6: and whoever comes by it is asked each time.
    application_type: local || kind === 'dynamic' ? 'native' : 'web',
  }
}
