/** The address of a Redis store as text: one server, a primary that Sentinels know, or a cluster. */

/** Where the servers are, and how one speaks to them. */
export interface RedisAddress {
  kind: 'single' | 'sentinel' | 'cluster'
  /** For `sentinel` the Sentinels, for `cluster` some of its nodes. */
  nodes: readonly [RedisNode, ...RedisNode[]]
  tls: boolean
  username?: string
  password?: string
  /** What the Sentinels call the primary. */
  primary?: string
  /** The number of the database; not in a cluster. */
  database?: number
}

export interface RedisNode {
  host: string
  port: number
}

/** An address that cannot be read, as a fact about it. */
export class RedisAddressError extends Error {
  override readonly name = 'RedisAddressError'
}

const form =
  /^(redis|rediss)(?:\+(sentinel|cluster))?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^@/?#]+)(?:\/([A-Za-z0-9._-]*))?$/
const forms = 'redis://HOST:PORT/DB, redis+sentinel://HOST:PORT,HOST:PORT/NAME or redis+cluster://HOST:PORT,HOST:PORT'

/**
 * Reads `redis://[user:password@]host:port/db`, `redis+sentinel://host:port,…/name` and `redis+cluster://host:port,…`; `rediss` in
 * front means TLS, to every server. User and password are percent-encoded; Sentinels are asked without them. Throws
 * {@link RedisAddressError}, whose message holds no part of the address.
 */
export function readRedisAddress(text: string): RedisAddress {
  const [, scheme, kind = 'single', username = '', password, hosts = '', path = ''] = form.exec(text) ?? []
  if (scheme === undefined) throw new RedisAddressError(`must be ${forms}`)
  const [first, ...rest] = hosts.split(',').map((one) => nodeOf(one, kind === 'sentinel' ? 26_379 : 6379))
  if (first === undefined) throw new RedisAddressError(`must be ${forms}`)
  const common = {
    nodes: [first, ...rest] as const,
    tls: scheme === 'rediss',
    ...(username === '' ? {} : { username: decoded(username) }),
    ...(password === undefined ? {} : { password: decoded(password) }),
  }
  if (kind === 'sentinel') {
    if (path === '') throw new RedisAddressError('must end with the name that the Sentinels give the primary')
    return { kind, ...common, primary: path }
  }
  if (kind === 'cluster') {
    if (path !== '') throw new RedisAddressError('must end with the last port: a cluster has one database')
    return { kind, ...common }
  }
  if (rest.length > 0) throw new RedisAddressError('names several servers: write redis+sentinel:// or redis+cluster://')
  if (!/^\d{0,3}$/.test(path)) throw new RedisAddressError('must end with the number of a database')
  return { kind: 'single', ...common, database: Number(path) }
}

function nodeOf(text: string, usualPort: number): RedisNode {
  const [, six, host, port] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const name = six ?? host
  const number = port === undefined ? usualPort : Number(port)
  if (name === undefined || number < 1 || number > 65_535) throw new RedisAddressError(`must be ${forms}`)
  return { host: name, port: number }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new RedisAddressError('has a user or password that is not percent-encoded')
  }
}

/** The address as it may be shown: without user and password. */
export function redisAddressText({ kind, nodes, tls, primary, database }: RedisAddress): string {
  const scheme = `${tls ? 'rediss' : 'redis'}${kind === 'single' ? '' : `+${kind}`}`
  const hosts = nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',')
  const path = primary ?? (database === undefined || database === 0 ? undefined : String(database))
  return `${scheme}://${hosts}${path === undefined ? '' : `/${path}`}`
}
