/** Where the redis-server of this machine is. */

import { spawnSync } from 'node:child_process'
import { delimiter, dirname } from 'node:path'

/**
 * True when a redis-server can be started: the one that REDIS_SERVER names, whose folder then comes first in PATH for whoever starts
 * it, or one of PATH.
 */
export function findRedis(): boolean {
  const named = process.env.REDIS_SERVER
  if (named !== undefined && named !== '') process.env.PATH = `${dirname(named)}${delimiter}${process.env.PATH ?? ''}`
  return spawnSync('redis-server', ['--version']).status === 0
}
