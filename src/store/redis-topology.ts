/** Finds the primary for a key: the one server, the one that the Sentinels name now, or the one of a slot of the cluster. */

import type { RedisAddress, RedisNode } from './redis-address.ts'
import { ConnectionLostError, type RedisConnection, type RedisPrimary, redisPrimary } from './redis-primary.ts'

export interface RedisTopology {
  /** The primary for keys with this hash tag. Throws {@link ConnectionLostError} while there is no connection to it. */
  primaryFor(tag: string): RedisPrimary
  /** Every primary. */
  primaries(): RedisPrimary[]
  /** How many hash tags there are to spread keys over. */
  readonly tags: number
  /** Looks anew where the primaries are. Never rejects. */
  look(): Promise<void>
  close(): void
}

/** Connects, and goes on connecting whenever a connection is lost. Resolves without waiting for a server that does not answer. */
export async function redisTopology(address: RedisAddress, tell: (error: unknown) => void): Promise<RedisTopology> {
  return address.kind === 'cluster' ? await clusterTopology(address, tell) : await primaryTopology(address, tell)
}

function optionsOf({ username, password }: RedisAddress) {
  return {
    // A command that cannot go out now must not go out later, when nobody waits for it any more.
    disableOfflineQueue: true,
    commandsQueueMaxLength: 8000,
    maintNotifications: 'disabled' as const,
    // A partition sends no word. Without an answer for a second the connection is given up and made anew.
    pingInterval: 250,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  }
}

// The deadline of a call is ours: one of the driver's own for each command costs much and is 5 s.
const commandOptions = { timeout: 0 }
const reconnectStrategy = (retries: number) => Math.min(25 * 2 ** retries, 250)

function socketOf({ tls }: RedisAddress) {
  const socket = { connectTimeout: 1000, socketTimeout: 1000, reconnectStrategy }
  return tls ? { ...socket, tls: true as const } : socket
}

async function primaryTopology(address: RedisAddress, tell: (error: unknown) => void): Promise<RedisTopology> {
  const { createClient } = await import('redis')
  const connected = (node: RedisNode) => {
    const client = createClient({
      ...optionsOf(address),
      commandOptions,
      socket: { ...socketOf(address), ...node },
      ...(address.database === undefined ? {} : { database: address.database }),
    })
    client.on('error', tell)
    // Rejects when the client is closed before it ever had a connection.
    client.connect().catch(tell)
    return { node, client, primary: redisPrimary(client) }
  }
  const askSentinel = async (node: RedisNode): Promise<RedisNode | undefined> => {
    const socket = { ...socketOf(address), ...node, connectTimeout: 300, reconnectStrategy: false as const }
    const sentinel = createClient({ disableOfflineQueue: true, maintNotifications: 'disabled', commandOptions, socket })
    sentinel.on('error', tell)
    const deadline = setTimeout(() => sentinel.destroy(), 400)
    try {
      await sentinel.connect()
      const answer = await sentinel.sendCommand<unknown>(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', address.primary ?? ''])
      if (!Array.isArray(answer)) return undefined
      const [host, port] = answer.map(String)
      return host === undefined ? undefined : { host, port: Number(port) }
    } catch (cause) {
      tell(cause)
      return undefined
    } finally {
      clearTimeout(deadline)
      if (sentinel.isOpen) sentinel.destroy()
    }
  }
  const find = async (): Promise<RedisNode | undefined> => {
    if (address.kind === 'single') return address.nodes[0]
    for (const node of address.nodes) {
      const found = await askSentinel(node)
      if (found !== undefined) return found
    }
    return undefined
  }
  let current: ReturnType<typeof connected> | undefined
  let looking: Promise<void> | undefined
  let closed = false
  const lookOnce = async () => {
    const node = await find()
    if (closed || node === undefined) return
    if (current?.node.host === node.host && current.node.port === node.port) return
    const before = current
    current = connected(node)
    before?.client.destroy()
  }
  const look = () => {
    looking ??= lookOnce().finally(() => {
      looking = undefined
    })
    return looking
  }
  await look()
  const ready = () => {
    if (current?.client.isReady === true) return current.primary
    throw new ConnectionLostError('there is no connection to Redis')
  }
  return {
    primaryFor: ready,
    primaries: () => [ready()],
    tags: 1,
    look,
    close() {
      closed = true
      current?.client.destroy()
    },
  }
}

/** Hash tags stay together when slots move, so that a marker is always where the keys are that it speaks for. */
const clusterTags = 16

async function clusterTopology(address: RedisAddress, tell: (error: unknown) => void): Promise<RedisTopology> {
  const { createCluster } = await import('redis')
  const cluster = createCluster({
    rootNodes: address.nodes.map((node) => ({ ...optionsOf(address), socket: { ...socketOf(address), ...node } })),
    defaults: { ...optionsOf(address), socket: socketOf(address) },
    commandOptions,
    topologyRefreshOnReconnectionAttemptStrategy: 500,
  })
  cluster.on('error', tell)
  const slots = new Map<string, number>()
  let connecting: Promise<unknown> | undefined
  const look = async () => {
    try {
      connecting ??= cluster.connect()
      await connecting
      for (let at = 0; at < clusterTags; at++) {
        const tag = String(at)
        // A command with redirections allowed makes the driver read the map of slots anew.
        await cluster.sendCommand(`{xaa${tag}}`, false, ['EXISTS', `{xaa${tag}}`])
        if (!slots.has(tag)) {
          const slot = await cluster.sendCommand<unknown>(undefined, true, ['CLUSTER', 'KEYSLOT', `{xaa${tag}}`])
          slots.set(tag, Number(slot))
        }
      }
    } catch (cause) {
      if (!cluster.isOpen) connecting = undefined
      tell(cause)
    }
  }
  await Promise.race([look(), new Promise((resolve) => setTimeout(resolve, 900).unref())])
  const connectionAt = (slot: number | undefined): RedisConnection => {
    const client = slot === undefined ? undefined : cluster.slots[slot]?.master.client
    if (client === undefined || client instanceof Promise || !client.isReady)
      throw new ConnectionLostError('there is no connection to the primary of a slot')
    return client
  }
  return {
    primaryFor: (tag) => redisPrimary(connectionAt(slots.get(tag))),
    primaries() {
      if (slots.size < clusterTags) throw new ConnectionLostError('the cluster is not known yet')
      return [...new Set([...slots.values()].map(connectionAt))].map(redisPrimary)
    },
    tags: clusterTags,
    look,
    close: () => {
      if (cluster.isOpen) cluster.destroy()
    },
  }
}
