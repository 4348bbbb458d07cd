/** What the members of the three tokens mean, in half a sentence each. */

import { agentName, companies, employer } from './cast.ts'

/** The three tokens of the flow, in their order. */
export type TokenKind = 'id-token' | 'id-jag' | 'access-token'

const { identityProvider } = companies

/** By claim, for every kind of token or for each kind its own words. */
const meanings: { [claim: string]: string | { [kind in TokenKind]?: string } } = {
  iss: {
    'id-token': `who made it: ${identityProvider.name}, where ${employer} signs in`,
    'id-jag': `who made it: ${identityProvider.name}; the chat trusts this signature alone`,
    'access-token': 'who made it: the chat’s own authorization server',
  },
  sub: {
    'id-token': `the person, by the name ${identityProvider.name} has for them`,
    'id-jag': 'the person; with iss it finds the account in the chat',
    'access-token': 'the account in the chat; it has its own names',
  },
  aud: {
    'id-token': `for whom: ${agentName}, by its id at ${identityProvider.name}`,
    'id-jag': 'for whom: the chat’s authorization server, and nobody else',
    'access-token': 'for whom: this API, and nobody else',
  },
  client_id: {
    'id-jag': `${agentName}’s id at the chat: only that client may use this`,
    'access-token': `through whom: ${agentName}, by its id at the chat`,
  },
  resource: 'which API the access token will be for',
  scope: {
    'id-jag': `what ${employer}’s administrator lets ${agentName} do there`,
    'access-token': 'what it allows, and nothing more',
  },
  jti: {
    'id-jag': 'a number used once: a second redemption is refused',
    'access-token': 'its own number, for the audit',
  },
  status: { 'access-token': 'where the chat’s API sees within seconds that this token was ended' },
  nonce: `ties it to the one sign-in that ${agentName} started`,
  auth_time: 'when the person really signed in',
  acr: 'how strong that sign-in was',
  amr: 'by which means',
  at_hash: 'ties it to the access token that came along',
  sid: 'the sign-in session',
  name: 'to greet the person by',
  email: {
    'id-jag': 'helps to find an account the first time, never afterwards',
  },
  email_verified: `${identityProvider.name} has checked the address`,
  groups: `decides what ${employer} lets this person do`,
}

/** What one claim means in this kind of token. Empty where there is nothing to say. */
export function claimMeaning(
  kind: TokenKind,
  name: string,
  value: unknown,
  claims: { [claim: string]: unknown },
): string {
  if (name === 'iat' && typeof value === 'number') return `made at ${clockTime(value)}`
  if (name === 'exp' && typeof value === 'number')
    return typeof claims.iat === 'number'
      ? `worthless ${duration(value - claims.iat)} later, at ${clockTime(value)}`
      : 'worthless afterwards'
  const meaning = Object.hasOwn(meanings, name) ? meanings[name] : undefined
  return (typeof meaning === 'string' ? meaning : meaning?.[kind]) ?? ''
}

/** What one member of a header means. Empty where there is nothing to say. */
export function headerMeaning(name: string, value: string): string {
  if (name === 'alg') return 'how it is signed; the reader decides what is allowed'
  if (name === 'kid') return 'which of the maker’s published keys signed it'
  if (name !== 'typ') return ''
  if (value === 'oauth-id-jag+jwt') return 'says “ID-JAG”, so that no other token passes for one'
  if (value === 'at+jwt') return 'says “access token”, so that no other token passes for one'
  return 'a plain JWT: an ID Token'
}

/** A number of seconds for people: `5 minutes`, `90 seconds`. */
export function duration(seconds: number): string {
  const [count, unit] =
    seconds >= 3600 && seconds % 3600 === 0
      ? [seconds / 3600, 'hour']
      : seconds >= 60 && seconds % 60 === 0
        ? [seconds / 60, 'minute']
        : [seconds, 'second']
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}

/** The time of day, in UTC. */
export function clockTime(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(11, 19)} UTC`
}
