/** A token taken apart for people: header and claims with what each means, who made it, for whom, and for how long. */

import { readJwt } from '../../protocol/jwt.ts'
import { JwtError } from '../../protocol/jwt-error.ts'
import { jwtType } from '../../protocol/names.ts'
import type { Seconds } from '../../protocol/ports.ts'
import { type Cast, companies, companyAt } from './cast.ts'
import { claimMeaning, headerMeaning, type TokenKind } from './claim-meanings.ts'

/** One member of a token's header or payload. */
export interface TokenPart {
  name: string
  value: string
  /** Half a sentence. Empty for members that explain themselves or that nobody here reads. */
  meaning: string
}

/** A decoded token, ready to be shown. Nothing in it has been verified. */
export interface TokenAnatomy {
  kind: TokenKind
  name: string
  /** What it is for, in one sentence. */
  purpose: string
  madeBy: string
  madeFor: string
  lifetime: Seconds
  /** Both ends of the token as it travels; the middle tells a person nothing. */
  cut: string
  header: TokenPart[]
  claims: TokenPart[]
  /** The payload as it was read, for programs. */
  payload: { [claim: string]: unknown }
}

const purposes: { [kind in TokenKind]: { name: string; purpose: string } } = {
  'id-token': { name: 'ID Token', purpose: 'Tells the agent who signed in. It opens no door anywhere else.' },
  'id-jag': {
    name: 'ID-JAG',
    purpose:
      'A letter from the identity provider to one other company: this person, through this client, may come in. Good once.',
  },
  'access-token': {
    name: 'Access token',
    purpose: 'The key to one API, for this person, this client and these scopes.',
  },
}

/** Both ends of a token: all begin alike, and the end of the signature tells two apart. */
export function shortened(token: string): string {
  return token.length > 24 ? `${token.slice(0, 14)}…${token.slice(-9)}` : token
}

/** Takes a JWT of the flow apart; undefined for text that is none. Does NOT verify anything: it is for looking at. */
export function takeApart(token: string, cast: Cast): TokenAnatomy | undefined {
  const jwt = read(token)
  if (jwt === undefined) return undefined
  const { header, claims } = jwt
  const kind = kindOf(header.typ)
  const { iss, aud, iat, exp } = claims
  const audience = Array.isArray(aud) ? aud.map(String) : [String(aud)]
  return {
    kind,
    ...purposes[kind],
    madeBy: companyAt(String(iss), cast),
    madeFor: audience.map((one) => madeFor(one, kind, cast)).join(' and '),
    lifetime: Number(exp) - Number(iat),
    cut: shortened(token),
    header: Object.entries(header)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => ({ name, value: String(value), meaning: headerMeaning(name, String(value)) })),
    claims: Object.entries(claims)
      .sort(([one], [other]) => placeOf(one) - placeOf(other))
      .map(([name, value]) => ({ name, value: textOf(value), meaning: claimMeaning(kind, name, value, claims) })),
    payload: claims,
  }
}

function madeFor(audience: string, kind: TokenKind, cast: Cast): string {
  if (audience === cast.identityProvider.credentials.id) return companies.agent.name
  return kind === 'access-token' ? `the API of ${companyAt(audience, cast)}` : companyAt(audience, cast)
}

/** The claims that decide come first; the order on the wire means nothing. */
const order = ['iss', 'sub', 'aud', 'client_id', 'resource', 'scope', 'jti', 'nonce', 'iat', 'exp']

function placeOf(claim: string): number {
  return order.includes(claim) ? order.indexOf(claim) : order.length
}

function read(token: string): ReturnType<typeof readJwt> | undefined {
  try {
    return readJwt(token)
  } catch (cause) {
    if (cause instanceof JwtError) return undefined
    throw cause
  }
}

function kindOf(typ: string | undefined): TokenKind {
  if (typ === jwtType.idJag) return 'id-jag'
  return typ === jwtType.accessToken ? 'access-token' : 'id-token'
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
