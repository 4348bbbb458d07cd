/** Refresh tokens of the identity provider's own, kept as records of the store under a hash: no token is ever written down. */

import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { User } from '../idp/connections.ts'
import type { RefreshTokenIssue } from '../idp/refresh-tokens.ts'
import type { RefreshTokenRecord, RefreshTokens } from '../idp/subject.ts'
import { OAuthError } from '../protocol/errors.ts'
import {
  ConflictError,
  type RecordChange,
  type Records,
  type RecordValue,
  StoreUnavailableError,
} from '../store/store.ts'
import { answered } from './answered.ts'

/** Where people sign in, as it is configured and switched on now. */
export interface SignInSource {
  enabled: boolean
  /** The person by the id of the record. Absent: nobody but the source knows its people, and they are as they were at sign-in. */
  findUser?: ((sub: string) => User | undefined) | undefined
}

export interface StoredRefreshTokensOptions {
  records: Records
  /** The issuer identifier of the identity provider: several may share a store, and their tokens are apart. */
  issuer: string
  /** Undefined for one that is not configured any more. */
  findSource(issuer: string): SignInSource | undefined
  /** True for a person who is switched off by one of their names. */
  isOff(user: User): boolean
}

const kind = 'refresh-token'
const kindOfShare = 'refresh-tokens-of'

/** How many live refresh tokens one client has of one person: nobody has more devices, and a loop does not fill the store. */
const mostOfOne = 20
const mostAttempts = 20

/** The ids of the tokens of one client for one person, the oldest first. */
const Share = z.object({ tokens: z.array(z.string()) })

const Kept = z.object({
  client: z.string(),
  sub: z.string(),
  issuer: z.string(),
  expiresAt: z.number(),
  issuedAt: z.number(),
  sessionStart: z.number(),
  authTime: z.number().optional(),
  acr: z.string().optional(),
  amr: z.array(z.string()).optional(),
  audiences: z.array(z.string()).optional(),
  scopes: z.array(z.string()).optional(),
  boundTo: z.string().optional(),
  remembered: z
    .object({
      sub: z.string(),
      tenant: z.string().optional(),
      enabled: z.boolean(),
      groups: z.array(z.string()),
      claims: z.record(z.string(), z.json()),
    })
    .optional(),
})

/**
 * {@link RefreshTokens} for every process on the same store, with the means to make and end them. What can be looked up is not
 * remembered: a person's record is kept with the token only where nobody else knows it. Of one client for one person the latest twenty
 * live: another ends the oldest. Throws `temporarily_unavailable` when the store
 * cannot answer, and `invalid_grant` for a token whose source is switched off.
 */
export function storedRefreshTokens({
  records,
  issuer,
  findSource,
  isOff,
}: StoredRefreshTokensOptions): RefreshTokens & Pick<RefreshTokenIssue, 'keep' | 'end'> {
  const idOf = (token: string) =>
    createHash('sha256')
      .update(JSON.stringify([kind, issuer, token]))
      .digest('base64url')
  return {
    find: (token) =>
      answered(async () => {
        const record = await records.get(kind, idOf(token))
        return record === undefined ? undefined : { ...Kept.parse(record.value), revoked: false }
      }),
    async findUser(sub, { issuer: source = '', remembered }) {
      const known = findSource(source)
      if (known === undefined) return undefined
      if (!known.enabled)
        throw new OAuthError('invalid_grant', 'subject_token: its issuer is disabled', { reason: 'issuer_disabled' })
      const user = known.findUser === undefined ? remembered : known.findUser(sub)
      return user !== undefined && isOff(user) ? { ...user, enabled: false } : user
    },
    keep: (token, record) =>
      answered(async () => {
        const id = idOf(token)
        const made = { kind, id, expected: 0, value: recordValueOf(record, findSource), until: record.expiresAt }
        await withinShare(records, shareOf(issuer, record), made)
      }),
    end: (token) =>
      answered(async () => {
        const id = idOf(token)
        const record = await records.get(kind, id)
        if (record === undefined) return
        await records.change([{ kind, id, expected: record.version }]).catch((error: unknown) => {
          // Nothing changes a record but its end: somebody else was faster.
          if (!(error instanceof ConflictError)) throw error
        })
      }),
  }
}

function recordValueOf(record: RefreshTokenRecord, findSource: StoredRefreshTokensOptions['findSource']): RecordValue {
  const { revoked: _, remembered, ...value } = record
  const isLookedUp = findSource(record.issuer ?? '')?.findUser !== undefined
  // As every store keeps it: without members that are undefined.
  return JSON.parse(JSON.stringify(isLookedUp ? value : { ...value, remembered })) as RecordValue
}

/** The id of the record that lists the tokens of one client for one person. */
function shareOf(issuer: string, { client, sub, issuer: source, remembered }: RefreshTokenRecord): string {
  const named = [kindOfShare, issuer, client, source ?? null, remembered?.tenant ?? null, sub]
  return createHash('sha256').update(JSON.stringify(named)).digest('base64url')
}

/** Makes a token and, in the same change, ends the oldest of its share when there are too many. */
async function withinShare(records: Records, share: string, made: RecordChange & { until: number }): Promise<void> {
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const listed = await records.get(kindOfShare, share)
    const tokens = listed === undefined ? [] : Share.parse(listed.value).tokens
    // Those that ended meanwhile take nobody's place. Looked for only when it matters.
    const found = tokens.length < mostOfOne ? [] : await Promise.all(tokens.map((id) => records.get(kind, id)))
    const live = found.flatMap((one) => one ?? [])
    const over = live.slice(0, Math.max(0, live.length - mostOfOne + 1))
    const kept = tokens.length < mostOfOne ? tokens : live.slice(over.length).map(({ id }) => id)
    const list = {
      kind: kindOfShare,
      id: share,
      expected: listed?.version ?? 0,
      value: { tokens: [...kept, made.id] },
      until: Math.max(made.until, listed?.until ?? 0),
    }
    try {
      await records.change([made, list, ...over.map(({ id, version }) => ({ kind, id, expected: version }))])
      return
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error
    }
  }
  throw new StoreUnavailableError('the refresh tokens of this person are being changed by others all the time')
}
