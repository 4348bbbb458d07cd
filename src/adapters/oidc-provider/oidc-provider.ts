/** The entry `xaa-broker/oidc-provider`: both sides of Cross-App Access inside an oidc-provider 9 application, whose own copy of the package runs. */

export type { Connection, People, ResourceServer, SubjectMapping, User } from '../../idp/connections.ts'
export { OAuthError } from '../../protocol/errors.ts'
export { type FetchDocument, issuerKeys } from '../../protocol/issuer-keys.ts'
export { defaultAlgorithms, type KeySource, keySetOf, type SigningKeys } from '../../protocol/keys.ts'
export { signingKeysOf } from '../../protocol/own-keys.ts'
export type { AuditEvent, Ports, Seconds } from '../../protocol/ports.ts'
export { type Accounts, accountsBySubject, type ResolveSubject } from '../../resource-as/accounts.ts'
export type { ClientPolicy, GovernedResource, TrustedIssuer } from '../../resource-as/trust.ts'
export { addJwtBearer, type JwtBearerOptions } from './jwt-bearer.ts'
export { GrantError } from './provider-error.ts'
export type { ProviderGrants } from './provider-grants.ts'
export { addTokenExchange, type TokenExchangeOptions } from './token-exchange.ts'
