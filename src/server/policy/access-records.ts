/** The accesses that tokens were issued for: how a block finds tokens that nobody keeps a list of. */

import { hash } from 'node:crypto'
import * as z from 'zod'
import type { Access } from '../../protocol/blocks.ts'
import type { Seconds } from '../../protocol/ports.ts'
import type { RecordChange, Records } from '../../store/store.ts'
import { kinds } from './policy-records.ts'

const AccessValue = z.object({
  users: z.array(z.string()),
  client: z.string(),
  audiences: z.array(z.string()),
  issuer: z.string(),
  tenant: z.string().optional(),
})

/** An access with the index of its tokens. */
export interface KnownAccess {
  id: string
  index: number
  access: Access
}

/** The longest life of an access token of ours, with every clock difference. */
export const longestTokenLife: Seconds = 3700

/** An access gets a new record, and its tokens a new index, with each of these periods. */
const period: Seconds = 24 * 3600

/** Where the record of an access is now, and until when it must be kept so that a block finds every token of it. */
export function placeOf(access: Access, now: Seconds): { id: string; until: Seconds } {
  const started = Math.floor(now / period)
  return {
    id: hash('sha256', accessText(access, now), 'base64url'),
    until: (started + 1) * period + longestTokenLife,
  }
}

/**
 * Names an access and its period in this process: two have the same name only when they have one record, and one record may have several
 * names. Made for each token, at a fraction of what {@link accessText} costs.
 */
export function accessName({ users, client, audiences, issuer, tenant }: Access, now: Seconds): string {
  let name = `${Math.floor(now / period)} ${users.length} ${audiences.length} ${tenant === undefined ? '' : tenant.length}`
  for (const user of users) name += ` ${user.length} ${user}`
  for (const audience of audiences) name += ` ${audience.length} ${audience}`
  return `${name} ${client.length} ${client}${issuer.length} ${issuer}${tenant ?? ''}`
}

/** An access and its period as text: two have the same exactly when they have one record. */
export function accessText({ users, client, audiences, issuer, tenant }: Access, now: Seconds): string {
  return JSON.stringify([users, client, [...audiences].sort(), issuer, tenant ?? null, Math.floor(now / period)])
}

/** The change that ends an index for good. It conflicts when the index has ended already. */
export function endOfIndex(index: number, now: Seconds): RecordChange {
  return { kind: kinds.ended, id: String(index), expected: 0, value: {}, until: now + 2 * longestTokenLife }
}

/** Every access that tokens may still be alive for. Reads all of them: for a change of the policy, not for a request. */
export async function knownAccesses(records: Records): Promise<KnownAccess[]> {
  const list = await records.list(kinds.access)
  return list.map(({ id, version, value }) => {
    const { tenant, ...access } = AccessValue.parse(value)
    return { id, index: version, access: { ...access, ...(tenant === undefined ? {} : { tenant }) } }
  })
}
