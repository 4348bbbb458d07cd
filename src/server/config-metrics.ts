/** What the place where metrics are read must be: nobody on another machine reads them without the token. */

import type { Finding, Part } from './config-part.ts'
import { listen, staysHere } from './config-values.ts'

/** What is wrong with `metrics` although each of its values alone may be right. */
export function checkMetrics(metrics: Part): Finding[] {
  const address = metrics.at('listen')
  const read = listen.safeParse(address.value)
  if (!read.success || staysHere(read.data) || metrics.at('token').exists) return []
  const remedy = 'add token: { env: NAME } to metrics, or listen on 127.0.0.1'
  return [{ path: address.path, message: 'can be reached from other machines, and metrics has no token', remedy }]
}
