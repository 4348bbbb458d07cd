/** The token exchange as the client does it: a subject token out, an ID-JAG in, and judged before it is used (ID-JAG §4.3). */

import * as z from 'zod'
import type { AuthorizationDetail } from '../protocol/authorization-details.ts'
import { readIdJagClaims } from '../protocol/id-jag.ts'
import { isType, readJwt } from '../protocol/jwt.ts'
import type { JwtError } from '../protocol/jwt-error.ts'
import { grantType, jwtType, notAnAccessToken, tokenType } from '../protocol/names.ts'
import { isNested } from '../protocol/nested-jwt.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import type { ClientAuthentication } from './client-authentication.ts'
import { scopesOf } from './scopes.ts'
import type { Answer } from './sending.ts'
import type { SubjectToken } from './subject.ts'
import {
  checkResources,
  readTokenAnswer,
  sendTokenRequest,
  type TokenRequestPorts,
  tokenAnswer,
  unusable,
} from './token-answer.ts'

/** What is asked for. */
export interface Exchange {
  identityProvider: AuthorizationServer
  subject: SubjectToken
  /** A JWT of whoever acts for the person. Absent: none is shown. */
  actorToken?: string | undefined
  /** The issuer of the resource authorization server, from its own metadata (ID-JAG §4.3; CL-02). */
  audience: string
  /** The client's id there. */
  clientThere: string
  resource: string
  scopes: readonly string[]
  /** Absent: none. */
  authorizationDetails?: readonly AuthorizationDetail[] | undefined
  /** The thumbprint of the key whose proof is sent. Absent: none is. */
  proofKey?: string | undefined
  /** True: what only the authorization server can open is taken unseen. */
  encryptedIdJags: boolean
  /** The thumbprint of the certificate of the connection. Absent: none is expected. */
  certificate?: string | undefined
}

export interface IssuedIdJag {
  /** The assertion for the redemption, and for nothing else (CL-03, CL-09). */
  idJag: string
  /** What was granted; what was asked where the answer does not say (RFC 6749 §5.1; CL-12). */
  scopes: string[]
  /** What was granted of them: it stands in the ID-JAG. Absent: none were asked for. */
  authorizationDetails?: readonly AuthorizationDetail[] | undefined
  /** True when its `resource` claim names the resource that was asked for. */
  namesResource: boolean
}

/** Sends the exchange (RFC 8693 §2.1, ID-JAG §4.3). The answer is for {@link processExchange}. */
export async function exchangeRequest(
  { identityProvider, subject, actorToken, audience, resource, scopes, authorizationDetails }: Exchange,
  client: ClientAuthentication,
  ports: TokenRequestPorts,
): Promise<Answer> {
  const parameters = {
    grant_type: grantType.tokenExchange,
    requested_token_type: tokenType.idJag,
    audience,
    resource,
    scope: scopes.join(' '),
    authorization_details: authorizationDetails === undefined ? undefined : JSON.stringify(authorizationDetails),
    subject_token: subject.token,
    subject_token_type: subject.type,
    // RFC 8693 §2.1: the type goes with the token, and never without it.
    actor_token: actorToken,
    actor_token_type: actorToken === undefined ? undefined : tokenType.jwt,
  }
  return await sendTokenRequest('exchange', identityProvider, client, parameters, ports)
}

const ExchangeAnswer = z.looseObject({
  ...tokenAnswer,
  // ID-JAG §4.3.4: what came is an ID-JAG and no access token; both members say so.
  issued_token_type: z.literal(tokenType.idJag),
  token_type: z.string().refine((value) => value.toUpperCase() === notAnAccessToken),
})

/**
 * Judges the answer: its members, and that the ID-JAG is the identity provider's, for this audience, this client and this
 * resource. Does NOT verify its signature: the client is not its audience, and the resource authorization server does. Throws
 * {@link CrossAppError} `exchange`, or `sign-in` when the provider wants a better sign-in.
 */
export function processExchange(
  answer: Answer,
  {
    identityProvider: { issuer },
    audience,
    clientThere,
    resource,
    scopes,
    authorizationDetails,
    proofKey,
    encryptedIdJags,
    certificate,
  }: Exchange,
): IssuedIdJag {
  const { access_token: idJag, scope, resource: granted } = readTokenAnswer(answer, 'exchange', issuer, ExchangeAnswer)
  const refuse = (fault: string, cause?: unknown) => unusable('exchange', issuer, fault, cause)
  checkResources(granted, resource, 'exchange', issuer)
  const grantedScopes = scope === undefined ? [...scopes] : scopesOf(scope)
  // FL-JWE-01: nobody but the authorization server can look inside, and it judges every claim again.
  if (encryptedIdJags && isNested(idJag)) {
    if (authorizationDetails !== undefined)
      throw refuse('holds an encrypted ID-JAG, in which the authorization_details that were asked for cannot be seen')
    return { idJag, scopes: grantedScopes, namesResource: (granted ?? []).length > 0 }
  }
  const { header, claims } = read(idJag, refuse)
  if (!isType(header.typ, jwtType.idJag)) throw refuse('holds a token of another type than an ID-JAG')
  if (claims.iss !== issuer) throw refuse(`holds an ID-JAG of another issuer, ${claims.iss}`)
  if (claims.aud !== audience) throw refuse(`holds an ID-JAG for another audience, ${claims.aud}`)
  if (claims.client_id !== clientThere) throw refuse(`holds an ID-JAG for another client, ${claims.client_id}`)
  checkResources(claims.resource, resource, 'exchange', issuer)
  // ID-JAG §9.8.1.1, CL-08: bound to the key that was shown, or what was asked for was quietly left out.
  if (proofKey !== undefined && claims.cnf?.jkt !== proofKey)
    throw refuse('holds an ID-JAG that is not bound to the key of the DPoP proof')
  // The same read the other way round: nobody here has shown a key.
  if (proofKey === undefined && certificate === undefined && claims.cnf !== undefined)
    throw refuse('holds an ID-JAG bound to a key that this client did not show')
  if (certificate !== undefined && claims.cnf?.['x5t#S256'] !== certificate)
    throw refuse('holds an ID-JAG that is not bound to the certificate of this client')
  // RFC 9396 §7: a provider that overlooks them may have granted more than was meant.
  if (authorizationDetails !== undefined && claims.authorization_details === undefined)
    throw refuse('holds an ID-JAG without the authorization_details that were asked for')
  return {
    idJag,
    scopes: grantedScopes,
    authorizationDetails: authorizationDetails === undefined ? undefined : claims.authorization_details,
    namesResource: (claims.resource ?? []).length > 0,
  }
}

function read(idJag: string, refuse: (fault: string, cause: unknown) => Error) {
  try {
    const { header, claims } = readJwt(idJag)
    return { header, claims: readIdJagClaims(claims) }
  } catch (cause) {
    throw refuse(`holds an ID-JAG that cannot be read: ${(cause as JwtError).message}`, cause)
  }
}
