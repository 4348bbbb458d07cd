/** The entry `xaa-broker/fetch`: the bare grants and the guard, with faces for the fetch API and node:http, and nothing of Fastify. */

export type { Connection, People, ResourceServer, SubjectMapping, User } from '../../idp/connections.ts'
export { type IdentityProvider, tokenExchange } from '../../idp/exchange.ts'
export type { IdTokenIssuer, RefreshTokenRecord, RefreshTokens } from '../../idp/subject.ts'
export type { Client } from '../../protocol/client-auth.ts'
export type { ProofPolicy } from '../../protocol/dpop.ts'
export { type ProofNonces, proofNonces } from '../../protocol/dpop-nonces.ts'
export { OAuthError } from '../../protocol/errors.ts'
export { type FetchDocument, FetchError, issuerKeys } from '../../protocol/issuer-keys.ts'
export { defaultAlgorithms, type KeySource, keySetOf, type SigningKeys } from '../../protocol/keys.ts'
export {
  identityProviderMetadata,
  type Metadata,
  protectedResourceMetadata,
  resourceAuthorizationServerMetadata,
} from '../../protocol/metadata.ts'
export { grantType, tokenType } from '../../protocol/names.ts'
export { signingKeysOf } from '../../protocol/own-keys.ts'
export type { AuditEvent, Ports, Seconds } from '../../protocol/ports.ts'
export { secretDigestOf } from '../../protocol/secrets.ts'
export type { Grant, TokenEndpoint, TokenResponse } from '../../protocol/token-endpoint.ts'
export { Challenge, type SchemeChallenge } from '../../resource/challenge.ts'
export { type Guard, type GuardOptions, guardOf } from '../../resource/guard.ts'
export { type IntrospectionOptions, introspection } from '../../resource/introspection.ts'
export type { GuardedRequest, ProvableRequest, TokenRules } from '../../resource/presented-token.ts'
export type { Principal } from '../../resource/principal.ts'
export { dangerouslyLocalOnly, type Revocation } from '../../resource/revocation.ts'
export { statusLists } from '../../resource/status-lists.ts'
export { type Accounts, accountsBySubject, type ResolveSubject } from '../../resource-as/accounts.ts'
export { type Issue, jwtAccessTokens } from '../../resource-as/issue.ts'
export { type ResourceAuthorizationServer, redemption } from '../../resource-as/redeem.ts'
export type { ClientPolicy, GovernedResource, TrustedIssuer } from '../../resource-as/trust.ts'
export { toFetchDocument, toFetchGuard, toFetchHandler } from './handler.ts'
export { toNodeListener } from './node-listener.ts'
export type { Report } from './token-call.ts'
