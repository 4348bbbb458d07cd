/** The accounts of a resource authorization server in memory, with links that are made while it runs. */

import { createHash } from 'node:crypto'
import { type Account, type Accounts, type SubjectKey, subjectKeyText } from '../resource-as/accounts.ts'
import { type KnownSamlName, samlNameFinder } from './subject-id-role.ts'

/** An account that is there from the start. */
export interface AccountEntry {
  id: string
  email?: string | undefined
  name?: string | undefined
  disabled?: boolean | undefined
  /** The tenant of the server that it belongs to. Absent: none. */
  audTenant?: string | undefined
  /** The people of trusted issuers who have this account. They reach it in its tenant alone. */
  links?: readonly Omit<SubjectKey, 'audTenant'>[] | undefined
  /** The SAML names that trusted issuers may give this account's person. */
  samlNames?: readonly KnownSamlName[] | undefined
}

/** The keys of the people who have an account from the start. */
export function linkKeys({ audTenant, links = [] }: Pick<AccountEntry, 'audTenant' | 'links'>): SubjectKey[] {
  return links.map((link) => ({ ...link, audTenant }))
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
  const accounts = new Map<string, KnownAccount & { linked: boolean; audTenant: string | undefined }>()
  const links = new Map<string, string>()
  const named = samlNameFinder(entries)
  for (const entry of entries) {
    const { id, email, name, disabled = false, audTenant } = entry
    const own = linkKeys(entry)
    accounts.set(id, { id, email, name, enabled: !disabled, linked: own.length > 0, audTenant })
    for (const key of own) links.set(subjectKeyText(key), id)
  }
  const asAccount = (id: string | undefined): Account | undefined => (id === undefined ? undefined : accounts.get(id))
  return {
    find: (id) => accounts.get(id),
    findLinked: async (key) => asAccount(links.get(subjectKeyText(key))),
    findByEmail: async (email, audTenant) =>
      [...accounts.values()].find((account) => account.email === email && account.audTenant === audTenant),
    findBySamlName: async (question) => asAccount(named(question)),
    async findById(id, audTenant) {
      const account = accounts.get(id)
      return account?.audTenant === audTenant ? account : undefined
    },
    async linkFirst(key, accountId) {
      const linked = links.get(subjectKeyText(key))
      if (linked !== undefined) return linked
      const account = accounts.get(accountId)
      if (account === undefined || account.linked || account.audTenant !== key.audTenant) return undefined
      account.linked = true
      links.set(subjectKeyText(key), accountId)
      return accountId
    },
    async createLinked(key, { email }) {
      const linked = links.get(subjectKeyText(key))
      if (linked !== undefined) return linked
      const id = `person-${createHash('sha256').update(subjectKeyText(key)).digest('base64url').slice(0, 22)}`
      accounts.set(id, { id, email, name: undefined, enabled: true, linked: true, audTenant: key.audTenant })
      links.set(subjectKeyText(key), id)
      return id
    },
  }
}
