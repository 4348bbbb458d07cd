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

/** Requests with tokens of one issuer, for a number of people in turn. */
export function requestMaker(issuer: string, keys: { issuer: JWK; client: JWK }, people: number): RequestMaker {
  const [signAsIssuer, signAsClient] = [tokenSigner(keys.issuer), tokenSigner(keys.client)]
  const idToken = (at: number) => {
    const now = Math.floor(systemNow())
    const claims = { iss: issuer, sub: `person-${at}`, aud: client.id, iat: now, exp: now + 3600, auth_time: now }
    return signAsIssuer({ ...claims, email: `person-${at}@acme.example`, email_verified: true })
  }
  const sameTokens = Array.from({ length: people }, (_, at) => idToken(at))
  let minted = 0
  return {
    exchange: (to, { subject, authentication }) => {
      const one = (at: number) =>
        httpRequest(to, authentication === 'basic' ? undefined : signAsClient, {
          grant_type: grantType.tokenExchange,
          requested_token_type: tokenType.idJag,
          subject_token: (subject === 'seen' ? sameTokens[at % people] : idToken(minted++ % people)) ?? '',
          subject_token_type: tokenType.idToken,
          audience,
          resource,
          scope,
        })
      return (count) => Array.from({ length: count }, (_, at) => one(at))
    },
    redemption: (to, authentication) => (count) =>
      Array.from({ length: count }, () => {
        const now = systemNow() + ahead
        const claims = { iss: issuer, sub: `person-${minted++ % people}`, aud: to.issuer, client_id: client.id }
        const assertion = signAsIssuer({ ...claims, iat: now, exp: now + 300, scope, resource }, jwtType.idJag)
        const form = { grant_type: grantType.jwtBearer, assertion }
        return httpRequest(to, authentication === 'basic' ? undefined : signAsClient, form)
      }),
  }
}

/** A call of the API with an access token. */
export function apiRequest(token: string): Buffer {
  return Buffer.from(`GET /mcp HTTP/1.1\r\nhost: api.chat.example\r\nauthorization: Bearer ${token}\r\n\r\n`)
}

function httpRequest(
  { issuer, path }: Recipient,
  signAsClient: TokenSigner | undefined,
  form: { [parameter: string]: string },
): Buffer {
  const body = new URLSearchParams(form)
  if (signAsClient !== undefined) {
    const now = systemNow() + ahead
    const claims = { iss: client.id, sub: client.id, aud: issuer, iat: now, exp: now + 60 }
    body.set('client_assertion_type', clientAssertionType)
    body.set('client_assertion', signAsClient(claims, jwtType.clientAssertion))
  }
  const text = body.toString()
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: ${new URL(issuer).host}`,
    ...(signAsClient === undefined ? [`authorization: Basic ${btoa(`${client.id}:${client.secret}`)}`] : []),
    'content-type: application/x-www-form-urlencoded',
    `content-length: ${text.length}`,
  ]
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${text}`)
}
