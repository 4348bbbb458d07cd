/** The real pages of sign-in and consent without a browser: a walk over HTTP that chooses a person, answers, and brings back the tokens. */

import { createHash, randomBytes } from 'node:crypto'
import {
  type HeadlessBrowser,
  hasButton,
  headlessBrowser,
  plainText,
  sentenceOf,
  type Visit,
} from './headless-browser.ts'

/**
 * Follows an authorization request to its end: opens the address, chooses the person on the page, and gives the callback address with
 * `code`, `state` and `iss`, without fetching it. Rejects with the page's own sentence where the person is refused.
 */
export async function walkSignIn(authorizationUrl: URL | string, person: string): Promise<URL> {
  const { browser, page } = await begun(authorizationUrl)
  const end = page.status === 0 ? page : await choose(browser, page, person)
  if (end.status !== 0) throw new Error(sentenceOf(end))
  return end.url
}

/** What a person does at a consent page. */
export type ConsentDecision = 'allow' | 'deny'

/** A consent page, as it is read. */
export interface ConsentSeen {
  heading: string
  /** What is known of the application, or the warning that nothing is. */
  proof: string
  /** The rest, by the page's own names: who is asked, what is wanted where, where the browser goes afterwards. */
  rows: [name: string, text: string][]
}

/** The end of an authorization request that a person was asked about. */
export interface Consented {
  /** With `code`, or `error`; it was not fetched. */
  callback: URL
  /** Undefined when it ended before anybody was asked. */
  consent: ConsentSeen | undefined
}

/**
 * Follows the authorization request of an application that no company manages: sign-in at the company's identity provider as
 * {@link walkSignIn}, then the consent page, which is read and answered. Rejects with a page's own sentence where the way ends at one.
 */
export async function walkConsent(
  authorizationUrl: URL | string,
  { person, decision }: { person: string; decision: ConsentDecision },
): Promise<Consented> {
  const { browser, page: first } = await begun(authorizationUrl)
  const page = first.status !== 0 && hasButton(first, 'person') ? await choose(browser, first, person) : first
  if (page.status === 0) return { callback: page.url, consent: undefined }
  const end = await browser.press(page, 'decision', decision)
  if (end.status !== 0) throw new Error(sentenceOf(end))
  return { callback: end.url, consent: consentOf(page) }
}

async function begun(authorizationUrl: URL | string): Promise<{ browser: HeadlessBrowser; page: Visit }> {
  const start = new URL(authorizationUrl)
  const callback = new URL(start.searchParams.get('redirect_uri') ?? '')
  const browser = headlessBrowser(
    ({ origin, pathname }) => origin === callback.origin && pathname === callback.pathname,
  )
  return { browser, page: await browser.open(start) }
}

/** The same page again is a refusal. */
async function choose(browser: HeadlessBrowser, page: Visit, person: string): Promise<Visit> {
  const next = await browser.press(page, 'person', person)
  if (next.status !== 0 && hasButton(next, 'person')) throw new Error(sentenceOf(next))
  return next
}

function consentOf({ text }: Visit): ConsentSeen {
  const read = (pattern: RegExp) => plainText(pattern.exec(text)?.[1] ?? '')
  const rows = [...text.matchAll(/<dt>(.*?)<\/dt><dd>(.*?)<\/dd>/gs)]
  return {
    heading: read(/<h1>(.*?)<\/h1>/s),
    proof: read(/<p class="(?:proof|alert)">(.*?)<\/p>/s),
    rows: rows.map(([, name = '', value = '']) => [plainText(name), plainText(value)]),
  }
}

export interface HeadlessSignIn {
  issuer: string
  tokenEndpoint: string
  client: { id: string; secret: string }
  person: string
  /** `openid email` unless given. With `offline_access` there is a refresh token, too. */
  scope?: string
}

export interface SignedIn {
  idToken: string
  accessToken: string
  refreshToken?: string
}

/** Signs a person in by authorization code with PKCE, as a native application on this machine would (RFC 8252). Rejects where refused. */
export async function signInHeadless(options: HeadlessSignIn): Promise<SignedIn> {
  const { issuer, tokenEndpoint, client, person, scope = 'openid email' } = options
  const verifier = randomBytes(32).toString('base64url')
  const state = randomBytes(16).toString('base64url')
  const redirectUri = 'http://127.0.0.1/callback'
  const request = new URL(`${issuer}/authorize`)
  request.search = new URLSearchParams({
    response_type: 'code',
    client_id: client.id,
    redirect_uri: redirectUri,
    scope,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    // OpenID Connect Core §11: offline_access is ignored without it.
    ...(scope.includes('offline_access') ? { prompt: 'consent' } : {}),
  }).toString()
  const callback = await walkSignIn(request, person)
  const error = callback.searchParams.get('error')
  if (error !== null) throw new Error(`${error}: ${callback.searchParams.get('error_description') ?? ''}`)
  if (callback.searchParams.get('state') !== state) throw new Error('the sign-in came back with the state of another')

  const answer = await fetch(tokenEndpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${client.id}:${client.secret}`)}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: callback.searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: verifier,
    }),
  })
  const body = (await answer.json()) as { [member: string]: string | undefined }
  if (answer.status !== 200 || body.id_token === undefined || body.access_token === undefined)
    throw new Error(`the token endpoint answered ${answer.status} ${body.error}: ${body.error_description}`)
  return {
    idToken: body.id_token,
    accessToken: body.access_token,
    ...(body.refresh_token === undefined ? {} : { refreshToken: body.refresh_token }),
  }
}
