/** The accounts of a resource authorization server: those of its configuration, and links made while it runs, kept in the store. */

import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { Account, Accounts, SubjectKey } from '../resource-as/accounts.ts'
import { ConflictError, type RecordChange, type Records, StoreUnavailableError } from '../store/store.ts'
import type { AccountEntry, KnownAccount } from './accounts.ts'
import { answered } from './answered.ts'

export interface StoredAccountsOptions {
  records: Records
  /** The issuer identifier of the server: several may share a store, and their accounts are apart. */
  server: string
  /** Accounts of the configuration, which may also come and go with it. */
  entries: readonly AccountEntry[]
}

/** A person's link: to an account of the configuration, or to one that was made for them and is this record. */
const Link = z.object({
  account: z.string(),
  made: z.boolean(),
  issuer: z.string(),
  sub: z.string(),
  email: z.string().optional(),
})
const kinds = { link: 'account-link', owner: 'account-owner', email: 'account-email' } as const

/**
 * {@link Accounts} that keep what was made at run time, also across a restart and for every process on the same store. E-mail
 * addresses are compared to the letter. A link to an account that is no longer in the configuration leads nowhere. Throws
 * `temporarily_unavailable` when the store cannot answer.
 */
export function storedAccounts({ records, server, entries }: StoredAccountsOptions): Accounts {
  const configured = new Map(entries.map((entry) => [entry.id, entry]))
  const linked = new Map(entries.flatMap(({ id, links = [] }) => links.map((link) => [textOf(link), id] as const)))
  const digest = digester(server)
  const linkId = ({ issuer, sub }: SubjectKey) => digest(issuer, sub)
  const readLink = async (key: SubjectKey) => {
    const record = await records.get(kinds.link, linkId(key))
    return record === undefined ? undefined : { version: record.version, ...Link.parse(record.value) }
  }
  const enabled = (id: string) => configured.get(id)?.disabled !== true
  /** The account a person is linked to and that is still there. */
  const accountOf = async (key: SubjectKey): Promise<string | undefined> => {
    const id = linked.get(textOf(key))
    if (id !== undefined) return id
    const link = await readLink(key)
    return link !== undefined && (link.made || configured.has(link.account)) ? link.account : undefined
  }
  const isLinked = async (id: string) =>
    (configured.get(id)?.links?.length ?? 0) > 0 || (await records.get(kinds.owner, digest(id))) !== undefined

  return {
    findLinked: (key) =>
      answered(async () => {
        const id = await accountOf(key)
        return id === undefined ? undefined : { id, enabled: enabled(id), linked: true }
      }),
    findByEmail: (email) =>
      answered(async (): Promise<Account | undefined> => {
        const id = entries.find((entry) => entry.email === email)?.id
        if (id !== undefined) return { id, enabled: enabled(id), linked: await isLinked(id) }
        const owner = await records.get(kinds.email, digest(email))
        return owner === undefined ? undefined : { id: String(owner.value.account), enabled: true, linked: true }
      }),
    linkFirst: (key, accountId) =>
      answered(async () => {
        const known = await accountOf(key)
        if (known !== undefined) return known
        if (!configured.has(accountId) || (await isLinked(accountId))) return undefined
        const link = { ...key, account: accountId, made: false }
        const owner = { account: accountId, ...key }
        const changes: RecordChange[] = [
          { kind: kinds.link, id: linkId(key), expected: (await readLink(key))?.version ?? 0, value: link },
          { kind: kinds.owner, id: digest(accountId), expected: 0, value: owner },
        ]
        // Whoever lost a race finds what the winner made.
        return (await changed(records, changes)) ? accountId : await accountOf(key)
      }),
    createLinked: (key, { email }) =>
      answered(async () => {
        for (let attempt = 0; attempt < 5; attempt++) {
          const known = await accountOf(key)
          if (known !== undefined) return known
          // The id follows from who they are, so a person finds their account again also when the store was lost.
          const account = `person-${createHash('sha256').update(textOf(key)).digest('base64url').slice(0, 22)}`
          const value = { ...key, account, made: true, ...(email === undefined ? {} : { email }) }
          const changes: RecordChange[] = [
            { kind: kinds.link, id: linkId(key), expected: (await readLink(key))?.version ?? 0, value },
          ]
          if (email !== undefined && (await records.get(kinds.email, digest(email))) === undefined)
            changes.push({ kind: kinds.email, id: digest(email), expected: 0, value: { account, email } })
          if (await changed(records, changes)) return account
        }
        throw new StoreUnavailableError('the account is being changed by others all the time')
      }),
  }
}

/**
 * What is known of one account of this server: from its configuration, or from the person it was made for. Reads every link there is,
 * so it is NOT for a server of many people. Throws as {@link storedAccounts} does.
 */
export async function findKnownAccount(
  { records, server, entries }: StoredAccountsOptions,
  id: string,
): Promise<KnownAccount | undefined> {
  const entry = entries.find((one) => one.id === id)
  if (entry !== undefined) return { id, email: entry.email, name: entry.name, enabled: entry.disabled !== true }
  const digest = digester(server)
  const links = await answered(() => records.list(kinds.link))
  const made = links
    .map((record) => ({ record, link: Link.parse(record.value) }))
    // The accounts of other servers in the same store have the same ids.
    .find(
      ({ record, link: { account, made, issuer, sub } }) => made && account === id && record.id === digest(issuer, sub),
    )
  return made && { id, email: made.link.email, name: undefined, enabled: true }
}

function digester(server: string): (...parts: string[]) => string {
  return (...parts) =>
    createHash('sha256')
      .update(JSON.stringify([server, ...parts]))
      .digest('base64url')
}

/** False when somebody else was faster. */
async function changed(records: Records, changes: readonly RecordChange[]): Promise<boolean> {
  try {
    await records.change(changes)
    return true
  } catch (error) {
    if (error instanceof ConflictError) return false
    throw error
  }
}

function textOf({ issuer, sub }: SubjectKey): string {
  return JSON.stringify([issuer, sub])
}
