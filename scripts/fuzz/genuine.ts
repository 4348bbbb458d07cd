/** Genuine material to start from: tokens, assertions and proofs that are good now, and whole requests that would be granted. */

import { randomBytes } from 'node:crypto'
import { clientAssertionType, grantType, jwtType, tokenType } from '../../src/protocol/names.ts'
import { signed } from '../../test/fixture/tokens.ts'
import type { Place, Target } from './target.ts'

/** Claims or members of a header. */
export interface Members {
  [name: string]: unknown
}
/** Parameters of a form. */
export interface Params {
  [name: string]: string
}

export type Kind = 'id-jag' | 'id-token' | 'assertion-at-idp' | 'assertion-at-chat' | 'proof-at-idp' | 'proof-at-chat'
export const kinds: readonly Kind[] = [
  'id-jag',
  'id-token',
  'assertion-at-idp',
  'assertion-at-chat',
  'proof-at-idp',
  'proof-at-chat',
]

export type Genuine = ReturnType<typeof genuineFor>

/** Makes it for a target. Times are of the system's clock, and `jti` are new at each call. */
export function genuineFor(target: Target) {
  const { idp, chat, upstream, idJagSigner, proofKey, resource } = target
  const now = () => Math.floor(Date.now() / 1000)
  const times = () => ({ iat: now(), exp: now() + 60, jti: randomBytes(12).toString('hex') })
  const assertionAt = ({ issuer, client }: Place) => ({
    header: { typ: jwtType.clientAssertion },
    claims: { iss: client.id, sub: client.id, aud: issuer, ...times() },
    signer: client.signer,
  })
  const proofAt = ({ issuer }: Place) => {
    const { iat, jti } = times()
    return {
      header: { typ: jwtType.proof, kid: undefined, jwk: proofKey.jwk },
      claims: { iat, jti, htm: 'POST', htu: `${issuer}/token` },
      signer: proofKey.signer,
    }
  }
  /** A token taken apart: its header without `alg` and `kid`, its claims, and who signs. */
  const parts = (kind: Kind): { header: Members; claims: Members; signer: typeof idJagSigner } => {
    if (kind === 'assertion-at-idp') return assertionAt(idp)
    if (kind === 'assertion-at-chat') return assertionAt(chat)
    if (kind === 'proof-at-idp') return proofAt(idp)
    if (kind === 'proof-at-chat') return proofAt(chat)
    if (kind === 'id-token')
      return {
        header: {},
        claims: { iss: upstream.issuer, sub: 'alice', aud: upstream.clientId, email: 'alice@acme.example', ...times() },
        signer: upstream.signer,
      }
    return {
      header: { typ: jwtType.idJag },
      claims: {
        iss: idp.issuer,
        sub: 'alice',
        aud: chat.issuer,
        client_id: chat.client.id,
        scope: 'chat.read',
        resource,
        ...times(),
      },
      signer: idJagSigner,
    }
  }
  const token = (kind: Kind): string => {
    const { header, claims, signer } = parts(kind)
    return signed(header, claims, signer)
  }
  return {
    target,
    now,
    parts,
    token,
    /** The form of an exchange of this token, without credentials. */
    exchangeForm: (subjectToken = token('id-token')): Params => ({
      grant_type: grantType.tokenExchange,
      requested_token_type: tokenType.idJag,
      audience: chat.issuer,
      resource,
      scope: 'chat.read',
      subject_token: subjectToken,
      subject_token_type: tokenType.idToken,
    }),
    /** The form of a redemption of this ID-JAG, without credentials. */
    redemptionForm: (assertion = token('id-jag')): Params => ({ grant_type: grantType.jwtBearer, assertion }),
    secretParams: ({ client }: Place): Params => ({ client_id: client.id, client_secret: client.secret }),
    assertionParams: (assertion: string): Params => ({
      client_assertion_type: clientAssertionType,
      client_assertion: assertion,
    }),
    basic: ({ id, secret }: { id: string; secret: string }) => `Basic ${btoa(`${id}:${secret}`)}`,
  }
}

/** The claims of a JWT that our own servers signed, not verified. */
export function claimsIn(token: unknown): Members {
  try {
    return JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString()) as Members
  } catch {
    return {}
  }
}

const formType = 'application/x-www-form-urlencoded'

/** A whole POST. Header values are bytes as they are; `undefined` takes one away. */
export function post(
  { port }: Place,
  path: string,
  body: string | Buffer,
  headers: { [name: string]: string | undefined } = {},
): Buffer {
  const all = {
    host: `127.0.0.1:${port}`,
    'content-type': formType,
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  }
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]))
  return Buffer.concat([
    Buffer.from(`POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1'),
    Buffer.from(body),
  ])
}

/** A form as it is sent. */
export function encoded(params: Params): string {
  return new URLSearchParams(params).toString()
}
