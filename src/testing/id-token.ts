/** ID Tokens without a sign-in: signed with an issuer's own key, for tests that need one of a certain kind. */

import type { JsonObject } from '../protocol/json.ts'
import { signJwt } from '../protocol/jwt.ts'
import type { SigningKeys } from '../protocol/keys.ts'
import type { Seconds } from '../protocol/ports.ts'

export interface NewIdToken {
  issuer: string
  signingKeys: SigningKeys
  /** The id by which the issuer knows the client: `aud`. */
  clientId: string
  user: { sub: string; email: string; groups: readonly string[] }
  now: Seconds
  jti: string
  /** Laid over the claims. A null takes a claim away. */
  claims?: JsonObject
}

const lifetime: Seconds = 3600

/** Signs an ID Token of somebody who signed in at this moment (OpenID Connect Core §2). It lives one hour. */
export async function mintIdToken(token: NewIdToken): Promise<string> {
  const { issuer, signingKeys, clientId, user, now, jti, claims } = token
  const iat = Math.floor(now)
  const all: JsonObject = {
    iss: issuer,
    sub: user.sub,
    aud: clientId,
    iat,
    exp: iat + lifetime,
    auth_time: iat,
    jti,
    email: user.email,
    email_verified: true,
    groups: [...user.groups],
    ...claims,
  }
  const present = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null))
  return await signJwt(present, 'JWT', signingKeys.current())
}
