/** This server as an OpenID Connect relying party at the companies' IdPs: authorization code, PKCE S256, state, nonce, `iss`. */

import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  fetchUserInfo,
  type IDToken,
  randomNonce,
  randomPKCECodeVerifier,
} from 'openid-client'
import * as z from 'zod'
import type { JsonObject } from '../../protocol/json.ts'
import { JwtError } from '../../protocol/jwt-error.ts'
import { type PersonRules, personIdOf } from '../../protocol/person.ts'
import type { PageOptions, SignedInPerson, SignInIssuer } from './contract.ts'
import { idpConfigurations } from './idp-configuration.ts'
import { SignInError, signInErrorOf } from './sign-in-error.ts'

/** What is remembered of somebody on the way to an IdP and back. It names the IdP: nobody else may answer for it. */
export const PendingSignIn = z.object({
  issuer: z.string(),
  nonce: z.string(),
  codeVerifier: z.string(),
  redirectUri: z.string(),
  maxAge: z.number().optional(),
})
export type PendingSignIn = z.infer<typeof PendingSignIn>

/** How somebody is to sign in. */
export interface AskedSignIn {
  state: string
  /** Where the IdP sends the browser back to. */
  redirectUri(announcesIss: boolean): string
  /** An e-mail address that the person typed. */
  loginHint?: string
  /** The IdP asks again who it is, whatever it remembers. */
  anew: boolean
  /** At most so many seconds ago. */
  maxAge?: number
}

export interface RelyingParty {
  /** The address of the IdP to send the browser to. Throws {@link SignInError}. */
  begin(idp: SignInIssuer, asked: AskedSignIn): Promise<{ address: URL; pending: PendingSignIn }>
  /**
   * Turns the answer of the IdP into who signed in there. State, `iss` (RFC 9207), code verifier and the ID Token's signature, issuer,
   * audience, nonce, times and `auth_time` are checked, by the system's clock. Throws {@link SignInError}. It does NOT check that the
   * browser is the one that began, nor that this is the first time: that is for the caller.
   */
  finish(idp: SignInIssuer, answer: URLSearchParams, pending: PendingSignIn, state: string): Promise<SignedInPerson>
}

/** OpenID Connect Core §2, §5.1, as far as it is read. */
const Claims = z.object({
  sub: z.string().min(1).max(255),
  email: z.string().max(320).optional(),
  // Core §5.1: a boolean. What is true in another way is not taken for it.
  email_verified: z.unknown().optional(),
  auth_time: z.number().optional(),
  acr: z.string().max(255).optional(),
  amr: z.array(z.string().max(255)).max(32).optional(),
})

/** The relying party for all IdPs. */
export function relyingParty(options: Pick<PageOptions, 'fetch' | 'ports'>): RelyingParty {
  const configurationOf = idpConfigurations(options)
  return {
    async begin(idp, { state, redirectUri: redirectUriOf, loginHint, anew, maxAge }) {
      const configuration = await configurationOf(idp)
      const announcesIss = configuration.serverMetadata().authorization_response_iss_parameter_supported === true
      const [redirectUri, nonce, codeVerifier] = [redirectUriOf(announcesIss), randomNonce(), randomPKCECodeVerifier()]
      const address = buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        // Microsoft Entra has `oid` in the ID Token for this scope alone.
        scope:
          idp.person?.userClaim === undefined || idp.person.userClaim === 'sub'
            ? 'openid email'
            : 'openid email profile',
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(codeVerifier),
        code_challenge_method: 'S256',
        ...(loginHint === undefined ? {} : { login_hint: loginHint }),
        ...(anew ? { prompt: 'login' } : {}),
        ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
      })
      const pending = { issuer: idp.issuer, nonce, codeVerifier, redirectUri }
      return { address, pending: maxAge === undefined ? pending : { ...pending, maxAge } }
    },

    async finish(idp, answer, { nonce, codeVerifier, redirectUri, maxAge }, state) {
      const configuration = await configurationOf(idp)
      const callback = new URL(redirectUri)
      callback.search = answer.toString()
      try {
        const tokens = await authorizationCodeGrant(configuration, callback, {
          pkceCodeVerifier: codeVerifier,
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
          ...(maxAge === undefined ? {} : { maxAge }),
        })
        const claims = tokens.claims()
        if (claims === undefined) throw new SignInError('unusable', `sign-in at ${idp.issuer}: no ID Token came`)
        return personOf(idp, { ...(await missingEmail(configuration, claims, tokens.access_token)), ...claims })
      } catch (cause) {
        throw signInErrorOf(cause, idp.issuer)
      }
    },
  }
}

/** OpenID Connect Core §5.4: in the code flow the claims of the scope `email` may be at the UserInfo endpoint alone. */
async function missingEmail(configuration: Configuration, { email, sub }: IDToken, accessToken: string) {
  if (email !== undefined || configuration.serverMetadata().userinfo_endpoint === undefined) return {}
  const found = await fetchUserInfo(configuration, accessToken, sub)
  return { email: found.email, email_verified: found.email_verified }
}

function personOf({ issuer, person = { userClaim: 'sub' } }: SignInIssuer, claims: JsonObject): SignedInPerson {
  const read = Claims.safeParse(claims)
  if (!read.success)
    throw new SignInError(
      'unusable',
      `sign-in at ${issuer}: unexpected '${String(read.error.issues[0]?.path[0])}' claim value`,
    )
  const { email, email_verified: verified, auth_time: authTime, acr, amr } = read.data
  return {
    issuer,
    sub: personId(issuer, claims, person),
    ...(email === undefined ? {} : { email }),
    emailVerified: email !== undefined && verified === true,
    ...(authTime === undefined ? {} : { authTime }),
    ...(acr === undefined ? {} : { acr }),
    ...(amr === undefined ? {} : { amr }),
  }
}

/** An organisation that is not ours is a refusal; a claim that is not there is a mistake in the configuration of either side. */
function personId(issuer: string, claims: JsonObject, rules: PersonRules): string {
  try {
    return personIdOf(claims, rules)
  } catch (cause) {
    if (!(cause instanceof JwtError)) throw cause
    const trouble = cause.reason === 'tenant_mismatch' ? 'refused' : 'unusable'
    throw new SignInError(trouble, `sign-in at ${issuer}: ${cause.message}`)
  }
}
