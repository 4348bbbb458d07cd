/** The access token of one request at a guard, as Bearer or with a proof: whether it is good, and who calls with it. */

import type { AccessTokenClaims } from '../protocol/access-token.ts'
import type { AuthorizationDetail } from '../protocol/authorization-details.ts'
import { type Proof, verifyProof } from '../protocol/dpop.ts'
import type { ProofNonces } from '../protocol/dpop-nonces.ts'
import { OAuthError } from '../protocol/errors.ts'
import { JwtError } from '../protocol/jwt-error.ts'
import type { KeySource, SignatureAlgorithm } from '../protocol/keys.ts'
import { type Ports, type Seconds, tokenIdHash } from '../protocol/ports.ts'
import type { Reason } from '../protocol/reasons.ts'
import { readingOnce } from '../protocol/verified-tokens.ts'
import { algs, Challenge, type SchemeChallenge } from './challenge.ts'
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

/** Who calls: the account, and the application through which it does. */
export interface Principal {
  /** The authorization server that issued the token. */
  issuer: string
  account: string
  client: string
  /** The tenant of the authorization server that the account belongs to. Absent: none. */
  tenant?: string | undefined
  scopes: readonly string[]
  /** What else the token allows (RFC 9396 §9.1): to be judged by the resource, which knows the types. Absent: nothing. */
  authorizationDetails?: readonly AuthorizationDetail[] | undefined
  tokenId: string
  /** The thumbprint of the key that the token is bound to. Absent: it came as a Bearer token. */
  proofKey?: string | undefined
  /** The thumbprint of the certificate that the token is bound to. */
  certificate?: string | undefined
  authTime?: Seconds | undefined
  acr?: string | undefined
  act?: { [member: string]: unknown } | undefined
  /** What kind of workload calls, such as `workload` or `ai_agent`. Absent: a person. */
  subjectProfile?: string | undefined
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
  const { ports, check } = options
  const judged = check(token, {
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
    certificate: options.certificateBoundTokens === true ? (request.certificate ?? null) : undefined,
  })
  return judged instanceof Promise
    ? judged.then((claims) => principalOf(claims, request, proof))
    : principalOf(judged, request, proof)
}

function principalOf(claims: AccessTokenClaims, { certificate }: GuardedRequest, proof: Proof | undefined): Principal {
  const { scopes, tokenId } = onceRead(claims)
  const principal: Principal = {
    issuer: claims.iss,
    account: claims.sub,
    client: claims.client_id,
    scopes: [...scopes],
    authorizationDetails: claims.authorization_details,
    tokenId,
    proofKey: proof?.key,
    certificate: claims.cnf?.['x5t#S256'] === undefined ? undefined : certificate,
    authTime: claims.auth_time,
    acr: claims.acr,
    act: claims.act,
    subjectProfile: claims.sub_profile,
  }
  if (claims.tenant !== undefined) principal.tenant = claims.tenant
  return principal
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

/** What is computed from the claims alone. */
const onceRead = readingOnce(({ iss, jti, scope }: AccessTokenClaims) => ({
  scopes: scope?.split(' ') ?? [],
  tokenId: tokenIdHash(iss, jti),
}))

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
