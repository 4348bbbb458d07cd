/** The access token of one request at a guard, as Bearer or with a proof: whether it is good, and who calls with it. */

import type { AccessTokenRules } from '../protocol/access-token.ts'
import { type Proof, verifyProof } from '../protocol/dpop.ts'
import type { ProofNonces } from '../protocol/dpop-nonces.ts'
import { OAuthError } from '../protocol/errors.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import type { KeySource, SignatureAlgorithm } from '../protocol/keys.ts'
import type { Ports, Seconds } from '../protocol/ports.ts'
import type { Reason } from '../protocol/reasons.ts'
import { algs, Challenge, type SchemeChallenge } from './challenge.ts'
import { type Principal, principalOf } from './principal.ts'
import type { TokenCheck } from './revocation.ts'

/** Which access tokens a resource takes. */
export interface TokenRules {
  /** The resource identifier: the address clients are configured with. */
  resource: string
  /** The issuer of its authorization server. */
  authorizationServer: string
  keys: KeySource
  algorithms: readonly SignatureAlgorithm[]
  skew: Seconds
  /** The longest access token that is taken. */
  maxLifetime: Seconds
  /** True when no token is taken that is not bound to a key or a certificate. Absent: Bearer tokens are, too. */
  boundTokens?: boolean
  /** The one tenant of the authorization server whose tokens are taken. Absent: all; keep their data apart by {@link Principal.tenant}. */
  tenant?: string
  /** The types of authorization details that mean something here, for the metadata. Absent: none. */
  detailTypes?: readonly string[] | undefined
  /** True when tokens bound to a certificate are taken, from requests that came with it (RFC 8705 §3). Absent: they are refused. */
  certificateBoundTokens?: boolean
  /** How many access tokens are known by their good signature when they come again; 0 for none. Absent: 10 000. */
  accessTokenCache?: number
  /** Nonces that DPoP proofs must hold. Absent: they need none. */
  proofNonces?: ProofNonces
}

/** One request, as far as the guard looks at it. */
export interface GuardedRequest {
  /** Every `Authorization` line. */
  authorization: readonly string[]
  /** The thumbprint of the client's certificate, from a place that nobody else can write to. Absent: none came. */
  certificate?: string | undefined
  correlationId: string
}

/** The same with what a DPoP proof is about (RFC 9449 §7.1). */
export interface ProvableRequest extends GuardedRequest {
  /** Every `DPoP` line. */
  proofs: readonly string[]
  method: string
  /** What was called, as the request line has it or as a whole address: its path counts, and the origin is the resource's own. */
  address: string
}

interface Presentation extends TokenRules {
  check: TokenCheck
  metadataUrl: string
  ports: Ports
}

type Scheme = SchemeChallenge['scheme']

/**
 * Reads and judges it, at once where nobody has to be waited for. Throws, or rejects with, {@link Challenge}, and OAuthError 503 when it
 * cannot know. The proof is spent when all else was right.
 */
export function readPrincipal(
  request: GuardedRequest | ProvableRequest,
  options: Presentation,
): Principal | Promise<Principal> {
  const { authorization } = request
  const [header] = authorization
  // RFC 6750 §3.1, RFC 9728 §5.1: no token, no error; only where to find one.
  if (header === undefined) throw challengeOf(request, options, 401, 'token_missing', 'no access token')
  if (authorization.length > 1)
    throw challengeOf(request, options, 400, 'malformed_auth', 'more than one Authorization header', 'Bearer', {
      error: 'invalid_request',
    })
  try {
    const seen = seenBefore(header, request, options)
    if (seen !== undefined) return seen
  } catch (cause) {
    return refuse(cause, request, options, 'Bearer')
  }
  const shown = /^(bearer|dpop) +([A-Za-z0-9._~+/-]+=*)$/i.exec(header)
  const token = shown?.[2]
  const isProven = shown?.[1]?.toLowerCase() === 'dpop'
  const provable = isProven && 'proofs' in request ? request : undefined
  const scheme: Scheme = provable === undefined ? 'Bearer' : 'DPoP'
  try {
    if (token === undefined || (isProven && provable === undefined))
      throw new JwtError('token_invalid', 'is not a Bearer token')
    const judged = provable === undefined ? judge(token, request, options) : judgeProven(token, provable, options)
    return judged instanceof Promise ? judged.catch((cause) => refuse(cause, request, options, scheme)) : judged
  } catch (cause) {
    return refuse(cause, request, options, scheme)
  }
}

const bearer = 'Bearer '

/** For a token that was good lately. What is no token never was, so the form of the header is not looked at. */
function seenBefore(header: string, request: GuardedRequest, options: Presentation): Principal | undefined {
  const { seen } = options.check
  if (seen === undefined || !header.startsWith(bearer)) return undefined
  const claims = seen(header.slice(bearer.length), rulesOf(request, options))
  return claims && principalOf(claims, request)
}

async function judgeProven(token: string, request: ProvableRequest, options: Presentation): Promise<Principal> {
  const proof = await proofOf(token, request, options)
  const principal = await judge(token, request, options, proof)
  await proof.spend()
  return principal
}

function judge(
  token: string,
  request: GuardedRequest,
  options: Presentation,
  proof?: Proof,
): Principal | Promise<Principal> {
  const judged = options.check(token, rulesOf(request, options, proof))
  return judged instanceof Promise
    ? judged.then((claims) => principalOf(claims, { proofKey: proof?.key, certificate: request.certificate }))
    : principalOf(judged, { proofKey: proof?.key, certificate: request.certificate })
}

function rulesOf({ certificate }: GuardedRequest, options: Presentation, proof?: Proof): AccessTokenRules {
  const { ports } = options
  return {
    issuer: options.authorizationServer,
    keys: options.keys,
    algorithms: options.algorithms,
    signatures: ports.signatures,
    resource: options.resource,
    boundTokens: options.boundTokens,
    tenant: options.tenant,
    now: ports.now(),
    skew: options.skew,
    maxLifetime: options.maxLifetime,
    proofKey: proof?.key,
    certificate: options.certificateBoundTokens === true ? (certificate ?? null) : undefined,
  }
}

/** Throws what a token that is not good is answered with, and what is no fault of its own as it is. */
function refuse(
  cause: unknown,
  request: GuardedRequest | ProvableRequest,
  options: Presentation,
  scheme: Scheme,
): never {
  if (cause instanceof OAuthError && (cause.code === 'invalid_dpop_proof' || cause.code === 'use_dpop_nonce'))
    throw challengeOf(
      request,
      options,
      401,
      cause.reason,
      cause.message,
      scheme,
      { error: cause.code, error_description: cause.message },
      cause.headers['dpop-nonce'],
    )
  if (!(cause instanceof JwtError)) throw cause
  // RFC 6750 §3.1; the words say nothing that the bearer of a bad token could use.
  throw challengeOf(request, options, 401, cause.reason, `access token: ${cause.message}`, scheme, {
    error: 'invalid_token',
    error_description: 'the access token is expired, malformed, or not for this resource',
  })
}

/** RFC 9449 §4.3, §7.1: the address is the resource's own origin and the path that was called. */
async function proofOf(
  accessToken: string,
  { proofs, method, address }: ProvableRequest,
  { resource, proofNonces: nonces, skew, ports }: Presentation,
): Promise<Proof> {
  if (proofs.length === 0)
    throw new OAuthError('invalid_dpop_proof', 'the scheme DPoP needs a DPoP proof', { reason: 'pop_missing' })
  const path = address.startsWith('/') || !URL.canParse(address) ? address : new URL(address).pathname
  const called = `${new URL(resource).origin}${path}`
  return await verifyProof(proofs, { method, address: called, accessToken, nonces, skew, ports })
}

/** Makes a challenge: Bearer first, because clients look for it there, then DPoP where proofs are looked at; what went wrong stands with the scheme that was used. */
function challengeOf(
  request: GuardedRequest | ProvableRequest,
  { metadataUrl }: Presentation,
  status: 400 | 401,
  reason: Reason,
  message: string,
  used?: Scheme,
  fault: SchemeChallenge['parameters'] = {},
  proofNonce?: string,
): Challenge {
  const schemes: Scheme[] = 'proofs' in request ? ['Bearer', 'DPoP'] : ['Bearer']
  const challenges = schemes.map((scheme) => ({
    scheme,
    parameters: {
      ...(scheme === used ? fault : {}),
      ...(scheme === 'DPoP' ? { algs } : {}),
      resource_metadata: metadataUrl,
    },
  }))
  return new Challenge(status, reason, message, challenges, proofNonce)
}
