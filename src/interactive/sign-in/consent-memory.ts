/** Which consent is remembered, and of whom it is asked each time. */

import type { Configuration } from 'oidc-provider'
import { isLoopbackHost } from '../../protocol/loopback.ts'
import type { PageOptions } from './contract.ts'

/** True for a redirect address on this very machine, which any program here can listen at. */
export function isLoopbackRedirect(redirectUri: string): boolean {
  return URL.canParse(redirectUri) && isLoopbackHost(new URL(redirectUri).hostname)
}

/**
 * For `loadExistingGrant` of the provider: the grant that was consented to in this very step, or else the one that the browser's
 * session remembers for the client. RFC 8252 §8.6: who stands behind a redirect address on this machine, or behind a name that nobody
 * checked, is not known from the last time; such clients are consented to each time.
 */
export function rememberedGrant({
  askingClient,
}: Pick<PageOptions, 'askingClient'>): NonNullable<Configuration['loadExistingGrant']> {
  return async ({ oidc }) => {
    const { client, session, provider, params, result } = oidc
    if (client === undefined) return undefined
    const consented = result?.consent?.grantId
    if (consented !== undefined) return await provider.Grant.find(consented)
    const known = session?.grantIdFor(client.clientId)
    if (known === undefined) return undefined
    const redirectUri = String(params?.redirect_uri)
    if (isLoopbackRedirect(redirectUri)) return undefined
    const { kind } = await askingClient(client.clientId, redirectUri)
    return kind === 'dynamic' ? undefined : await provider.Grant.find(known)
  }
}
