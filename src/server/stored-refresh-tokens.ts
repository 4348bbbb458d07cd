/** Refresh tokens of the identity provider's own, kept as records of the store under a hash: no token is ever written down. */

import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { User } from '../idp/connections.ts'
import type { RefreshTokenIssue } from '../idp/refresh-tokens.ts'
import type { RefreshTokenRecord, RefreshTokens } from '../idp/subject.ts'
import { OAuthError } from '../protocol/errors.ts'
import { ConflictError, type Records, type RecordValue } from '../store/store.ts'
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
 * remembered: a person's record is kept with the token only where nobody else knows it. Throws `temporarily_unavailable` when the store
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
        await records.change([
          { kind, id: idOf(token), expected: 0, value: recordValueOf(record, findSource), until: record.expiresAt },
        ])
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
