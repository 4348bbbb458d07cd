/** The requests of the measurement as they go over the wire, with new tokens in each or the same ones again. */

import type { JWK } from 'jose'
import { clientAssertionType, grantType, jwtType, tokenType } from '../../src/protocol/names.ts'
import { systemNow } from '../../src/server/ports.ts'
import { audience, client, resource, scope } from './broker.ts'
import { type TokenSigner, tokenSigner } from './token-signer.ts'

/** Makes so many requests. */
export type Requests = (count: number) => Buffer[]

/** Whom a request goes to. */
export interface Recipient {
  issuer: string
  /** The path of its token endpoint. */
  path: string
}

export interface RequestMaker {
  /** A token exchange; `seen`: the ID Tokens are those of the first requests, one for each person. */
  exchange(to: Recipient, options: { subject: 'seen' | 'new'; authentication: Authentication }): Requests
  /** A redemption, each with an ID-JAG of its own. */
  redemption(to: Recipient, authentication: Authentication): Requests
}

export type Authentication = 'basic' | 'private_key_jwt'

/**
 * The store of a new server refuses what was issued before its start and 30 s more, because clocks differ: the issuer and the client here
 * have clocks that are so much ahead as is just allowed.
 */
const ahead = 29

/** Requests with tokens of one issuer, for a number of people and clients in turn; the clients have one key and one secret. */
export function requestMaker(
  issuer: string,
  keys: { issuer: JWK; client: JWK },
  people: number,
  clients: readonly string[] = [client.id],
): RequestMaker {
  const [signAsIssuer, signAsClient] = [tokenSigner(keys.issuer), tokenSigner(keys.client)]
  const clientAt = (at: number) => clients[at % clients.length] ?? ''
  const idToken = (at: number) => {
    const now = Math.floor(systemNow())
    const sub = `person-${at % people}`
    const claims = { iss: issuer, sub, aud: clientAt(at), iat: now, exp: now + 3600, auth_time: now }
    return signAsIssuer({ ...claims, email: `${sub}@acme.example`, email_verified: true })
  }
  const sameTokens = Array.from({ length: Math.max(people, clients.length) }, (_, at) => idToken(at))
  return {
    exchange: (to, { subject, authentication }) => {
      const one = (at: number) =>
        httpRequest(to, clientAt(at), authentication === 'basic' ? undefined : signAsClient, {
          grant_type: grantType.tokenExchange,
          requested_token_type: tokenType.idJag,
          subject_token: (subject === 'seen' ? sameTokens[at % sameTokens.length] : idToken(at)) ?? '',
          subject_token_type: tokenType.idToken,
          audience,
          resource,
          scope,
        })
      return (count) => Array.from({ length: count }, (_, at) => one(at))
    },
    redemption: (to, authentication) => (count) =>
      Array.from({ length: count }, (_, at) => {
        const now = systemNow() + ahead
        const claims = { iss: issuer, sub: `person-${at % people}`, aud: to.issuer, client_id: clientAt(at) }
        const assertion = signAsIssuer({ ...claims, iat: now, exp: now + 300, scope, resource }, jwtType.idJag)
        const form = { grant_type: grantType.jwtBearer, assertion }
        return httpRequest(to, clientAt(at), authentication === 'basic' ? undefined : signAsClient, form)
      }),
  }
}

/** A call of the API with an access token. */
export function apiRequest(token: string): Buffer {
  return Buffer.from(`GET /mcp HTTP/1.1\r\nhost: api.chat.example\r\nauthorization: Bearer ${token}\r\n\r\n`)
}

function httpRequest(
  { issuer, path }: Recipient,
  clientId: string,
  signAsClient: TokenSigner | undefined,
  form: { [parameter: string]: string },
): Buffer {
  const body = new URLSearchParams(form)
  if (signAsClient !== undefined) {
    const now = systemNow() + ahead
    const claims = { iss: clientId, sub: clientId, aud: issuer, iat: now, exp: now + 60 }
    body.set('client_assertion_type', clientAssertionType)
    body.set('client_assertion', signAsClient(claims, jwtType.clientAssertion))
  }
  const text = body.toString()
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: ${new URL(issuer).host}`,
    ...(signAsClient === undefined ? [`authorization: Basic ${btoa(`${clientId}:${client.secret}`)}`] : []),
    'content-type: application/x-www-form-urlencoded',
    `content-length: ${text.length}`,
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${text}`)
}
