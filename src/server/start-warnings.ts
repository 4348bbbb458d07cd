/** What can be started and should not be left so: sentences for the operator, each with its setting and its remedy. */

import type { Config } from './config.ts'
import { isLoopbackUrl, type Listen, staysHere } from './config-values.ts'

/** What the process is run by. */
export interface ProcessFacts {
  /** Without the `v`. */
  nodeVersion: string
  /** Of the user that runs it; undefined where the system has none. */
  userId: number | undefined
}

/** Of each supported line, the first version without the known holes of its HTTP server (CVE-2026-21717). */
const safeNode = new Map([
  [20, '20.20.2'],
  [22, '22.22.2'],
  [24, '24.14.1'],
])

/** What of a configuration is open to others without need. Empty for one that is as it should be. */
export function configWarnings(config: Config): string[] {
  const { admin, metrics, limits, trustedProxies } = config
  const roles = (['idp', 'resourceAs'] as const).flatMap((name) => {
    const role = config[name]
    return role === undefined ? [] : [{ ...role, name, isDevelopment: isLoopbackUrl(role.issuer) }]
  })
  const proxied = roles.find(({ tls, isDevelopment }) => tls === undefined && !isDevelopment)
  return [
    ...roles
      .filter(({ listen, isDevelopment }) => isDevelopment && !staysHere(listen))
      .map(
        ({ name, listen, issuer }) =>
          `${name}.listen: ${hostText(listen)} can be reached from other machines, and ${issuer} is an issuer for local work, where weak secrets are allowed. Listen on 127.0.0.1, or give it an https issuer.`,
      ),
    ...(limits === 'off' && roles.some(({ listen, isDevelopment }) => !isDevelopment || !staysHere(listen))
      ? [
          'limits: are off, so anybody may guess secrets and ask for tokens as fast as the machine answers. Remove limits: off, or raise single limits.',
        ]
      : []),
    // ATK-074: a stranger must lock nobody out.
    ...(proxied !== undefined && limits !== 'off' && trustedProxies.length === 0
      ? [
          `trustedProxies: is empty, and ${proxied.name} leaves TLS to a proxy: everybody behind it counts as one sender, and a stranger's wrong secrets hold back the client itself. List the proxy's addresses.`,
        ]
      : []),
    ...(admin !== undefined && !staysHere(admin.listen)
      ? [
          `admin.listen: ${hostText(admin.listen)} can be reached from other machines, and the administration has no TLS of its own. Listen on 127.0.0.1, or let only a proxy with TLS reach it.`,
        ]
      : []),
    ...(metrics !== undefined && !staysHere(metrics.listen)
      ? [
          `metrics.listen: ${hostText(metrics.listen)} can be reached from other machines, and the metrics have no TLS of their own. Listen on 127.0.0.1, or let only a proxy with TLS reach it.`,
        ]
      : []),
  ]
}

/** What is wrong with the way the process is run. Empty when nothing is. */
export function processWarnings({ nodeVersion, userId }: ProcessFacts): string[] {
  const line = Number.parseInt(nodeVersion, 10)
  const safe = safeNode.get(line)
  return [
    ...(safe !== undefined && isOlder(nodeVersion, safe)
      ? [`Node.js ${nodeVersion} has known holes in its HTTP server. Install ${safe} or newer.`]
      : []),
    ...(safe === undefined && line < 24
      ? [`Node.js ${nodeVersion} is of a line that gets no fixes. Install ${safeNode.get(24)} or newer.`]
      : []),
    ...(userId === 0
      ? ['The process runs as root: whoever took it over would have the machine. Run it as a user of its own.']
      : []),
  ]
}

function isOlder(version: string, than: string): boolean {
  const [one, other] = [version, than].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)))
  const differs = other?.findIndex((part, at) => part !== one?.[at]) ?? -1
  return differs >= 0 && (one?.[differs] ?? 0) < (other?.[differs] ?? 0)
}

function hostText({ host, port }: Listen): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
