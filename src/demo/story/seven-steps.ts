/** The seven steps, from the sign-in to the message that came back, each judged by what the specification says of it. */

import { grantType, idJagGrantProfile, jwtType, notAnAccessToken, tokenType } from '../../protocol/names.ts'
import { agentName, type Cast, companies, employer } from '../agent/cast.ts'
import type { Errand } from '../agent/errands.ts'
import type { Observed } from '../agent/observed.ts'
import type { Person } from '../agent/relying-party.ts'
import type { TokenAnatomy } from '../agent/token-anatomy.ts'
import { answered, asked, type Promised, type Scene, sceneOf } from './scene.ts'

/** What happened, for the scenes to be cut from. */
export interface Footage {
  person: Person
  read: Errand
  posted: Errand
  /** What was posted, and must be found again. */
  text: string
  readAgain: Errand
}

const { identityProvider, chat, agent } = companies

/** The scenes, in order; each request that never happened is a scene that is not `ok`. */
export function sevenSteps(footage: Footage, cast: Cast): Scene[] {
  const { person, read } = footage
  const step = (name: string, status: number) => find(read.observed, name, status)
  return [signIn(person, cast), whereToAsk(read.observed, cast)].concat([
    sceneOf({
      name: 'exchange',
      title: `${agentName} asks ${identityProvider.name} for an ID-JAG`,
      says: `It shows Alice’s ID Token and says where it wants to go. ${identityProvider.name} looks whether ${employer} allows it.`,
      observed: step('exchange', 200),
      cast,
      show: { words: true },
      promises: (seen) => [
        ['grant_type is token exchange (RFC 8693)', asked(seen, 'grant_type') === grantType.tokenExchange],
        ['what is requested is an ID-JAG', asked(seen, 'requested_token_type') === tokenType.idJag],
        ['the subject token is an ID Token', asked(seen, 'subject_token_type') === tokenType.idToken],
        ['audience is the chat’s issuer, to the letter', asked(seen, 'audience') === cast.chat.issuer],
        ['issued_token_type says ID-JAG', answered(seen, 'issued_token_type') === tokenType.idJag],
        ['token_type is N_A, because it is no access token', answered(seen, 'token_type') === notAnAccessToken],
        ['the identity provider recorded it as granted', seen.audit?.outcome === 'granted'],
      ],
    }),
    sceneOf({
      name: 'id-jag',
      title: 'The ID-JAG, taken apart',
      says: `A letter from ${identityProvider.name} to ${chat.name}: this person, through this client, may come in.`,
      observed: step('exchange', 200),
      cast,
      show: { token: true },
      promises: ({ tokens: [token] }) => [
        ['typ says that it is an ID-JAG', header(token, 'typ') === jwtType.idJag],
        ['iss is the identity provider', token?.payload.iss === cast.identityProvider.issuer],
        ['aud is the chat’s authorization server', token?.payload.aud === cast.chat.issuer],
        ['client_id is the agent’s id at the chat', token?.payload.client_id === cast.chat.credentials.id],
        ['sub is the person who signed in', token?.payload.sub === person.sub],
        ['it lives five minutes at most', (token?.lifetime ?? 0) > 0 && (token?.lifetime ?? 0) <= 300],
      ],
    }),
    sceneOf({
      name: 'redemption',
      title: `${agentName} shows the ID-JAG to ${chat.name}`,
      says: `${chat.name} has never seen Alice’s sign-in. It trusts ${identityProvider.name}’s signature, and finds her account.`,
      observed: step('redemption', 200),
      cast,
      show: { words: true },
      promises: (seen) => [
        ['grant_type is jwt-bearer (RFC 7523)', asked(seen, 'grant_type') === grantType.jwtBearer],
        ['token_type is Bearer', answered(seen, 'token_type') === 'Bearer'],
        ['there is no refresh token', answered(seen, 'refresh_token') === undefined],
        ['the chat recorded it as granted', seen.audit?.outcome === 'granted'],
        ['both audits name the same ID-JAG', sameToken(step('exchange', 200), seen.audit?.tokenId, cast)],
      ],
    }),
    sceneOf({
      name: 'access-token',
      title: 'The access token, taken apart',
      says: 'Three names have changed on the way: aud, client_id and sub. That is the whole protocol.',
      observed: step('redemption', 200),
      cast,
      show: { token: true },
      promises: ({ tokens: [token] }) => [
        ['typ says that it is an access token', header(token, 'typ') === jwtType.accessToken],
        ['iss is the chat’s authorization server', token?.payload.iss === cast.chat.issuer],
        ['aud is the API', cast.chat.messagesUrl.startsWith(String(token?.payload.aud))],
        ['client_id is the agent’s id at the chat', token?.payload.client_id === cast.chat.credentials.id],
      ],
    }),
    call(footage, cast),
  ])
}

function signIn(person: Person, cast: Cast): Scene {
  return sceneOf({
    name: 'sign-in',
    title: `Alice signs in at ${identityProvider.name}`,
    says: `Once, as every morning: authorization code and PKCE. ${agent.name} gets an ID Token, and nothing else.`,
    observed: person.observed.find(({ request }) => request.method === 'POST'),
    cast,
    show: { words: true, token: true },
    promises: (seen) => [
      ['the token endpoint answers 200', seen.answer.status === 200],
      ['the code came with a PKCE verifier', asked(seen, 'code_verifier') !== undefined],
      ['iss is the identity provider', seen.tokens[0]?.payload.iss === cast.identityProvider.issuer],
      ['aud is the agent', seen.tokens[0]?.payload.aud === cast.identityProvider.credentials.id],
      ['nonce is the one the agent made', seen.tokens[0]?.payload.nonce === person.nonce],
    ],
  })
}

function whereToAsk(observed: readonly Observed[], cast: Cast): Scene {
  const resource = find(observed, 'resource-metadata', 200)
  const server = find(observed, 'authorization-server-metadata', 200)
  const named = JSON.parse(resource?.answer.body ?? '{}') as { authorization_servers?: string[] }
  const offers = JSON.parse(server?.answer.body ?? '{}') as {
    token_endpoint?: string
    authorization_grant_profiles_supported?: string[]
  }
  return sceneOf({
    name: 'discovery',
    title: 'The chat says where to get a token',
    says: `${agentName} knows nothing but the address of the chat. It knocks, and follows two signs.`,
    observed: find(observed, 'call', 401),
    cast,
    show: { words: true },
    promises: (seen) => [
      [
        'the challenge names resource_metadata',
        answered(seen, 'WWW-Authenticate')?.includes('resource_metadata=') === true,
      ],
      ['the resource names its authorization server', named.authorization_servers?.[0] === cast.chat.issuer],
      ['the server names its token endpoint', offers.token_endpoint === cast.chat.tokenEndpoint],
      [
        'the server says that it takes ID-JAGs',
        offers.authorization_grant_profiles_supported?.includes(idJagGrantProfile) === true,
      ],
    ],
    facts: [
      ['resource metadata (RFC 9728)', resource?.request.url ?? ''],
      ['  authorization_servers', named.authorization_servers?.join(' ') ?? ''],
      ['server metadata (RFC 8414)', server?.request.url ?? ''],
      ['  token_endpoint', offers.token_endpoint ?? ''],
    ],
  })
}

function call({ read, posted, readAgain, text }: Footage, cast: Cast): Scene {
  const first = read.outcome.kind === 'read' ? read.outcome : undefined
  const message = posted.outcome.kind === 'posted' ? posted.outcome.message : undefined
  const back =
    readAgain.outcome.kind === 'read' ? readAgain.outcome.messages.find((one) => one.text === text) : undefined
  const promises: Promised[] = [
    ['the chat answers as Alice', first?.as.email?.startsWith('alice@') === true],
    ['it saw the agent as the client', first?.as.client === cast.chat.credentials.id],
    ['post_message over MCP posts as the same account', message !== undefined && message.author === first?.as.account],
    ['the message comes back from the API', back !== undefined],
  ]
  return sceneOf({
    name: 'call',
    title: 'The chat answers as Alice',
    says: `${agentName} reads through the API, posts through the MCP server, and finds its message again.`,
    observed: find(read.observed, 'call', 200),
    cast,
    show: { words: true },
    promises: () => promises,
    facts: [
      ['account', first?.as.account ?? ''],
      ['through client', first?.as.client ?? ''],
      ['MCP post_message', message?.text ?? ''],
      ['read again', back === undefined ? '' : `${back.author}: ${back.text}`],
    ],
  })
}

function find(observed: readonly Observed[], name: string, status: number): Observed | undefined {
  return observed.find((one) => one.name === name && one.answer.status === status)
}

function header(token: TokenAnatomy | undefined, name: string): string | undefined {
  return token?.header.find((part) => part.name === name)?.value
}

/** The audits of two companies can be laid side by side: both hash the same id. */
function sameToken(exchange: Observed | undefined, tokenId: string | undefined, cast: Cast): boolean {
  const event = cast.auditOf(exchange?.answer.headers['x-correlation-id'] ?? '')
  return event?.issuedTokenId !== undefined && event.issuedTokenId === tokenId
}
