/** The redemption as the client does it: an ID-JAG out, an access token for one resource in (ID-JAG §4.4, RFC 7523 §2.1). */

import * as z from 'zod'
import type { AuthorizationDetail } from '../protocol/authorization-details.ts'
import { grantType } from '../protocol/names.ts'
import type { Seconds } from '../protocol/ports.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import type { ClientAuthentication } from './client-authentication.ts'
import type { IssuedIdJag } from './exchange.ts'
import { scopesOf } from './scopes.ts'
import type { Answer } from './sending.ts'
import {
  checkResources,
  readTokenAnswer,
  sendTokenRequest,
  type TokenRequestPorts,
  tokenAnswer,
  unusable,
} from './token-answer.ts'

/** What is asked for. */
export interface Redemption extends IssuedIdJag {
  authorizationServer: AuthorizationServer
  resource: string
  /** True when the application itself says that this server governs the resource. */
  resourceKnown: boolean
  /** Which of the two narrowing parameters are sent. */
  sends: { scope: boolean; resource: boolean }
  /** The thumbprint of the key whose proof is sent. Absent: none is. */
  proofKey?: string | undefined
}

export interface IssuedAccess {
  token: string
  /** `DPoP`: it is good with proofs by the client's key alone. */
  type: 'Bearer' | 'DPoP'
  /** Absent when the server did not say. */
  expiresIn: Seconds | undefined
  /** What was granted; what was asked where the answer does not say (CL-12). */
  scopes: string[]
  /** What was granted of them. Absent: none were asked for. */
  authorizationDetails?: readonly AuthorizationDetail[] | undefined
}

/**
 * Sends the redemption. It repeats `scope` (as granted, because some servers refuse more than the ID-JAG says) and `resource`,
 * which narrow and never widen (D-12), unless the server's entry says that it takes them from the ID-JAG alone. The answer is for
 * {@link processRedemption}.
 */
export async function redeemRequest(
  { authorizationServer, idJag, resource, scopes, sends, proofKey }: Redemption,
  client: ClientAuthentication,
  ports: TokenRequestPorts,
): Promise<Answer> {
  const parameters = {
    // D-06: a server that names the other grant type may take a proof with that one alone.
    grant_type: proofKey !== undefined && authorizationServer.jwtDpop ? grantType.jwtDpop : grantType.jwtBearer,
    assertion: idJag,
    resource: sends.resource ? resource : undefined,
    scope: sends.scope ? scopes.join(' ') : undefined,
  }
  return await sendTokenRequest('redemption', authorizationServer, client, parameters, ports)
}

const redemptionAnswer = (type: IssuedAccess['type']) =>
  z.looseObject({
    ...tokenAnswer,
    // RFC 6749 §A.12: any visible character. RFC 6750 §2.1 has fewer, but deployed servers issue tokens with a colon, say.
    // None that ends a header or its credential: no space, comma, quote or backslash.
    access_token: z.string().regex(/^[!#-+\--[\]-~]+$/),
    // RFC 6749 §7.1: a client must not use a token whose type it does not understand.
    // RFC 9449 §5: Bearer after a proof means that the token is bound to nothing.
    token_type: z.string().refine((value) => value.toLowerCase() === type.toLowerCase()),
  })

/**
 * Judges the answer, and that the token is for the resource: by the answer, by the ID-JAG, or by the application's own word.
 * Does NOT look into the access token, which is the resource's to read. Throws {@link CrossAppError} `redemption`.
 */
export function processRedemption(answer: Answer, redemption: Redemption): IssuedAccess {
  const { authorizationServer, resource, scopes, namesResource, resourceKnown, authorizationDetails, proofKey } =
    redemption
  const { issuer } = authorizationServer
  const type = proofKey === undefined ? 'Bearer' : 'DPoP'
  const read = readTokenAnswer(answer, 'redemption', issuer, redemptionAnswer(type))
  checkResources(read.resource, resource, 'redemption', issuer)
  // RFC 9728 §7.6 sense: an API chose this server by its own metadata; somebody else must say that the token is for it.
  if (!resourceKnown && !namesResource && (read.resource ?? []).length === 0)
    throw unusable(
      'redemption',
      issuer,
      `names no resource, nor did the ID-JAG: if the server governs ${resource}, add it to resources of its entry in resourceServers`,
    )
  // RFC 9396 §7, RAS-16: a server that overlooks them has granted something else.
  if (authorizationDetails !== undefined && read.authorization_details === undefined)
    throw unusable('redemption', issuer, 'says nothing of the authorization_details that were asked for')
  return {
    token: read.access_token,
    type,
    expiresIn: read.expires_in,
    scopes: read.scope === undefined ? [...scopes] : scopesOf(read.scope),
    authorizationDetails: authorizationDetails === undefined ? undefined : read.authorization_details,
  }
}
