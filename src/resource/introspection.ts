/** The guard's mode that asks the authorization server about each token (RFC 7662), and remembers a good answer for a moment. */

import { hash } from 'node:crypto'
import { type AccessTokenClaims, checkAccessTokenClaims, readAccessTokenClaims } from '../protocol/access-token.ts'
import { bodyBytes } from '../protocol/body-bytes.ts'
import { unavailable } from '../protocol/errors.ts'
import { type JsonObject, parseJsonObject } from '../protocol/json.ts'
import { maxJwtLength } from '../protocol/jwt.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import { isLoopbackHost } from '../protocol/loopback.ts'
import type { Seconds } from '../protocol/ports.ts'
import type { Revocation } from './revocation.ts'

export interface IntrospectionOptions {
  /** The introspection endpoint. The credentials go there and nowhere else, so no document can name another. */
  endpoint: string
  /** The protected resource at its authorization server. */
  clientId: string
  clientSecret: string
  /** The platform's `fetch` unless given. */
  fetch?(address: string, request: RequestInit): Promise<Response>
  /** For the whole answer, 1 s unless given. */
  deadline?: Seconds
  /** How long a good answer serves, 2 s unless given; 0 asks each time, and more than 4 would break the promise of 5 s. */
  cacheFor?: Seconds
  /** How many answers are remembered, and how many questions may be open, 10 000 unless given. */
  maxEntries?: number
}

const maxAnswerBytes = 64 * 1024

interface Remembered {
  claims: AccessTokenClaims
  at: Seconds
}

/**
 * Asks the authorization server. The claims are those of the answer, and are judged as those of a token: `iss`, `aud`, `exp` and the rest
 * are required. The guard's keys are not looked at, so a token may be opaque. A token that is not active is `token_ended`; a server that
 * does not answer in time, or with something else, is 503 `introspection_unavailable`. Throws TypeError for an endpoint that is not https.
 */
export function introspection(options: IntrospectionOptions): Revocation {
  const { cacheFor = 2, maxEntries = 10_000 } = options
  const { protocol, hostname } = new URL(options.endpoint)
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopbackHost(hostname)))
    throw new TypeError('the introspection endpoint must be an https address')
  if (!(cacheFor >= 0 && cacheFor <= 4)) throw new TypeError('cacheFor must be 0 to 4 seconds')
  return ({ issuer, now }) => {
    const remembered = new Map<string, Remembered>()
    const asked = new Map<string, Promise<AccessTokenClaims>>()

    const ask = async (token: string, key: string): Promise<AccessTokenClaims> => {
      const at = now()
      try {
        const answer = await question(token, options)
        // RFC 7662 §2.2: the one member that is always there.
        if (answer.active !== true) throw new JwtError('token_ended', 'is not active at its authorization server')
        const claims = readAccessTokenClaims(answer)
        const [oldest] = remembered.keys()
        if (remembered.size >= maxEntries && oldest !== undefined) remembered.delete(oldest)
        remembered.set(key, { claims, at })
        return claims
      } finally {
        asked.delete(key)
      }
    }
    const claimsOf = async (token: string): Promise<AccessTokenClaims> => {
      const key = hash('sha256', token, 'base64url')
      const known = remembered.get(key)
      if (known !== undefined && now() >= known.at && now() - known.at < cacheFor) return known.claims
      remembered.delete(key)
      const already = asked.get(key)
      if (already !== undefined) return await already
      if (asked.size >= maxEntries) throw unavailable('introspection_unavailable', 'too many questions are open')
      const answer = ask(token, key)
      asked.set(key, answer)
      return await answer
    }
    return async (token, rules) => {
      if (token.length > maxJwtLength) throw new JwtError('too_large', `is longer than ${maxJwtLength} characters`)
      const claims = await claimsOf(token)
      if (claims.iss !== issuer) throw new JwtError('issuer_unknown', "unexpected 'iss' claim value")
      // An answer is remembered, and time goes on: a token may expire between two calls.
      checkAccessTokenClaims(claims, rules)
      return claims
    }
  }
}

async function question(token: string, options: IntrospectionOptions): Promise<JsonObject> {
  const { endpoint, clientId, clientSecret, fetch: send = fetch, deadline = 1 } = options
  try {
    const response = await send(endpoint, {
      method: 'POST',
      headers: {
        accept: 'application/json',
        authorization: basicOf(clientId, clientSecret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
      // A redirect would carry the credentials to somebody else.
      redirect: 'error',
      signal: AbortSignal.timeout(deadline * 1000),
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new Error(`it answered ${response.status}`)
    }
    return parseJsonObject(await bodyOf(response))
  } catch (cause) {
    const detail = `introspection at ${endpoint}: ${(cause as Error).message}`
    throw unavailable('introspection_unavailable', detail, cause)
  }
}

/** RFC 6749 §2.3.1: both halves form-encoded, then base64. */
function basicOf(id: string, secret: string): string {
  const encode = (half: string) => new URLSearchParams([['', half]]).toString().slice(1)
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`
}

async function bodyOf(response: Response): Promise<Uint8Array> {
  const tooLarge = () => new Error(`its answer is larger than ${maxAnswerBytes} bytes`)
  return await bodyBytes((response.body ?? []) as AsyncIterable<Uint8Array>, maxAnswerBytes, tooLarge)
}
