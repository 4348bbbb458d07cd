/** Which client of the code grant sends a request: by its credentials, or by its name alone where it is a public one. */

import type { Awaitable } from '../protocol/awaitable.ts'
import { authenticateClient, type Client, type ClientCredentials } from '../protocol/client-auth.ts'
import { OAuthError, unauthenticated } from '../protocol/errors.ts'
import type { Ports } from '../protocol/ports.ts'
import type { InteractiveClient, InteractiveClients } from './clients.ts'
import type { InteractiveGrantOptions } from './options.ts'

interface Registries {
  options: InteractiveGrantOptions
  clients: InteractiveClients
}

/** The client of a request for a token. Throws `invalid_client` as every other grant does. */
export async function authenticated(
  credentials: ClientCredentials,
  registries: Registries,
  ports: Ports,
): Promise<{ client: InteractiveClient; spend(): Awaitable<void> }> {
  const { interactive, spend } = await callerOf(credentials, registries, ports)
  if (interactive !== undefined) return { client: interactive, spend }
  throw new OAuthError('unauthorized_client', 'this client is not registered for the authorization code grant', {
    reason: 'grant_not_enabled',
  })
}

/** The client of any request, also one that the code grant is not for. Throws `invalid_client` as every other grant does. */
export async function callerOf(
  credentials: ClientCredentials,
  { options, clients }: Registries,
  ports: Ports,
): Promise<{ client: Client; interactive: InteractiveClient | undefined; spend(): Awaitable<void> }> {
  const { issuer, skew } = options.resourceAuthorizationServer
  const open = await openClient(credentials, clients)
  if (open !== undefined) return { client: open.client, interactive: open, spend: () => {} }
  const known = new Map<string, InteractiveClient>()
  const findClient = async (id: string) => {
    const client = await clients.find(id)
    if (client !== undefined) known.set(id, client)
    return client?.client ?? (await options.findRegistered(id))?.client
  }
  const { client, spend } = await authenticateClient(credentials, { issuer, findClient, skew, ports })
  return { client, interactive: known.get(client.id), spend }
}

/** The public client that a request without credentials names. Throws `invalid_client` for one that is disabled. */
export async function openClient(
  { authorization, form }: ClientCredentials,
  clients: InteractiveClients,
): Promise<InteractiveClient | undefined> {
  const named = form.optional('client_id')
  const bare = authorization.length === 0 && !secrets.some((name) => form.optional(name) !== undefined)
  const found = bare && named !== undefined ? await clients.find(named) : undefined
  if (found?.open !== true) return undefined
  if (!found.client.enabled) throw unauthenticated('client_disabled', `${found.client.id} is disabled`)
  return found
}

const secrets = ['client_secret', 'client_assertion', 'client_assertion_type']
