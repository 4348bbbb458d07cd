/** What every company of the world builds on: bound addresses, the clients, the people, the clock, and a way to the others' keys. */

import type { EndpointLimits } from '../http/throttle.ts'
import { callbackAddress } from '../interactive/sign-in/idp-choice.ts'
import { documentFetch } from '../outbound/document.ts'
import type { KeySource } from '../protocol/keys.ts'
import type { Ports, Seconds } from '../protocol/ports.ts'
import { usualLimits } from '../server/config-limits.ts'
import { endpointLimits } from '../server/endpoint-limits.ts'
import { followedIssuerKeys, type Surroundings } from '../server/surroundings.ts'
import { type ClientName, type RegisteredClient, registerClients } from './clients.ts'
import type { Addresses } from './enterprise.ts'
import { type KeyFolder, newSecret, newSuffix } from './keys.ts'
import { bindOrigin, type Origin } from './origin.ts'
import { type Directory, directoryOf } from './people.ts'
import type { SharedPorts } from './ports.ts'
import type { SignInClient } from './sign-in/provider.ts'
import type { WorldState } from './world-state.ts'

/** How far the clocks of the companies may be apart. */
export const skew: Seconds = 30

/** The servers, in the order of their ports; `resource` is everything that access tokens are for. */
export const places = ['idp', 'chat', 'resource', 'files', 'upstream', 'admin'] as const
type Place = (typeof places)[number]

export interface Stage {
  at: { readonly [place in Place]: Origin }
  addresses: Addresses
  folder: KeyFolder
  clients: { readonly [name in ClientName]: RegisteredClient }
  /** The chat at the identity provider, where it has people sign in. */
  chatSignIn: SignInClient
  directory: Directory
  ports: SharedPorts
  /** What all servers share that outlives a request. */
  state: WorldState
  /** The ports of the server with this issuer identifier. */
  portsFor(issuer: string): Ports
  /** What a server needs of the world around it, with a way of its own to the documents of others. */
  surroundings(): Surroundings
  /** Names the policy in force, or the one with this version, for the audit. */
  policyVersion(version?: number): string
  /** The published keys of an issuer, fetched over HTTP by whoever asks: call it once for each server. */
  keysOf(issuer: string): KeySource
  /** The limits of the server with this issuer identifier. Undefined: none. */
  limitsFor(issuer: string): EndpointLimits | undefined
  /** Told of every failure of a server of the world. */
  report(error: unknown, correlationId: string): void
  /** Whether the usual limits are on. */
  limited: boolean
  /** Told, as a sentence, of what the operator should know. */
  say(message: string): void
}

/** Binds the ports: `port` and the five after it, or free ones for 0. What is bound is in `bound`, also when this throws. */
export async function bindPlaces(port: number, bound: Set<Origin>): Promise<Stage['at']> {
  const bind = async (place: Place) => {
    const origin = await bindOrigin(port === 0 ? 0 : port + places.indexOf(place))
    bound.add(origin)
    return origin
  }
  return {
    idp: await bind('idp'),
    chat: await bind('chat'),
    resource: await bind('resource'),
    files: await bind('files'),
    upstream: await bind('upstream'),
    admin: await bind('admin'),
  }
}

/** Prepares everything that is there before a server answers. `say` is told of documents that cannot be fetched, and of failures. */
export async function setStage(
  at: Stage['at'],
  folder: KeyFolder,
  ports: SharedPorts,
  state: WorldState,
  { say, limited }: { say(message: string): void; limited: boolean },
): Promise<Stage> {
  const { policy, store } = state
  const surroundings = () => {
    const fetching = () => documentFetch({ allowLoopback: true, allowAddresses: [] })
    return { fetchDocument: fetching(), fetchUnlisted: fetching(), now: ports.now, policy, warn: say }
  }
  return {
    at,
    addresses: {
      idp: at.idp.url,
      upstream: at.upstream.url,
      chat: at.chat.url,
      files: at.files.url,
      mcp: `${at.resource.url}/mcp`,
      api: `${at.resource.url}/api`,
      filesApi: `${at.resource.url}/files`,
    },
    folder,
    clients: await registerClients(folder),
    chatSignIn: {
      id: `tidewater-chat-${newSuffix()}`,
      secret: newSecret(),
      name: 'Tidewater Chat',
      redirectUris: [callbackAddress(at.chat.url, undefined)],
    },
    directory: directoryOf(newSuffix, (user) => policy.isOff({ user })),
    ports,
    state,
    portsFor: (issuer) => ports.portsOver(store, issuer),
    surroundings,
    policyVersion: (version = policy.version()) => `world.${version}`,
    keysOf: (issuer) => followedIssuerKeys(issuer, surroundings(), undefined),
    limitsFor: (issuer) => endpointLimits(limited ? usualLimits : 'off', { store, now: ports.now, issuer }),
    report: (error, correlationId) => say(`request ${correlationId} failed: ${String(error)}`),
    limited,
    say,
  }
}
