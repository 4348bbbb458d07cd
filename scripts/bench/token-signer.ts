/** Signs the tokens of the measurement: by node:crypto at once, because thousands are needed for each round. */

import { createPrivateKey, randomBytes, sign } from 'node:crypto'
import type { JWK } from 'jose'

/** Signs claims as a JWS of this type (none where it is undefined). A `jti` of its own is added to each. */
export type TokenSigner = (claims: object, type?: string) => string

/** Signs with a private ES256 key. */
export function tokenSigner(key: JWK): TokenSigner {
  const privateKey = createPrivateKey({ key: key as { [member: string]: unknown }, format: 'jwk' })
  return (claims, typ) => {
    const header = encoded({ alg: 'ES256', kid: key.kid, typ })
    const input = `${header}.${encoded({ ...claims, jti: randomBytes(16).toString('base64url') })}`
    return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  }
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
