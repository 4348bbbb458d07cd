/** What the package gives to the world, by name: the two grants and the guard, bare and as Fastify plugins. */

export { type IdpPluginOptions, idpPlugin } from './http/idp-plugin.ts'
export { type ResourceAsPluginOptions, resourceAsPlugin } from './http/resource-as-plugin.ts'
export { principalOf, type ResourcePluginOptions, resourcePlugin } from './http/resource-plugin.ts'
export {
  type AccessQuestion,
  type Connection,
  decideAccess,
  type People,
  type ResourceServer,
  type SamlNameMapping,
  type SubjectMapping,
  type User,
} from './idp/connections.ts'
export type { AccessDecision } from './idp/decision.ts'
export { type IdentityProvider, tokenExchange } from './idp/exchange.ts'
export type { IdTokenIssuer, RefreshTokenRecord, RefreshTokens } from './idp/subject.ts'
export { documentFetch } from './outbound/document.ts'
export type { AuthorizationDetail, DetailType, DetailTypes, Narrowing } from './protocol/authorization-details.ts'
export type { Client } from './protocol/client-auth.ts'
export {
  type ClientMetadata,
  type ClientMetadataDocuments,
  type ClientMetadataDocumentsOptions,
  clientMetadataDocuments,
  isMetadataDocumentId,
} from './protocol/client-metadata.ts'
export { type DocumentClientEntry, documentClient } from './protocol/document-client.ts'
export type { ProofPolicy } from './protocol/dpop.ts'
export { type ProofNonces, proofNonces } from './protocol/dpop-nonces.ts'
export { OAuthError, type OAuthErrorCode } from './protocol/errors.ts'
export type { IdJagClaims } from './protocol/id-jag.ts'
export { type FetchDocument, FetchError, issuerKeys } from './protocol/issuer-keys.ts'
export { verifiedByJose } from './protocol/jose-signatures.ts'
export {
  defaultAlgorithms,
  type KeySource,
  keySetOf,
  type SignatureAlgorithm,
  type SigningKeys,
} from './protocol/keys.ts'
export { draftRevision, grantType, tokenType } from './protocol/names.ts'
export { signingKeysOf } from './protocol/own-keys.ts'
export { type PersonRules, personIdOf } from './protocol/person.ts'
export type { AuditEvent, Ports, Seconds } from './protocol/ports.ts'
export { type Reason, reasons } from './protocol/reasons.ts'
export { secretDigestOf } from './protocol/secrets.ts'
export type { SignInDemand } from './protocol/sign-in.ts'
export { nodeSignatures, type Signatures } from './protocol/signatures.ts'
export { type StatusClaim, statusClaimOf, statusListUri } from './protocol/status-reference.ts'
export type { SamlName, SamlNameFormat, SamlNameMember } from './protocol/subject-identifier.ts'
export {
  answerTokenRequest,
  type Grant,
  type TokenEndpoint,
  type TokenRequest,
  type TokenResponse,
} from './protocol/token-endpoint.ts'
export { type TokenInHand, type VerifiedTokens, verifiedTokens } from './protocol/verified-tokens.ts'
export { Challenge, type SchemeChallenge } from './resource/challenge.ts'
export { type AuthorizedRequest, type Guard, type GuardOptions, guardOf } from './resource/guard.ts'
export { type IntrospectionOptions, introspection } from './resource/introspection.ts'
export type { GuardedRequest, ProvableRequest, TokenRules } from './resource/presented-token.ts'
export type { Principal } from './resource/principal.ts'
export { dangerouslyLocalOnly, type Revocation, type TokenCheck, type TokenSource } from './resource/revocation.ts'
export { type StatusListsOptions, statusLists } from './resource/status-lists.ts'
export {
  type Account,
  type Accounts,
  accountsBySubject,
  type Resolution,
  type ResolveSubject,
  type SubjectKey,
} from './resource-as/accounts.ts'
export {
  answerIntrospection,
  type IntrospectionAnswer,
  type IntrospectionEndpoint,
  type ProtectedResourceClient,
} from './resource-as/introspect.ts'
export { type GrantedAccess, type Issue, type IssuedAccess, jwtAccessTokens } from './resource-as/issue.ts'
export { type ResourceAuthorizationServer, redemption } from './resource-as/redeem.ts'
export { answerRevocation, type RevocationEndpoint } from './resource-as/revoke.ts'
export type { ShownTokenRequest, TokenKeeper } from './resource-as/shown-token.ts'
export type { TokenStatuses } from './resource-as/status.ts'
export {
  type PublishedStatusLists,
  type PublishedStatusListsOptions,
  publishedStatusLists,
} from './resource-as/status-lists.ts'
export type { SamlIssuers, SamlNameQuestion } from './resource-as/subject-identifier.ts'
export type {
  AccountRules,
  ClientPolicy,
  GovernedResource,
  NamedTenants,
  SamlNameRules,
  TrustedIssuer,
} from './resource-as/trust.ts'
export { type LmdbStoreOptions, lmdbStore } from './store/lmdb.ts'
export { memoryStore } from './store/memory.ts'
export { type RedisStoreOptions, redisStore } from './store/redis.ts'
export { readRedisAddress } from './store/redis-address.ts'
export type { Store } from './store/store.ts'
