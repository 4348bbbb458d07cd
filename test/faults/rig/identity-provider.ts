/** An identity provider that mints any ID-JAG and serves its keys as badly as it is told to. */

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import type { Seconds } from '../../../src/protocol/ports.ts'

/** An ID-JAG with what the log must know of it. */
export interface MintedToken {
  token: string
  issuer: string
  jti: string
  keyId: string
  subject: string
  client: string
}

/** How the address of the keys answers. */
export interface KeyService {
  status: number
  /** Milliseconds before the answer begins. */
  delay: number
  /** In place of the JWK Set: text, this many bytes of it, or half of an answer. */
  body: { text: string } | { bytes: number } | 'truncated' | 'keys'
  /** False: connections are taken, and nothing is ever answered. */
  answers: boolean
  /** False: every connection is reset. */
  accepts: boolean
}

export interface IdentityProviderStub {
  readonly issuer: string
  readonly jwksUri: string
  mint(claims: MintedClaims): Promise<MintedToken>
  /** Signs with a new key from now on and publishes it; the old ones stay published. */
  rotate(): Promise<void>
  /** Publishes nothing but the key that signs. */
  withdrawOld(): void
  /** Changes how the keys are served; what is not named goes back to normal. */
  serveKeys(service?: Partial<KeyService>): void
  /** How often the keys were asked for. */
  asked(): number
  /** All that it ever had. */
  privateKeys(): readonly JWK[]
  close(): Promise<void>
}

/** What a token says; each of its times is a moment. */
export interface MintedClaims {
  audience: string
  client: string
  subject: string
  scope: string
  resource: string
  issuedAt: Seconds
  lifetime?: Seconds
}

const normal: KeyService = { status: 200, delay: 0, body: 'keys', answers: true, accepts: true }

/** Starts it on a free port of this machine. */
export async function identityProviderStub(): Promise<IdentityProviderStub> {
  let service = normal
  let asked = 0
  let keys = [await newKey()]
  const made = [...keys]
  const publicKeys = () => keys.map(({ d: _private, ...rest }) => rest)
  const server = createServer((request, response) => {
    if (request.url !== '/jwks') return void response.writeHead(404).end()
    asked += 1
    const { accepts, answers, delay } = service
    if (!accepts) return void request.socket.resetAndDestroy()
    if (answers) setTimeout(() => answer(response, service, JSON.stringify({ keys: publicKeys() })), delay)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const [first] = keys
  if (first === undefined) throw new Error('no key')
  let signer = first
  return {
    issuer,
    jwksUri: `${issuer}/jwks`,
    async mint({ audience, client, subject, scope, resource, issuedAt, lifetime = 300 }) {
      const jti = randomBytes(16).toString('base64url')
      // RFC 7519 §2: a NumericDate may have a fraction.
      const iat = issuedAt
      const keyId = String(signer.kid)
      const token = await new SignJWT({
        iss: issuer,
        sub: subject,
        aud: audience,
        client_id: client,
        jti,
        iat,
        exp: iat + lifetime,
        scope,
        resource,
      })
        .setProtectedHeader({ alg: 'ES256', kid: keyId, typ: 'oauth-id-jag+jwt' })
        .sign(signer)
      return { token, issuer, jti, keyId, subject, client }
    },
    async rotate() {
      signer = await newKey()
      keys = [signer, ...keys]
      made.push(signer)
    },
    withdrawOld() {
      keys = [signer]
    },
    serveKeys(changed = {}) {
      service = { ...normal, ...changed }
    },
    asked: () => asked,
    privateKeys: () => made,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

function answer(response: ServerResponse, { status, body }: KeyService, keys: string): void {
  response.on('error', () => {})
  response.writeHead(status, { 'content-type': 'application/json' })
  if (body === 'keys') response.end(keys)
  else if (body === 'truncated') {
    response.write(keys.slice(0, keys.length / 2))
    response.socket?.destroySoon()
  } else if ('text' in body) response.end(body.text)
  else void pour(response, body.bytes)
}

async function pour(response: ServerResponse, bytes: number): Promise<void> {
  const chunk = Buffer.alloc(64 * 1024, ' ')
  const chunks = function* () {
    for (let sent = 0; sent < bytes; sent += chunk.length) yield chunk
  }
  // Whoever stops reading ends it too, and that is right.
  await pipeline(chunks, response).catch(() => {})
}

async function newKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), use: 'sig', alg: 'ES256' }
}
