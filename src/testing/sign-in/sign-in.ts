/** Sign-in at the issuer that exchanges tokens: its pages, its discovery document, and its part of the token endpoint. */

import { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Provider } from 'oidc-provider'
import type { OtherGrants } from '../../http/token-route.ts'
import type { RefreshTokens } from '../../idp/subject.ts'
import { authenticateClient } from '../../protocol/client-auth.ts'
import { parseForm } from '../../protocol/form.ts'
import type { Metadata } from '../../protocol/metadata.ts'
import type { Directory } from '../people.ts'
import { choiceRoutes } from './choice.ts'
import { openIdProvider, type SignInOptions, signInClaims, signInPaths, signInScopes } from './provider.ts'

export interface SignIn {
  /** The discovery document, for `openid.metadata` of the IdP plugin. */
  metadata: Metadata
  /** The grants `authorization_code` and `refresh_token`, for `openid.otherGrants`. */
  otherGrants: OtherGrants
  /** The refresh tokens this sign-in gave out, as subject tokens. */
  refreshTokens: RefreshTokens
  /** Registers `/authorize`, `/userinfo`, `/revoke` and the page on which people choose who they are. */
  routes(app: FastifyInstance): Promise<void>
}

/**
 * A real OpenID provider with authorization code and PKCE (S256 alone) for managed applications: no consent page. Scopes are `openid`,
 * `email` and `offline_access`; the last needs `prompt=consent` (OpenID Connect Core §11). It reads the system's clock.
 */
export async function signInProvider(options: SignInOptions): Promise<SignIn> {
  const provider = await openIdProvider(options)
  const callback = provider.callback()
  const { host } = new URL(options.issuer)
  const hand = async (request: IncomingMessage, reply: FastifyReply) => {
    // What the hooks before us set, such as the correlation id, goes out with the provider's answer.
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value)
    // The provider builds addresses from Host, and fails where it is none. It lives at one address, whoever calls it what.
    request.headers.host = host
    reply.hijack()
    await callback(request, reply.raw)
  }
  return {
    metadata: metadataOf(options.issuer),
    otherGrants: async (request, reply, body) => hand(await replayed(request, body, options), reply),
    refreshTokens: refreshTokensOf(provider, options.directory),
    async routes(app) {
      await app.register(choiceRoutes(provider, options.directory))
      await app.register(async (scope) => {
        // The provider reads the body itself.
        scope.removeAllContentTypeParsers()
        scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
        const { authorization, userinfo, revocation, end_session } = signInPaths
        for (const path of [authorization, `${authorization}/:uid`, userinfo, revocation, `${end_session}/confirm`])
          scope.all(path, async (request, reply) => hand(request.raw, reply))
      })
    },
  }
}

/**
 * A request whose body was read already, as a request that can be read. The provider knows clients by their secret alone: a client that
 * signed an assertion is authenticated here, and introduced by the secret that is kept for it.
 */
async function replayed(
  { raw }: FastifyRequest,
  body: string,
  { authentication, clients }: SignInOptions,
): Promise<IncomingMessage> {
  const { method, url, rawHeaders, httpVersion, headers } = raw
  const again = new IncomingMessage(raw.socket)
  // Node closes the connection of a request that ends before it is complete.
  Object.assign(again, { method, url, rawHeaders, httpVersion, headers, complete: true })
  const sent = new URLSearchParams(body)
  if (sent.has('client_assertion')) {
    const authorization = headers.authorization === undefined ? [] : [headers.authorization]
    const { client, spend } = await authenticateClient({ authorization, form: parseForm(body) }, authentication)
    await spend()
    const { secret } = clients.find(({ id }) => id === client.id) ?? { secret: '' }
    for (const name of ['client_assertion', 'client_assertion_type', 'client_id']) sent.delete(name)
    again.headers = {
      ...headers,
      authorization: `Basic ${btoa(`${client.id}:${secret}`)}`,
      'content-length': String(Buffer.byteLength(sent.toString())),
    }
    again.push(sent.toString())
  } else again.push(body)
  again.push(null)
  return again
}

/** OpenID Connect Discovery §3, in the words of what {@link openIdProvider} sets up. */
function metadataOf(issuer: string): Metadata {
  return {
    issuer,
    authorization_endpoint: issuer + signInPaths.authorization,
    token_endpoint: issuer + signInPaths.token,
    jwks_uri: issuer + signInPaths.jwks,
    userinfo_endpoint: issuer + signInPaths.userinfo,
    revocation_endpoint: issuer + signInPaths.revocation,
    scopes_supported: signInScopes,
    claims_supported: Object.values(signInClaims).flat(),
    response_types_supported: ['code'],
    response_modes_supported: ['query', 'form_post'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256', 'RS256'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    claims_parameter_supported: false,
    request_uri_parameter_supported: false,
  }
}

/** ID-JAG D-20: read and not rotated, not spent. A token that was revoked is gone; one that was rotated is marked. */
function refreshTokensOf(provider: Provider, { find }: Directory): RefreshTokens {
  return {
    async find(token) {
      const record = await provider.RefreshToken.find(token)
      if (record?.clientId === undefined || record.accountId === undefined) return undefined
      const { clientId: client, accountId: sub, iat, iiat, exp, consumed, grantId, authTime, acr, amr } = record
      const grant = grantId === undefined ? undefined : await provider.Grant.find(grantId)
      const revoked = Boolean(consumed) || grant === undefined
      // Rotated, it still counts from the first one that was given out.
      return { client, sub, expiresAt: exp ?? 0, revoked, issuedAt: iiat ?? iat, authTime, acr, amr }
    },
    findUser: find,
  }
}
