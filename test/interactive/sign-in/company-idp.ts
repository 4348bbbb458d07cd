/** A company's IdP on a port of its own: discovery, keys, a sign-in without a question, and a token endpoint that can be led astray. */

import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { bindOrigin, serveAt } from '../../../src/testing/origin.ts'

/** What the IdP does instead of what is right. */
export interface Astray {
  /** Claims of the ID Token, and of UserInfo. */
  claims?: JWTPayload
  /** The error it sends the browser back with. */
  error?: string
  /** Members of the metadata; undefined takes one away. */
  metadata?: { [member: string]: unknown }
  /** Parameters of the answer that the browser brings back. */
  answer?: { [name: string]: string | undefined }
  /** Answers the token request with this status and nothing of use. */
  tokenStatus?: number
  /** Keeps the e-mail address for UserInfo. */
  thin?: true
  /** Signs ID Tokens with a key that it does not publish. */
  foreignKey?: true
}

export interface CompanyIdp {
  issuer: string
  astray: Astray
  /** The authorization requests and the forms of the token requests, in order. */
  asked: URLSearchParams[]
  redeemed: URLSearchParams[]
  /** The Authorization headers of the token requests. */
  credentials: (string | undefined)[]
  discoveries: number
  close(): Promise<void>
}

/** Starts it. Everybody who comes is alice, whose address is in `domain`. */
export async function companyIdp(domain: string): Promise<CompanyIdp> {
  const origin = await bindOrigin(0)
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  const { privateKey: foreign } = await generateKeyPair('ES256')
  const codes = new Map<string, URLSearchParams>()
  const idp: CompanyIdp = {
    issuer: origin.url,
    astray: {},
    asked: [],
    redeemed: [],
    credentials: [],
    discoveries: 0,
    close: async () => await app.close(),
  }
  const person = () => ({
    sub: 'alice-at-work',
    email: `alice@${domain}`,
    email_verified: true,
    acr: 'urn:example:two-factors',
    amr: ['pwd', 'otp'],
    auth_time: now() - 30,
    ...idp.astray.claims,
  })
  const app = await serveAt(origin, (server) => {
    server.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
      done(null, new URLSearchParams(String(body))),
    )
    server.get('/.well-known/openid-configuration', async () => {
      idp.discoveries++
      return {
        issuer: origin.url,
        authorization_endpoint: `${origin.url}/authorize`,
        token_endpoint: `${origin.url}/token`,
        userinfo_endpoint: `${origin.url}/userinfo`,
        jwks_uri: `${origin.url}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256', 'HS256'],
        authorization_response_iss_parameter_supported: true,
        ...idp.astray.metadata,
      }
    })
    server.get('/jwks', async () => ({ keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'one' }] }))
    server.get('/userinfo', async () => person())
    server.get('/authorize', async (request, reply) => {
      const asked = new URL(request.url, origin.url).searchParams
      idp.asked.push(asked)
      const code = randomUUID()
      codes.set(code, asked)
      const back = new URL(asked.get('redirect_uri') ?? '')
      const { error, answer } = idp.astray
      const given = {
        ...(error === undefined ? { code } : { error }),
        state: asked.get('state') ?? '',
        iss: origin.url,
      }
      for (const [name, value] of Object.entries({ ...given, ...answer }))
        if (value !== undefined) back.searchParams.set(name, value)
      return reply.redirect(back.href, 303)
    })
    server.post('/token', async (request, reply) => {
      const form = request.body as URLSearchParams
      idp.redeemed.push(form)
      idp.credentials.push(request.headers.authorization)
      if (idp.astray.tokenStatus !== undefined) return reply.code(idp.astray.tokenStatus).send({ nothing: true })
      const asked = codes.get(form.get('code') ?? '')
      if (asked === undefined) return reply.code(400).send({ error: 'invalid_grant' })
      const claims = { aud: asked.get('client_id') ?? '', nonce: asked.get('nonce'), iss: origin.url, ...person() }
      if (idp.astray.thin === true) Object.assign(claims, { email: undefined, email_verified: undefined })
      const token = new SignJWT({ iat: now(), exp: now() + 300, ...claims }).setProtectedHeader({
        alg: 'ES256',
        kid: 'one',
      })
      const idToken = await token.sign(idp.astray.foreignKey === true ? foreign : privateKey)
      return { access_token: 'opaque', token_type: 'Bearer', id_token: idToken }
    })
  })
  return idp
}

function now(): number {
  return Math.floor(Date.now() / 1000)
}
