/** Who calls a protected resource: the claims of a good access token, as an API asks for them. */

import type { AccessTokenClaims } from '../protocol/access-token.ts'
import type { AuthorizationDetail } from '../protocol/authorization-details.ts'
import { type Seconds, tokenIdHash } from '../protocol/ports.ts'
import { readingOnce } from '../protocol/verified-tokens.ts'

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

/** Who calls with a token that was found good, and came with what it is bound to. */
export function principalOf(
  claims: AccessTokenClaims,
  { proofKey, certificate }: { proofKey?: string | undefined; certificate?: string | undefined },
): Principal {
  const { scopes, tokenId } = onceRead(claims)
  const principal: Principal = {
    issuer: claims.iss,
    account: claims.sub,
    client: claims.client_id,
    scopes: [...scopes],
    authorizationDetails: claims.authorization_details,
    tokenId,
    proofKey,
    certificate: claims.cnf?.['x5t#S256'] === undefined ? undefined : certificate,
    authTime: claims.auth_time,
    acr: claims.acr,
    act: claims.act,
    subjectProfile: claims.sub_profile,
  }
  if (claims.tenant !== undefined) principal.tenant = claims.tenant
  return principal
}

/** What is computed from the claims alone. */
const onceRead = readingOnce(({ iss, jti, scope }: AccessTokenClaims) => ({
  scopes: scope?.split(' ') ?? [],
  tokenId: tokenIdHash(iss, jti),
}))
