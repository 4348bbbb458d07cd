/** The exact strings of the wire, of draft-ietf-oauth-identity-assertion-authz-grant-04 and the RFCs around it. */

export const draftRevision = 'draft-ietf-oauth-identity-assertion-authz-grant-04'

/** Grant types (RFC 8693 §2.1, RFC 7523 §2.1). */
export const grantType = {
  tokenExchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
  jwtBearer: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
  /** draft-parecki-oauth-jwt-dpop-grant: the same, with a DPoP proof (ID-JAG §9.8.1.2.1). */
  jwtDpop: 'urn:ietf:params:oauth:grant-type:jwt-dpop',
} as const

/** Token types (RFC 8693 §3, ID-JAG §10.2). */
export const tokenType = {
  idJag: 'urn:ietf:params:oauth:token-type:id-jag',
  idToken: 'urn:ietf:params:oauth:token-type:id_token',
  refreshToken: 'urn:ietf:params:oauth:token-type:refresh_token',
  saml2: 'urn:ietf:params:oauth:token-type:saml2',
  jwt: 'urn:ietf:params:oauth:token-type:jwt',
} as const

/** What a resource authorization server announces in `authorization_grant_profiles_supported` (ID-JAG §7.2). */
export const idJagGrantProfile = 'urn:ietf:params:oauth:grant-profile:id-jag'

/** The only `client_assertion_type` there is (RFC 7523 §2.2). */
export const clientAssertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** The `typ` header of each kind of JWT (RFC 8725 §3.11: no verifier accepts another's kind). */
export const jwtType = {
  idJag: 'oauth-id-jag+jwt',
  accessToken: 'at+jwt',
  clientAssertion: 'client-authentication+jwt',
  proof: 'dpop+jwt',
  statusList: 'statuslist+jwt',
} as const

/** Media types that are not JSON's (draft-ietf-oauth-status-list-21 §14.7). */
export const mediaType = {
  statusList: 'application/statuslist+jwt',
} as const

/** `token_type` of an answer that holds no access token (RFC 8693 §2.2.1, ID-JAG §4.3.4). */
export const notAnAccessToken = 'N_A'

/** How a client may authenticate at either token endpoint (RFC 6749 §2.3, OpenID Connect Core §9). */
export const clientAuthMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const
export type ClientAuthMethod = (typeof clientAuthMethods)[number]
