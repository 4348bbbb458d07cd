/** The accounts of a resource authorization server: those of its configuration, and links made while it runs, kept in the store. */

import { createHash } from 'node:crypto'
import * as z from 'zod'
import { type Account, type Accounts, type SubjectKey, subjectKeyText } from '../resource-as/accounts.ts'
import { ConflictError, type RecordChange, type Records, StoreUnavailableError } from '../store/store.ts'
import { type AccountEntry, type KnownAccount, linkKeys } from './accounts.ts'
import { answered } from './answered.ts'
import { samlNameFinder } from './subject-id-role.ts'

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
  tenant: z.string().optional(),
  audTenant: z.string().optional(),
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
  const configuredLink = linksOf(entries)
  const digest = digester(server)
  const linkId = (key: SubjectKey) => digest(...partsOf(key))
  const readLink = async (key: SubjectKey) => {
    const record = await records.get(kinds.link, linkId(key))
    return record === undefined ? undefined : { version: record.version, ...Link.parse(record.value) }
  }
  const accountAt = (id: string, audTenant: string | undefined, linked: boolean): Account => {
    const entry = configured.get(id)
    return {
      id,
      enabled: entry?.disabled !== true,
      linked,
      audTenant: entry === undefined ? audTenant : entry.audTenant,
    }
  }
  /** The account a person is linked to and that is still there. */
  const accountOf = async (key: SubjectKey): Promise<string | undefined> => {
    const id = configuredLink(key)
    if (id !== undefined) return id
    const link = await readLink(key)
    return link !== undefined && (link.made || configured.has(link.account)) ? link.account : undefined
  }
  const named = samlNameFinder(entries)
  const isLinked = async (id: string) =>
    (configured.get(id)?.links?.length ?? 0) > 0 || (await records.get(kinds.owner, digest(id))) !== undefined

  return {
    findLinked(key) {
      const id = configuredLink(key)
      if (id !== undefined) return accountAt(id, key.audTenant, true)
      return answered(async () => {
        const found = await accountOf(key)
        return found === undefined ? undefined : accountAt(found, key.audTenant, true)
      })
    },
    findByEmail: (email, audTenant) =>
      answered(async (): Promise<Account | undefined> => {
        const id = entries.find((entry) => entry.email === email && entry.audTenant === audTenant)?.id
        if (id !== undefined) return accountAt(id, audTenant, await isLinked(id))
        const owner = await records.get(kinds.email, digest(email, ...inTenant(audTenant)))
        return owner === undefined ? undefined : accountAt(String(owner.value.account), audTenant, true)
      }),
    findById: (id, audTenant) =>
      answered(async () => {
        const entry = configured.get(id)
        return entry === undefined || entry.audTenant !== audTenant
          ? undefined
          : accountAt(id, audTenant, await isLinked(id))
      }),
    findBySamlName: (question) =>
      answered(async () => {
        const id = named(question)
        return id === undefined ? undefined : accountAt(id, question.audTenant, await isLinked(id))
      }),
    linkFirst: (key, accountId) =>
      answered(async () => {
        const known = await accountOf(key)
        if (known !== undefined) return known
        const entry = configured.get(accountId)
        if (entry === undefined || entry.audTenant !== key.audTenant || (await isLinked(accountId))) return undefined
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
          const account = `person-${createHash('sha256').update(subjectKeyText(key)).digest('base64url').slice(0, 22)}`
          const value = { ...key, account, made: true, ...(email === undefined ? {} : { email }) }
          const changes: RecordChange[] = [
            { kind: kinds.link, id: linkId(key), expected: (await readLink(key))?.version ?? 0, value },
          ]
          const emailId = email === undefined ? '' : digest(email, ...inTenant(key.audTenant))
          if (email !== undefined && (await records.get(kinds.email, emailId)) === undefined)
            changes.push({ kind: kinds.email, id: emailId, expected: 0, value: { account, email } })
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
      ({ record, link: { account, made, ...key } }) => made && account === id && record.id === digest(...partsOf(key)),
    )
  return made && { id, email: made.link.email, name: undefined, enabled: true }
}

/** Finds the account that the configuration links a person to. */
function linksOf(entries: readonly AccountEntry[]): (key: SubjectKey) => string | undefined {
  const byIssuer = new Map<string, Map<string, string>>()
  for (const { id, ...entry } of entries)
    for (const key of linkKeys(entry)) {
      const subjects = byIssuer.get(key.issuer) ?? new Map<string, string>()
      byIssuer.set(key.issuer, subjects.set(nameOf(key), id))
    }
  return (key) => byIssuer.get(key.issuer)?.get(nameOf(key))
}

/** One person of an issuer, in one tenant: without tenants the `sub` itself, which is text and holds no control character. */
function nameOf({ sub, tenant, audTenant }: SubjectKey): string {
  return tenant === undefined && audTenant === undefined
    ? sub
    : `\u0000${JSON.stringify([sub, tenant ?? null, audTenant ?? null])}`
}

function digester(server: string): (...parts: (string | null)[]) => string {
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

/** What the id of a link is made of: as it was before there were tenants, where there are none. */
function partsOf({ issuer, sub, tenant, audTenant }: SubjectKey): (string | null)[] {
  return tenant === undefined && audTenant === undefined
    ? [issuer, sub]
    : [issuer, sub, tenant ?? null, audTenant ?? null]
}

function inTenant(audTenant: string | undefined): string[] {
  return audTenant === undefined ? [] : [audTenant]
}
