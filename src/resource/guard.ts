/** The guard of a protected resource: checks the access token of each request, and tells a stranger where to get one. */

import { refusal } from '../protocol/audit.ts'
import type { HttpAnswer } from '../protocol/http-answer.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import type { KeySource, SignatureAlgorithm } from '../protocol/keys.ts'
import { type Metadata, protectedResourceMetadata, protectedResourceMetadataUrl } from '../protocol/metadata.ts'
import { type AuditEvent, type AuditFacts, type Ports, type Seconds, tokenIdHash } from '../protocol/ports.ts'
import type { Reason } from '../protocol/reasons.ts'
import { failClosed } from '../protocol/token-endpoint.ts'
import type { Revocation, TokenCheck } from './revocation.ts'

export interface GuardOptions {
  /** The resource identifier: the address clients are configured with. */
  resource: string
  /** The issuer of its authorization server. */
  authorizationServer: string
  keys: KeySource
  algorithms: readonly SignatureAlgorithm[]
  /** Every scope of this resource. Clients without a better idea ask for all of them, so keep the list short. */
  scopes: readonly string[]
  name?: string
  skew: Seconds
  /** The longest access token that is taken. */
  maxLifetime: Seconds
  /** How it learns that a token was ended before its time: `statusLists(…)`, `introspection(…)`, or not at all. */
  revocation: Revocation
}

/** Who calls: the account, and the application through which it does. */
export interface Principal {
  /** The authorization server that issued the token. */
  issuer: string
  account: string
  client: string
  scopes: readonly string[]
  tokenId: string
  authTime?: Seconds | undefined
  acr?: string | undefined
  act?: { [member: string]: unknown } | undefined
}

/** A request that may not pass, with the exact answer for it (RFC 6750 §3). */
export class Challenge extends Error {
  override readonly name = 'Challenge'
  readonly status: 400 | 401 | 403
  readonly wwwAuthenticate: string
  readonly reason: Reason
  /** Absent when no token came: such a request is no error (RFC 6750 §3.1). */
  readonly error: string | undefined

  constructor(status: 400 | 401 | 403, reason: Reason, message: string, parameters: { [name: string]: string }) {
    super(message)
    this.status = status
    this.reason = reason
    this.error = parameters.error
    this.wwwAuthenticate = `Bearer ${Object.entries(parameters)
      .map(([name, value]) => `${name}="${value.replace(/["\\]/g, '')}"`)
      .join(', ')}`
  }
}

/** How a challenge is answered. */
export function challengeAnswer({ status, wwwAuthenticate, error }: Challenge): HttpAnswer {
  const headers = { 'www-authenticate': wwwAuthenticate, 'cache-control': 'no-store' }
  return { status, headers, body: error === undefined ? {} : { error } }
}

export interface Guard {
  /** The document at `/.well-known/oauth-protected-resource…` (RFC 9728). */
  metadata: Metadata
  metadataUrl: string
  /**
   * Who calls: from `authorization`, every `Authorization` line of the request. Throws {@link Challenge}, after its audit event.
   * Whether the token was ended since it was issued is asked as {@link GuardOptions.revocation} says; 503 when that cannot be known.
   */
  authenticate(request: { authorization: readonly string[]; correlationId: string }): Promise<Principal>
  /** Lets an authenticated request pass if its token has every `required` scope, or throws {@link Challenge}. Writes the audit event. */
  authorize(principal: Principal, request: { required: readonly string[]; correlationId: string }): Promise<void>
}

/** Makes the guard of one resource. */
export function guardOf(options: GuardOptions, ports: Ports): Guard {
  const metadataUrl = protectedResourceMetadataUrl(options.resource)
  const check = options.revocation({ ...options, issuer: options.authorizationServer, now: () => ports.now() })
  const safe = failClosed(ports)
  const record = (facts: AuditFacts & Pick<AuditEvent, 'outcome' | 'reason' | 'correlationId' | 'error'>) =>
    safe.record({ role: 'resource', server: options.resource, action: 'call', at: ports.now(), ...facts })
  const refuse = async (challenge: Challenge, facts: AuditFacts, correlationId: string): Promise<never> => {
    const { reason, error, message: detail } = challenge
    await record({
      ...facts,
      outcome: 'refused',
      reason,
      detail,
      correlationId,
      ...(error === undefined ? {} : { error }),
    })
    throw challenge
  }
  return {
    metadata: protectedResourceMetadata(options),
    metadataUrl,
    async authenticate({ authorization, correlationId }) {
      try {
        return await readPrincipal(authorization, { ...options, check, metadataUrl, now: ports.now() })
      } catch (cause) {
        if (cause instanceof Challenge) return await refuse(cause, {}, correlationId)
        await record({ ...refusal(cause), correlationId })
        throw cause
      }
    },
    async authorize(principal, { required, correlationId }) {
      const { account, client, tokenId, issuer } = principal
      const facts = { account, client, tokenId, issuer, scope: principal.scopes.join(' ') }
      const missing = required.filter((scope) => !principal.scopes.includes(scope))
      if (missing.length === 0) return await record({ ...facts, outcome: 'granted', reason: 'granted', correlationId })
      // RFC 6750 §3.1: 403, and every scope the request needs, so that a client can ask for them at once.
      const challenge = new Challenge(403, 'scope_denied', `the access token lacks ${missing.join(' ')}`, {
        error: 'insufficient_scope',
        scope: required.join(' '),
        resource_metadata: metadataUrl,
      })
      return await refuse(challenge, facts, correlationId)
    },
  }
}

async function readPrincipal(
  authorization: readonly string[],
  options: GuardOptions & { check: TokenCheck; metadataUrl: string; now: Seconds },
): Promise<Principal> {
  const { metadataUrl } = options
  const [header, ...more] = authorization
  // RFC 6750 §3.1, RFC 9728 §5.1: no token, no error; only where to find one.
  if (header === undefined)
    throw new Challenge(401, 'token_missing', 'no access token', { resource_metadata: metadataUrl })
  if (more.length > 0)
    throw new Challenge(400, 'malformed_auth', 'more than one Authorization header', {
      error: 'invalid_request',
      resource_metadata: metadataUrl,
    })
  const token = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header)?.[1]
  try {
    if (token === undefined) throw new JwtError('token_invalid', 'is not a Bearer token')
    const claims = await options.check(token, { ...options, issuer: options.authorizationServer })
    return {
      issuer: claims.iss,
      account: claims.sub,
      client: claims.client_id,
      scopes: claims.scope?.split(' ') ?? [],
      tokenId: tokenIdHash(claims.iss, claims.jti),
      authTime: claims.auth_time,
      acr: claims.acr,
      act: claims.act,
    }
  } catch (cause) {
    if (!(cause instanceof JwtError)) throw cause
    // RFC 6750 §3.1; the words say nothing that the bearer of a bad token could use.
    throw new Challenge(401, cause.reason, `access token: ${cause.message}`, {
      error: 'invalid_token',
      error_description: 'the access token is expired, malformed, or not for this resource',
      resource_metadata: metadataUrl,
    })
  }
}
