/** Magpie, an MCP client that knows the address of a server and nothing else: the MCP SDK as it is published, with what it must remember. */

import {
  type OAuthClientProvider,
  type OAuthDiscoveryState,
  OAuthError,
  type StoredOAuthTokens,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import { randomState } from 'openid-client'
import { companies } from '../agent/cast.ts'
import { Caller } from '../agent/errands.ts'
import { type Observed, observedFetch } from '../agent/observed.ts'
import { callTool } from '../mcp-call.ts'

/** Where Magpie is, and the one thing it was told. */
export interface MagpiePlace {
  /** Of its own pages and its document, without a slash at the end. */
  origin: string
  mcpUrl: string
}

/** What came of a question: an answer, or a person who must be asked first. */
export type Asked = { kind: 'answered'; caller: Caller } | { kind: 'person-needed'; address: URL }

/** Magpie for one person. */
export interface Magpie {
  /** Every request and answer so far, secrets included. */
  observed: readonly Observed[]
  /**
   * Asks the server who the person is there. Rejects with {@link NotLetIn} when it was let in once and is not any more, and otherwise for
   * trouble that no sign-in mends.
   */
  ask(): Promise<Asked>
  /**
   * Takes what the browser brought back. Rejects with {@link NotLetIn} when the person or the server said no, or when it is not the
   * answer to the last question.
   */
  finish(answer: URLSearchParams): Promise<void>
}

/** The way ended without a token. The message is a sentence for the person, without a full stop. */
export class NotLetIn extends Error {
  override readonly name = 'NotLetIn'
}

/** Its address at every server: where its document is. */
export function clientIdOf(origin: string): string {
  return `${origin}/client.json`
}

/** Where the browser comes back to. */
function redirectUriOf(origin: string): string {
  return `${origin}/callback`
}

/** RFC 7591 §2, without an id. */
function metadataOf(origin: string) {
  return {
    client_name: companies.unmanaged.name,
    redirect_uris: [redirectUriOf(origin)],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  }
}

/** The Client ID Metadata Document. */
export function clientDocument(origin: string): object {
  return { client_id: clientIdOf(origin), ...metadataOf(origin) }
}

/** What is kept between two steps. */
interface Kept {
  tokens?: StoredOAuthTokens
  state?: string
  codeVerifier?: string
  discovery?: OAuthDiscoveryState
  address?: URL
}

/** Without a token. Nothing is sent before the first question. */
export function magpieFor({ origin, mcpUrl }: MagpiePlace): Magpie {
  const observed: Observed[] = []
  const kept: Kept = {}
  const authProvider = providerOf(origin, kept)
  const fetch = observedFetch(
    (url) => stepAt(url, mcpUrl),
    (one) => observed.push(one),
  )
  const transport = () => new StreamableHTTPClientTransport(new URL(mcpUrl), { authProvider, fetch })
  return {
    observed,
    async ask() {
      delete kept.address
      try {
        const answer = await callTool({ name: companies.unmanaged.name, transport: transport() }, 'whoami')
        return { kind: 'answered', caller: Caller.parse(answer) }
      } catch (cause) {
        if (cause instanceof OAuthError)
          throw new NotLetIn(`the chat does not let ${companies.unmanaged.name} in any more`, { cause })
        if (!(cause instanceof UnauthorizedError) || kept.address === undefined) throw cause
        return { kind: 'person-needed', address: kept.address }
      }
    },
    async finish(answer) {
      const { state } = kept
      delete kept.state
      if (state === undefined || answer.get('state') !== state)
        throw new NotLetIn('this answer was not asked for here, or has been used')
      const error = answer.get('error')
      if (error === 'access_denied') throw new NotLetIn(`you did not let ${companies.unmanaged.name} in`)
      try {
        await transport().finishAuth(answer)
      } catch (cause) {
        throw new NotLetIn(`the chat did not let ${companies.unmanaged.name} in`, { cause })
      }
    },
  }
}

function providerOf(origin: string, kept: Kept): OAuthClientProvider {
  return {
    redirectUrl: redirectUriOf(origin),
    clientMetadata: metadataOf(origin),
    // The SDK takes `clientMetadataUrl` for https alone, and this machine has none: the same id is given as one that is known.
    clientInformation: () => ({ client_id: clientIdOf(origin) }),
    state() {
      kept.state = randomState()
      return kept.state
    },
    tokens: () => kept.tokens,
    saveTokens(tokens) {
      kept.tokens = tokens
    },
    redirectToAuthorization(address) {
      kept.address = address
    },
    saveCodeVerifier(verifier) {
      kept.codeVerifier = verifier
    },
    codeVerifier: () => kept.codeVerifier ?? '',
    discoveryState: () => kept.discovery,
    saveDiscoveryState(discovery) {
      kept.discovery = discovery
    },
    invalidateCredentials(which) {
      if (which === 'all' || which === 'tokens') delete kept.tokens
      if (which === 'all' || which === 'verifier') delete kept.codeVerifier
      if (which === 'all' || which === 'discovery') delete kept.discovery
    },
  }
}

/** The name of a request, by where it went. */
function stepAt(url: string, mcpUrl: string): string {
  if (url === mcpUrl) return 'call'
  const { pathname } = new URL(url)
  if (pathname.startsWith('/.well-known/oauth-protected-resource')) return 'resource-metadata'
  return pathname.startsWith('/.well-known/') ? 'authorization-server-metadata' : 'token'
}
