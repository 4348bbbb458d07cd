/** An ID-JAG that is signed and then encrypted (branch jwe-support, RFC 7519 §5.2): written for its recipient, and opened by it. */

import { CompactEncrypt, compactDecrypt } from 'jose'
import { contentEncryptions, type DecryptionKey, type RecipientKey } from './encryption-keys.ts'
import { decodeSegment, readJwt, readObject, type UnverifiedJwt } from './jwt.ts'
import { JwtError } from './jwt-error.ts'
import { isSignatureAlgorithm } from './keys.ts'
import { jwtType } from './names.ts'
import type { Reason } from './reasons.ts'

/** A signed token of 16 KiB, encrypted. */
export const maxNestedLength = 24 * 1024

/** An extension that we do not know, content that would have to be unpacked, and passwords that would have to be stretched. */
const refusedHeaderMembers = ['crit', 'b64', 'zip', 'p2c', 'p2s']
/** RFC 7516 §4.1.11: what the whole is, where it says so. */
const outerTypes: readonly unknown[] = [undefined, 'jwt', jwtType.idJag, `application/${jwtType.idJag}`]

/** True for five segments, which no signed token has. Does NOT say that they can be read. */
export function isNested(token: string): boolean {
  return token.split('.', 6).length === 5
}

/** Encrypts a signed token (FL-JWE-01). */
export async function encryptNested(signed: string, { kid, alg, enc, key }: RecipientKey): Promise<string> {
  return await new CompactEncrypt(new TextEncoder().encode(signed))
    .setProtectedHeader({ alg, enc, kid, cty: 'JWT', typ: jwtType.idJag })
    .encrypt(key)
}

/**
 * Opens a nested token with one of our own keys, by its `kid`. Throws {@link JwtError}: the same sentence for everything that is wrong
 * with the outside, whose cause names it (`malformed`, `too_large`, `header_unsupported`, `alg_not_allowed`, `key_unknown`);
 * `inner_not_signed` for content that is no signed token, and what {@link readJwt} throws. Verifies NO signature: encryption says
 * nothing of who wrote it, as anybody has the public key.
 */
export async function openNested(token: string, keys: readonly DecryptionKey[]): Promise<UnverifiedJwt> {
  if (token.length > maxNestedLength) throw closed('too_large', `is longer than ${maxNestedLength} characters`)
  const inner = await decrypted(token, keys)
  if (inner.split('.').length !== 3) throw new JwtError('inner_not_signed', 'holds no signed token')
  const jwt = readJwt(inner)
  if (!isSignatureAlgorithm(jwt.header.alg) && jwt.header.alg !== 'Ed25519')
    throw new JwtError('inner_not_signed', 'holds no signed token')
  return jwt
}

async function decrypted(token: string, keys: readonly DecryptionKey[]): Promise<string> {
  const { alg, enc, kid, cty, typ, ...others } = headerOf(token)
  const refused = refusedHeaderMembers.find((name) => Object.hasOwn(others, name))
  if (refused !== undefined) throw closed('header_unsupported', `header: ${refused} is not supported`)
  if (typeof cty !== 'string' || cty.toLowerCase() !== 'jwt')
    throw closed('header_unsupported', 'header: cty is not JWT')
  if (!outerTypes.includes(typeof typ === 'string' ? typ.toLowerCase() : typ))
    throw closed('typ_mismatch', `header: typ is not ${jwtType.idJag}`)
  const own = keys.find((key) => key.kid === kid)
  if (own === undefined) throw closed('key_unknown', 'header: kid is of no key of this server')
  // RFC 8725 §3.1: a key is used with its own algorithm only. Nothing is computed before this.
  if (alg !== own.alg) throw closed('alg_not_allowed', 'header: alg is not that of the key')
  if (!contentEncryptions.some((one) => one === enc)) throw closed('alg_not_allowed', 'header: enc is not allowed')
  try {
    const { plaintext } = await compactDecrypt(token, own.key, {
      keyManagementAlgorithms: [own.alg],
      contentEncryptionAlgorithms: [...contentEncryptions],
    })
    return Buffer.from(plaintext).toString('latin1')
  } catch (cause) {
    // jose throws its own errors and those of WebCrypto: whatever it is, the content was not read.
    throw closed('malformed', 'the content cannot be decrypted', cause)
  }
}

function headerOf(token: string): { [member: string]: unknown } {
  try {
    const [header = ''] = token.split('.')
    for (const segment of token.split('.')) decodeSegment(segment)
    return readObject(decodeSegment(header), 'header')
  } catch (cause) {
    throw closed('malformed', (cause as JwtError).message, cause)
  }
}

/** FL-JWE-03: whoever sends it learns that it could not be opened, and not why. */
function closed(reason: Reason, detail: string, cause?: unknown): JwtError {
  return new JwtError(reason, 'cannot be decrypted', {
    cause: new Error(detail, cause === undefined ? undefined : { cause }),
  })
}
