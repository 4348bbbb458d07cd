/** A `fetch` that needs only the address of the API: it finds out what the API wants, gets it, and calls again. */

import { type AccessToken, accessOf, type Target } from './access.ts'
import { isSafeAddress } from './address.ts'
import { type Challenge, tokenChallenge } from './challenge.ts'
import { CrossAppError, refusal } from './cross-app-error.ts'
import { type CrossAppOptions, settingsOf } from './options.ts'
import {
  type IssuedRefreshToken,
  type RefreshTokenOptions,
  requestRefreshToken,
  type SignInResult,
} from './refresh-token.ts'
import { scopesOf, unionOf } from './scopes.ts'
import { type Fetch, sending } from './sending.ts'
import { signingIn } from './sign-in.ts'
import { targetsOf } from './targets.ts'

export interface CrossAppClient {
  /**
   * Like the global `fetch`, as the signed-in person. Answers 401 and 403 are tried to be remedied once each and reach the caller
   * when that does not help; a better sign-in is asked of {@link CrossAppOptions.signIn}, once. It differs in four points: the body is read into memory first, so that the call can be
   * repeated; redirects are not followed, so that the token stays within its resource, and a 3xx is given to the caller; an
   * `Authorization` header is a TypeError, because no other credential ever stands in; addresses are https or loopback.
   * Rejects with {@link CrossAppError} when no access token can be had.
   */
  fetch: Fetch
  /** The access token with which `fetch` would call an address. Sends one GET there without a token, unless it knows the resource. */
  token(url: string): Promise<AccessToken>
  /**
   * Gets a refresh token for what the person's sign-in gave, once, where the identity provider gives out such (ID-JAG §4.5). The client
   * does not keep it: the application does, and `subject.refreshToken` gives it back. Throws as {@link requestRefreshToken} says.
   */
  requestRefreshToken(signIn: SignInResult, options?: RefreshTokenOptions): Promise<IssuedRefreshToken>
}

/**
 * A client for one signed-in person (ID-JAG §4). It keeps access tokens in memory until shortly before they expire; ID-JAGs and
 * refresh tokens of answers it does not keep. Throws TypeError for options that can never work.
 */
export function createCrossAppClient(options: CrossAppOptions): CrossAppClient {
  const settings = settingsOf(options)
  const send = sending(settings)
  const access = accessOf(settings, send)
  const targets = targetsOf(settings, send)
  const signedIn = signingIn(settings.signIn)

  /** Gets a token, and only then remembers the target: what was refused leaves no trace. */
  async function granted(target: Target): Promise<Held> {
    const token = await access.tokenFor(target)
    targets.remember(target)
    return { target, token }
  }

  async function known(url: string): Promise<Held | undefined> {
    const target = targets.known(url)
    return target === undefined ? undefined : { target, token: await access.tokenFor(target) }
  }

  async function call(request: BufferedRequest, token: AccessToken | undefined): Promise<Response> {
    const response = await callOnce(request, token)
    if (token?.type !== 'DPoP' || !wantsNonce(response)) return response
    await response.body?.cancel()
    return await callOnce(request, token)
  }

  async function callOnce({ url, init }: BufferedRequest, token: AccessToken | undefined): Promise<Response> {
    const headers = new Headers(init.headers)
    if (token !== undefined) headers.set('authorization', `${token.type} ${token.token}`)
    const { prover } = settings
    if (token !== undefined && prover !== undefined)
      headers.set('dpop', await prover.proof({ method: init.method, url, accessToken: token.token }))
    const response = await settings.fetch(url, { ...init, headers })
    prover?.learn(url, response.headers)
    settings.onStep({
      name: 'call',
      request: { method: init.method, url, headers: Object.fromEntries(headers) },
      answer: { status: response.status, headers: Object.fromEntries(response.headers) },
    })
    return response
  }

  async function callWithToken(request: BufferedRequest): Promise<Response> {
    const { url } = request
    const { signal } = request.init
    let held = await orAborted(known(url), signal)
    let renewed = false
    let steppedUp = false
    for (;;) {
      const response = await call(request, held?.token)
      const challenge = tokenChallenge(response, held?.token.type)
      if (held !== undefined) await refuseWeakSignIn(response, challenge, held, access.drop)
      if (response.status === 401 && !renewed) {
        if (held !== undefined) access.drop(held.target, held.token)
        renewed = true
        await response.body?.cancel()
        held = await orAborted(targets.discover(url, challenge).then(granted), signal)
      } else if (response.status === 403 && held !== undefined && !steppedUp) {
        const wider = widened(held.target, challenge)
        if (wider === undefined) return response
        steppedUp = true
        await response.body?.cancel()
        held = await orAborted(granted(wider), signal)
      } else return response
    }
  }

  async function tokenFor(request: BufferedRequest): Promise<AccessToken> {
    const held = await known(request.url)
    if (held !== undefined) return held.token
    const response = await call(request, undefined)
    await response.body?.cancel()
    const { token } = await granted(await targets.discover(request.url, tokenChallenge(response)))
    return token
  }

  return {
    async fetch(input, init) {
      const request = await buffered(input, init)
      return await orAborted(
        signedIn(() => callWithToken(request)),
        request.init.signal,
      )
    },

    async token(address) {
      const request = await buffered(address)
      return await signedIn(() => tokenFor(request))
    },

    async requestRefreshToken(signIn, options = {}) {
      const identityProvider = await access.findIdentityProvider()
      return await requestRefreshToken(signIn, options, { identityProvider, settings, send })
    },
  }
}

/** The `fetch` of {@link createCrossAppClient} alone. */
export function createCrossAppFetch(options: CrossAppOptions): Fetch {
  return createCrossAppClient(options).fetch
}

interface Held {
  target: Target
  token: AccessToken
}

/** A request that can be sent more than once. */
interface BufferedRequest {
  url: string
  init: RequestInit & { method: string; signal: AbortSignal }
}

/** A signal of a Request hears its caller only while nobody collects the Request: it is kept for as long as the signal. */
const signalsOf = new WeakMap<AbortSignal, Request>()

async function buffered(input: string | URL | Request, init?: RequestInit): Promise<BufferedRequest> {
  const request = new Request(input, init)
  const address = new URL(request.url)
  // RFC 9110 §7.1: a fragment is never sent.
  address.hash = ''
  const url = address.href
  if (!isSafeAddress(url)) throw new TypeError(`${url} may not be called: it must be https, or http on loopback`)
  if (request.headers.has('authorization')) throw new TypeError('the Authorization header is set by this fetch alone')
  const body = request.body === null ? undefined : await request.arrayBuffer()
  const { method, headers } = request
  const given = input instanceof Request ? input : request
  const signal = init?.signal ?? given.signal
  signalsOf.set(signal, given)
  const redirect = request.redirect === 'error' ? 'error' : 'manual'
  return { url, init: { ...init, method, headers, signal, redirect, ...(body === undefined ? {} : { body }) } }
}

/** RFC 9449 §9: the same again with the nonce that came, once. */
function wantsNonce(response: Response): boolean {
  const { status, headers } = response
  return (
    status === 401 && headers.has('dpop-nonce') && tokenChallenge(response, 'DPoP')?.get('error') === 'use_dpop_nonce'
  )
}

/** RFC 9470 §3: no other token helps until the person has signed in again, so the one at hand is forgotten. */
async function refuseWeakSignIn(
  { status, body }: Response,
  challenge: Challenge | undefined,
  { target, token }: Held,
  drop: (target: Target, token: AccessToken) => void,
): Promise<void> {
  if (status !== 401 || challenge?.get('error') !== 'insufficient_user_authentication') return
  drop(target, token)
  await body?.cancel()
  const error = 'insufficient_user_authentication'
  throw refusal('call', target.resource, status, { ...Object.fromEntries(challenge), error })
}

/** RFC 6750 §3.1: what it has and what it lacks; undefined when the challenge asks for nothing new. */
function widened(target: Target, challenge: Challenge | undefined): Target | undefined {
  if (challenge?.get('error') !== 'insufficient_scope') return undefined
  const scopes = unionOf(target.scopes, scopesOf(challenge.get('scope')))
  return scopes.length > target.scopes.length ? { ...target, scopes } : undefined
}

/** Rejects as soon as the caller gives up. The flow goes on, for whoever shares it. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  return await Promise.race([work, aborted])
}
