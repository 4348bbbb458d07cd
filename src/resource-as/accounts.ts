/** From the person an ID-JAG names to the account here: linked before, linked now, made now, or refused (ID-JAG §2.2, §3.1). */

import { type Awaitable, following } from '../protocol/awaitable.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { IdJagClaims } from '../protocol/id-jag.ts'
import { accountNamed, refuseTwoPersons, type SamlNameQuestion } from './subject-identifier.ts'
import type { TrustedIssuer } from './trust.ts'

/** Who a person is to their issuer. Nothing else of a token identifies anybody (OpenID Connect Core §5.7). */
export interface SubjectKey {
  issuer: string
  sub: string
  /** Of the issuer, where it has tenants: the same `sub` in another one is somebody else (ID-JAG §6.3). */
  tenant?: string | undefined
  /** Of this server, where it has tenants: one person may have an account in each that they reach. */
  audTenant?: string | undefined
}

export interface Account {
  id: string
  enabled: boolean
  /** True when some issuer's subject is linked to it already. */
  linked: boolean
  /** The tenant of this server that it belongs to. Absent: none. */
  audTenant?: string | undefined
}

/** The accounts of the resource's owner. Both writes are atomic: two first visits at once end at one account. */
export interface Accounts {
  findLinked(key: SubjectKey): Awaitable<Account | undefined>
  /** Compared to the letter: a directory that folds case would give one person's account to another (ATK-042). */
  findByEmail(email: string, audTenant?: string): Promise<Account | undefined>
  /** By a SAML name that its issuer may use; throws where it is the name of two (SAML-08). Absent: nobody is found so. */
  findBySamlName?(question: SamlNameQuestion): Promise<Account | undefined>
  /** By its id, in the tenant or outside of all. Absent: no issuer can name accounts (JAG-16). */
  findById?(id: string, audTenant?: string): Promise<Account | undefined>
  /** Links an account nobody is linked to. Resolves to the account the key belongs to now, or undefined when another was faster. */
  linkFirst(key: SubjectKey, accountId: string): Promise<string | undefined>
  /** Makes an account for the key, or gives the one it has. `email` is there only where its issuer vouches for it. */
  createLinked(key: SubjectKey, profile: { email?: string }): Promise<string>
}

/**
 * Where a person's account is: its id, or a way to get it that writes and is therefore called only after the ID-JAG was
 * spent; undefined when there is none and none may be made. `account` is the id that `settle` leads to, where it is known before:
 * without it, a block on that account is not seen at the first visit.
 */
export type Resolution = string | { account?: string; settle(): Promise<string> } | undefined

/** Finds the account for a verified ID-JAG. A host with accounts of its own gives its own. */
export type ResolveSubject = (claims: IdJagClaims, trusted: TrustedIssuer) => Awaitable<Resolution>

/** The same for whoever signed in: every {@link ResolvePerson} is a {@link ResolveSubject}. */
export type ResolvePerson = (
  person: {
    sub: string
    email?: string | undefined
    email_verified?: unknown
    tenant?: string | undefined
    aud_sub?: string | undefined
    sub_id?: IdJagClaims['sub_id']
  },
  trusted: Pick<TrustedIssuer, 'issuer' | 'accounts' | 'subjectId' | 'audTenant' | 'audSub'>,
) => Awaitable<Resolution>

/** The rules of this server over any {@link Accounts} (RAS-17, D-18, D-19). Throws `access_denied` for a disabled account. */
export function accountsBySubject(accounts: Accounts): ResolvePerson {
  return (claims, trusted) => {
    const { audTenant } = trusted
    const key = subjectKey(claims, trusted)
    return following(accounts.findLinked(key), (known) => {
      // TEN-08: whoever keeps the accounts, none of another tenant is reached.
      if (known !== undefined && known.audTenant !== audTenant) return undefined
      return following(accountNamed(accounts, claims, trusted), (named): Awaitable<Resolution> => {
        if (known !== undefined) refuseTwoPersons(known, named)
        const audSub = trusted.audSub === true ? claims.aud_sub : undefined
        const found = known ?? named
        // JAG-16, D-18: an account id that contradicts what else is known of the person is not followed.
        if (audSub !== undefined && found !== undefined && audSub !== found.id) return undefined
        if (known !== undefined) return enabled(known)
        if (named !== undefined) return linking(accounts, key, named)
        return unlinked(accounts, key, claims, { audSub, rules: trusted.accounts })
      })
    })
  }
}

/** Somebody whom no link and no SAML name leads to an account. */
async function unlinked(
  accounts: Accounts,
  key: SubjectKey,
  claims: Parameters<ResolvePerson>[0],
  { audSub, rules }: { audSub: string | undefined; rules: TrustedIssuer['accounts'] },
): Promise<Resolution> {
  const { audTenant } = key
  // JAG-16: relative to the tenant of this server; where it names nobody, no other claim is tried.
  if (audSub !== undefined) return linking(accounts, key, await accounts.findById?.(audSub, audTenant))

  const { email } = claims
  // D-19: an address proves nothing unless its issuer owns the domain and has checked it.
  const vouched = email !== undefined && claims.email_verified === true && isIn(rules.emailDomains, email)
  const owner = email === undefined ? undefined : await accounts.findByEmail(email, audTenant)
  if (owner !== undefined) return vouched ? linking(accounts, key, owner) : undefined
  if (rules.unknown !== 'create') return undefined
  // D-19: an address nobody vouches for would pass as this person's, and would keep its owner out.
  return { settle: () => accounts.createLinked(key, vouched ? { email } : {}) }
}

/**
 * The first visit: from then on the person is found by issuer and `sub`. D-19: an account that somebody is linked to already is never
 * given to a second subject, by whatever name, and none of another tenant to anybody.
 */
function linking(accounts: Accounts, key: SubjectKey, account: Account | undefined): Resolution {
  if (account === undefined || account.linked || account.audTenant !== key.audTenant) return undefined
  const id = enabled(account)
  return {
    account: id,
    async settle() {
      const linked = await accounts.linkFirst(key, id)
      if (linked === undefined) throw noAccount('the account was linked to another subject meanwhile')
      return linked
    },
  }
}

/** The names by which a person is known here for good (ID-JAG §6.3). */
function subjectKey({ sub, tenant }: Parameters<ResolvePerson>[0], trusted: Parameters<ResolvePerson>[1]): SubjectKey {
  const { issuer, audTenant } = trusted
  if (tenant === undefined && audTenant === undefined) return { issuer, sub }
  return {
    issuer,
    sub,
    ...(tenant === undefined ? {} : { tenant }),
    ...(audTenant === undefined ? {} : { audTenant }),
  }
}

/** A key as text: two keys have the same exactly when they are the same person in the same tenant. */
export function subjectKeyText({ issuer, sub, tenant, audTenant }: SubjectKey): string {
  const inTenants = tenant !== undefined || audTenant !== undefined
  return JSON.stringify(inTenants ? [issuer, sub, tenant ?? null, audTenant ?? null] : [issuer, sub])
}

/** The refusal of a person without an account (RAS-17). */
export function noAccount(detail: string): OAuthError {
  return new OAuthError('invalid_grant', 'assertion: its subject has no account here', {
    reason: 'subject_unknown',
    detail,
  })
}

function enabled({ id, enabled }: Account): string {
  if (!enabled)
    throw new OAuthError('access_denied', 'the account is disabled', {
      reason: 'subject_disabled',
      detail: `account ${id} is disabled`,
    })
  return id
}

/** Whether a plain address belongs to one of these domains, lower case as it stands. Anything unusual belongs to none. */
function isIn(domains: readonly string[], email: string): boolean {
  const domain = /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([a-z0-9-]+(?:\.[a-z0-9-]+)+)$/.exec(email)?.[1]
  return domain !== undefined && domains.includes(domain)
}
