/** Exchanges what a sign-in gave for a refresh token of the identity provider, so that work goes on when that has expired (ID-JAG §4.5). */

import * as z from 'zod'
import { grantType, notAnAccessToken, tokenType } from '../protocol/names.ts'
import type { Seconds } from '../protocol/ports.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import type { Settings } from './options.ts'
import { scopesOf } from './scopes.ts'
import type { Send } from './sending.ts'
import { chooseSubject, type SubjectToken } from './subject.ts'
import { readTokenAnswer, sendTokenRequest, tokenAnswer } from './token-answer.ts'

/** What the person's sign-in gave: an ID Token, or the base64url of a signed SAML assertion or of the response with it. */
export type SignInResult = { idToken: string } | { samlAssertion: string }

/** What is asked for. */
export interface RefreshTokenOptions {
  /** Default: `openid offline_access`. Any further scope limits what the token is good for, where the provider knows limits. */
  scope?: string
  /** The issuer of the only resource authorization server that it is to be good for. Default: wherever the client may go. */
  audience?: string
}

/** To be kept as a password is, and given back by `subject.refreshToken`. */
export interface IssuedRefreshToken {
  refreshToken: string
  /** When it ends; absent when the provider did not say. */
  expiresAt: Seconds | undefined
  scopes: string[]
}

const RefreshTokenAnswer = z.looseObject({
  ...tokenAnswer,
  // ID-JAG §4.5: what came is a refresh token; both members say so.
  issued_token_type: z.literal(tokenType.refreshToken),
  token_type: z.string().refine((value) => value.toUpperCase() === notAnAccessToken),
})

/**
 * Asks once (SAML-02). With `dpop` the token is bound to that key. Throws {@link CrossAppError} `exchange`, `SignInRequired` for an ID
 * Token that has expired or a sign-in that is too old, and TypeError for a scope that is none.
 */
export async function requestRefreshToken(
  signIn: SignInResult,
  { scope = 'openid offline_access', audience }: RefreshTokenOptions,
  { identityProvider, settings, send }: { identityProvider: AuthorizationServer; settings: Settings; send: Send },
): Promise<IssuedRefreshToken> {
  if (scopesOf(scope).join(' ') !== scope) throw new TypeError('scope must be scope tokens with single spaces')
  const { now, newId, prover, skew } = settings
  const { issuer } = identityProvider
  const subject: SubjectToken =
    'idToken' in signIn
      ? await chooseSubject({ idToken: () => signIn.idToken }, issuer, now(), skew)
      : { token: signIn.samlAssertion, type: tokenType.saml2 }
  const askedAt = now()
  const answer = await sendTokenRequest(
    'exchange',
    identityProvider,
    settings.identityProvider.client,
    {
      grant_type: grantType.tokenExchange,
      requested_token_type: tokenType.refreshToken,
      audience,
      scope,
      subject_token: subject.token,
      subject_token_type: subject.type,
    },
    { send, now, newId, prover },
  )
  const read = readTokenAnswer(answer, 'exchange', issuer, RefreshTokenAnswer)
  return {
    refreshToken: read.access_token,
    expiresAt: read.expires_in === undefined ? undefined : askedAt + read.expires_in,
    scopes: scopesOf(read.scope ?? scope),
  }
}
