/** The accounts of a resource authorization server in memory, with links that are made while it runs. */

import { createHash } from 'node:crypto'
import type { Account, Accounts, SubjectKey } from '../resource-as/accounts.ts'

/** An account that is there from the start. */
export interface AccountEntry {
  id: string
  email?: string | undefined
  name?: string | undefined
  disabled?: boolean | undefined
  /** The people of trusted issuers who have this account. */
  links?: readonly SubjectKey[] | undefined
}

/** An account as its owner sees it. */
export interface KnownAccount {
  id: string
  email: string | undefined
  name: string | undefined
  enabled: boolean
}

/** {@link Accounts} that their owner can look into. */
export interface MemoryAccounts extends Accounts {
  find(id: string): KnownAccount | undefined
}

/**
 * Accounts in memory. Links and accounts made at run time are forgotten with the process: a person finds an account made for
 * them again, because its id follows from who they are. E-mail addresses are compared to the letter.
 */
export function memoryAccounts(entries: readonly AccountEntry[]): MemoryAccounts {
  const accounts = new Map<string, KnownAccount & { linked: boolean }>()
  const links = new Map<string, string>()
  for (const { id, email, name, disabled = false, links: own = [] } of entries) {
    accounts.set(id, { id, email, name, enabled: !disabled, linked: own.length > 0 })
    for (const link of own) links.set(keyOf(link), id)
  }
  const asAccount = (id: string | undefined): Account | undefined => (id === undefined ? undefined : accounts.get(id))
  return {
    find: (id) => accounts.get(id),
    findLinked: async (key) => asAccount(links.get(keyOf(key))),
    findByEmail: async (email) => [...accounts.values()].find((account) => account.email === email),
    async linkFirst(key, accountId) {
      const linked = links.get(keyOf(key))
      if (linked !== undefined) return linked
      const account = accounts.get(accountId)
      if (account === undefined || account.linked) return undefined
      account.linked = true
      links.set(keyOf(key), accountId)
      return accountId
    },
    async createLinked(key, { email }) {
      const linked = links.get(keyOf(key))
      if (linked !== undefined) return linked
      const id = `person-${createHash('sha256').update(keyOf(key)).digest('base64url').slice(0, 22)}`
      accounts.set(id, { id, email, name: undefined, enabled: true, linked: true })
      links.set(keyOf(key), id)
      return id
    },
  }
}

function keyOf({ issuer, sub }: SubjectKey): string {
  return JSON.stringify([issuer, sub])
}
