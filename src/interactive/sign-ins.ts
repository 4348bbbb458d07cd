/** Who signed in for a grant, and which access tokens came of it: kept for as long as the grant can live. */

import * as z from 'zod'
import type { Seconds } from '../protocol/ports.ts'
import type { TokenStatuses } from '../resource-as/status.ts'
import type { SignedInPerson } from './sign-in/contract.ts'
import { type InteractiveState, type KeptChange, recordId, untilUncontested } from './state.ts'

const kind = 'interactive-sign-in'

const Kept = z.object({
  person: z.object({
    issuer: z.string(),
    sub: z.string(),
    email: z.string().optional(),
    emailVerified: z.boolean(),
    authTime: z.number().optional(),
    acr: z.string().optional(),
    amr: z.array(z.string()).optional(),
  }),
  at: z.number(),
  indexes: z.array(z.number()),
})

/** A sign-in as it was kept. */
export interface KeptSignIn {
  person: SignedInPerson
  /** When the person agreed. A block that was lifted later ended what came of it. */
  at: Seconds
  /** The statuses of the access tokens that were issued since. */
  indexes: readonly number[]
  version: number
  until: Seconds
}

export interface SignIns {
  /** Keeps it under an id of the provider's, in place of what was there. Tokens that were issued before stay known. */
  keep(id: string, person: SignedInPerson): Promise<void>
  find(id: string): Promise<KeptSignIn | undefined>
  /** The change by which a token's status becomes known, to be made together with whatever is spent for it. */
  withIndex(id: string, kept: KeptSignIn, index: number): KeptChange[]
  /** Ends the grant and every access token that came of it. Durable before it resolves. */
  end(id: string): Promise<void>
}

export interface SignInsOptions {
  issuer: string
  state: InteractiveState
  statuses: TokenStatuses
  now(): Seconds
  /** As long as the longest grant. */
  lifetime: Seconds
}

/** The sign-ins of one server. */
export function keptSignIns({ issuer, state, statuses, now, lifetime }: SignInsOptions): SignIns {
  const idOf = (id: string) => recordId(issuer, kind, id)
  const find = async (id: string): Promise<KeptSignIn | undefined> => {
    const record = await state.get(kind, idOf(id))
    if (record === undefined) return undefined
    const { person, at, indexes } = Kept.parse(record.value)
    return { person: present(person), at, indexes, version: record.version, until: record.until ?? now() }
  }
  return {
    find,
    keep: (id, person) =>
      untilUncontested(async () => {
        const { version = 0, indexes = [] } = (await find(id)) ?? {}
        const value = { person, at: now(), indexes }
        await state.change([{ kind, id: idOf(id), expected: version, value, until: now() + lifetime }])
      }),
    withIndex(id, { person, at, indexes, version, until }, index) {
      const value = { person, at, indexes: [...new Set([...indexes, index])] }
      return [{ kind, id: idOf(id), expected: version, value, until }]
    },
    end: (id) =>
      untilUncontested(async () => {
        const kept = await find(id)
        if (kept === undefined) return
        // Whoever issues at this moment changes the record too: then it is read again, with the new token.
        for (const index of kept.indexes) await statuses.end(index)
        await state.change([{ kind, id: idOf(id), expected: kept.version }])
      }),
  }
}

/** Without the members that are undefined. */
function present(person: z.output<typeof Kept>['person']): SignedInPerson {
  return Object.fromEntries(
    Object.entries(person).filter(([, value]) => value !== undefined),
  ) as unknown as SignedInPerson
}
