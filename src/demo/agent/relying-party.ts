/** Sign-in with the company: the agent as an OpenID Connect relying party (authorization code, PKCE, state, nonce). */

import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientSecretBasic,
  type Configuration,
  calculatePKCECodeChallenge,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client'
import type { DemandedSignIn } from '../../client/client.ts'
import type { Seconds } from '../../protocol/ports.ts'
import type { Cast } from './cast.ts'
import { type Observed, observedFetch } from './observed.ts'

/** What the agent remembers between sending somebody to sign in and their return. */
export interface PendingSignIn {
  state: string
  nonce: string
  codeVerifier: string
  /** How long ago it may have been when the ID Token comes. Absent: any time. */
  maxAge?: Seconds
}

/** What a sign-in must be, where a server demanded it. */
export type WantedSignIn = Pick<DemandedSignIn, 'acrValues' | 'maxAge'>

/** Somebody who has signed in. */
export interface Person {
  sub: string
  name: string
  /** The subject token of every exchange to come. */
  idToken: string
  /** What the sign-in must have been tied to, for the story's checks. */
  nonce: string
  observed: Observed[]
}

export interface RelyingParty {
  /** The address to send the browser to. With `wanted`, it passes on what a server demands of the sign-in. */
  begin(wanted?: WantedSignIn): Promise<{ address: URL; pending: PendingSignIn }>
  /**
   * Turns the callback's code into an ID Token, whose issuer, audience, nonce, times and signature are checked. Rejects with
   * {@link SignInFailed} when the state is another's, the provider refused, or anything about the token is wrong.
   */
  finish(callback: URL, pending: PendingSignIn): Promise<Person>
}

/** Nobody has signed in. The message is a sentence for the person, without a full stop; it holds no token. */
export class SignInFailed extends Error {
  override readonly name = 'SignInFailed'
}

/** The agent at the cast's identity provider. Metadata and keys are fetched anew for each sign-in. */
export function relyingParty({ identityProvider: { issuer, credentials }, redirectUri }: Cast): RelyingParty {
  async function configuration(observe: (observed: Observed) => void): Promise<Configuration> {
    const send = observedFetch('sign-in', observe)
    return await discovery(new URL(issuer), credentials.id, undefined, ClientSecretBasic(credentials.secret), {
      // Plain http is what loopback has. The issuer is the demonstration's own, never one that came from outside.
      execute: [allowInsecureRequests, enableNonRepudiationChecks],
      [customFetch]: (url, { method, headers, redirect, body, signal }) =>
        send(url, { method, headers, redirect, body: body ?? null, signal: signal ?? null }),
    })
  }

  return {
    async begin({ acrValues, maxAge } = { acrValues: [], maxAge: undefined }) {
      const pending = {
        state: randomState(),
        nonce: randomNonce(),
        codeVerifier: randomPKCECodeVerifier(),
        ...(maxAge === undefined ? {} : { maxAge }),
      }
      const { state, nonce, codeVerifier } = pending
      const address = buildAuthorizationUrl(await configuration(() => {}), {
        redirect_uri: redirectUri,
        scope: 'openid email',
        // A demonstration is about choosing: the provider would remember the last person otherwise.
        prompt: 'login',
        // ID-JAG §9.2, CL-11
        ...(acrValues.length === 0 ? {} : { acr_values: acrValues.join(' ') }),
        ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
      })
      return { address, pending }
    },

    async finish(callback, { state, nonce, codeVerifier, maxAge }) {
      const observed: Observed[] = []
      const config = await configuration((one) => observed.push(one))
      try {
        const tokens = await authorizationCodeGrant(config, callback, {
          pkceCodeVerifier: codeVerifier,
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
          ...(maxAge === undefined ? {} : { maxAge }),
        })
        const claims = tokens.claims()
        const { id_token: idToken } = tokens
        if (claims === undefined || idToken === undefined) throw new SignInFailed('the answer holds no ID Token')
        const name = [claims.name, claims.email, claims.sub].find((one) => typeof one === 'string' && one !== '')
        return { sub: claims.sub, name: String(name), idToken, nonce, observed }
      } catch (cause) {
        if (cause instanceof SignInFailed) throw cause
        throw new SignInFailed(sentenceOf(cause), { cause })
      }
    },
  }
}

/** What the provider said, or what was wrong with what came; with the name of the claim, where one was. */
function sentenceOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'the answer of the identity provider cannot be used'
  const { error_description: description } = cause as { error_description?: unknown }
  if (typeof description === 'string' && description !== '') return description
  for (let at: unknown = cause.cause; typeof at === 'object' && at !== null; at = (at as { cause?: unknown }).cause) {
    const { claim } = at as { claim?: unknown }
    if (typeof claim === 'string') return `the ID Token is not used, because of its claim ${claim}`
  }
  return cause.message
}
