/** What `xaa serve` tells its operator about servers that were started. */

import type { Config } from '../server/config.ts'
import type { RunningServers } from '../server/server.ts'
import { storeText } from '../server/state.ts'

/** Where each role is to be found, and what is kept where. `now` is the moment, in seconds; `workers` are process ids. */
export function startReport(
  config: Config,
  { roles, administration, metrics, fence }: Pick<RunningServers, 'roles' | 'administration' | 'metrics' | 'fence'>,
  now: number,
  workers: readonly number[] = [],
): string {
  const addresses = roles.map(
    ({ role, issuer, listens, metadata }) =>
      `${role === 'idp' ? 'identity provider' : 'resource authorization server'}\n  issuer    ${issuer}\n  listens   ${listens}\n  metadata  ${metadata}\n`,
  )
  const ways = config.resourceAs === undefined ? '' : `clients\n  ${waysIn(config.resourceAs)}\n`
  const admin = administration === undefined ? '' : `administration\n  listens   ${administration}\n`
  const watched = metrics === undefined ? '' : `metrics\n  listens   ${metrics}/metrics\n`
  const processes = workers.length === 0 ? '' : `workers\n  processes ${workers.join(' ')}\n`
  const state = `state\n  store     ${storeText(config.store)}\n`
  return `${addresses.join('')}${ways}${admin}${watched}${processes}${state}${fenceText(config, fence, now)}`
}

/** Whether clients that no company manages get in at the resource authorization server. */
function waysIn({ interactive }: NonNullable<Config['resourceAs']>): string {
  if (interactive === undefined) return 'managed only: by identity assertions, and nobody signs in here'
  const issuers = interactive.signIn.map(({ issuer }) => issuer)
  const registration = interactive.registration === undefined ? '' : '; clients may register themselves'
  return `managed by identity assertions; interactive: people sign in at ${issuers.join(', ')}${registration}`
}

function fenceText({ resourceAs, store }: Config, fence: number, now: number): string {
  if (resourceAs === undefined) return ''
  if (store.kind === 'memory')
    return 'The memory store forgets at each start which ID-JAGs were redeemed: for the first 30 seconds, and for all that were issued before, redemption is refused.\n'
  if (fence <= now) return ''
  return `The store is new, or lost its memory: ID-JAGs issued before ${new Date(fence * 1000).toISOString()} are not redeemed.\n`
}
