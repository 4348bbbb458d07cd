/** Refresh tokens of the identity provider's own in a configuration: whether there are any, and how long each connection takes them. */

import type { Finding, Part } from './config-part.ts'
import { duration } from './config-values.ts'
import { mapping } from './schema-problems.ts'

/** As long as a lifted block is remembered, so that what it ended stays ended. */
const longestSession = 90 * 24 * 3600

/** `idp.refreshTokens`. Absent: none is given out, and none is taken. */
export const refreshTokens = mapping({
  /** The longest time, in seconds, from a person's sign-in to the end of its refresh tokens. */
  sessionAge: duration(60, longestSession),
}).optional()

/** `refreshTokens` of a connection. Absent: it takes none. */
export const connectionRefreshTokens = mapping({
  /** How long after the sign-in, in seconds, they are taken for this connection. */
  maxAge: duration(60, longestSession),
}).optional()

/** What is wrong with `refreshTokens` of a connection beside what `idp` says. */
export function checkConnectionRefreshTokens(connection: Part, idp: Part): Finding[] {
  const { path, exists } = connection.at('refreshTokens')
  if (!exists) return []
  if (!idp.at('refreshTokens').exists)
    return [{ path, message: 'needs idp.refreshTokens', remedy: 'add refreshTokens: { sessionAge: SECONDS } to idp' }]
  const { value: sessionAge } = idp.at('refreshTokens').at('sessionAge')
  const maxAge = connection.at('refreshTokens').at('maxAge')
  if (typeof sessionAge !== 'number' || typeof maxAge.value !== 'number' || maxAge.value <= sessionAge) return []
  return [
    {
      path: maxAge.path,
      message: `is longer than idp.refreshTokens.sessionAge, which is ${sessionAge}`,
      found: String(maxAge.value),
      remedy: 'no refresh token lives that long: shorten it, or raise sessionAge',
    },
  ]
}
