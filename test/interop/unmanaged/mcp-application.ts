/** What an application writes to use an MCP SDK with a person at a browser: the provider that both generations of the SDK ask for. */

import { type ConsentDecision, type Consented, walkConsent } from '../../../src/testing/headless-sign-in.ts'

/** Nobody listens there: the walk ends before it. */
export const callback = 'http://127.0.0.1:9/callback'

export interface ApplicationOptions {
  /** Where its metadata document is, if it has one. */
  clientMetadataUrl?: string
}

/**
 * Keeps in memory what the SDK gives it, and remembers where the SDK sends the browser. The types are those of the SDK's own client
 * information, tokens and discovery state.
 */
export function application<Information, Tokens, Discovery>({ clientMetadataUrl }: ApplicationOptions = {}) {
  let information: Information | undefined
  let tokens: Tokens | undefined
  let discovery: Discovery | undefined
  let verifier = ''
  let state = ''
  const sentTo: URL[] = []
  return {
    ...(clientMetadataUrl === undefined ? {} : { clientMetadataUrl }),
    redirectUrl: callback,
    clientMetadata: { client_name: 'Magpie', redirect_uris: [callback] },
    state() {
      state = crypto.randomUUID()
      return state
    },
    clientInformation: () => information,
    saveClientInformation(given: Information) {
      information = given
    },
    tokens: () => tokens,
    saveTokens(given: Tokens) {
      tokens = given
    },
    discoveryState: () => discovery,
    saveDiscoveryState(given: Discovery) {
      discovery = given
    },
    invalidateCredentials(what: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery') {
      if (what === 'all' || what === 'client') information = undefined
      if (what === 'all' || what === 'tokens') tokens = undefined
      if (what === 'all' || what === 'discovery') discovery = undefined
    },
    saveCodeVerifier(given: string) {
      verifier = given
    },
    codeVerifier: () => verifier,
    redirectToAuthorization(address: URL) {
      sentTo.push(address)
    },
    /** Every address that the browser was sent to. */
    sentTo,
    /** Follows the last of them as this person, and answers the consent page. Throws an error for the state of another request. */
    async ask(person: string, decision: ConsentDecision = 'allow'): Promise<Consented> {
      const end = await walkConsent(sentTo.at(-1) ?? '', { person, decision })
      if (end.callback.searchParams.get('state') !== state) throw new Error('came back with the state of another')
      return end
    },
  }
}
