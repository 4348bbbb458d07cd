/** The real sign-in page without a browser: a walk over HTTP with a cookie jar, which chooses a person and brings back the tokens. */

import { createHash, randomBytes } from 'node:crypto'

const maxRedirects = 12

/**
 * Follows an authorization request to its end: opens the address, chooses the person on the page, and gives the callback address with
 * `code`, `state` and `iss`, without fetching it. Rejects with the page's own sentence where the person is refused.
 */
export async function walkSignIn(authorizationUrl: URL | string, person: string): Promise<URL> {
  const start = new URL(authorizationUrl)
  const callback = new URL(start.searchParams.get('redirect_uri') ?? '')
  const jar = new Map<string, string>()
  let url = start
  let form: URLSearchParams | undefined
  for (let step = 0; step < maxRedirects; step++) {
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    })
    keepCookies(answer, jar)
    const location = answer.headers.get('location')
    if (location !== null) {
      url = new URL(location, url)
      if (url.origin === callback.origin && url.pathname === callback.pathname) return url
      form = undefined
      continue
    }
    const page = await answer.text()
    const action = /<form method="post" action="([^"]+)"/.exec(page)?.[1]
    if (form !== undefined || action === undefined) throw new Error(sentenceOf(page, answer.status))
    url = new URL(action, url)
    form = new URLSearchParams({ person })
  }
  throw new Error(`the sign-in at ${start.origin} did not end within ${maxRedirects} steps`)
}

function keepCookies(answer: Response, jar: Map<string, string>): void {
  for (const line of answer.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=;]+)=([^;]*)/.exec(line) ?? []
    if (value === '') jar.delete(name)
    else jar.set(name, value)
  }
}

/** What the page says to the person: its alert, or its first paragraph. */
function sentenceOf(page: string, status: number): string {
  const found = /role="alert">([^<]+)</.exec(page) ?? /<p>([^<]+)<\/p>/.exec(page)
  return found?.[1] ?? `the sign-in answered ${status} without a word`
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
