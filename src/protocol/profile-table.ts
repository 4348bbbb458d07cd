/** The table of profiles: one row for each counterpart and place, with its source. What no row names stays as strict as everywhere. */

import type { ProfileTable } from './profile-settings.ts'

const oktaClient = {
  says: 'the client assertion is addressed to the token endpoint; client_id may be left out beside it',
  title: 'Okta API: Client authentication, JWT with private key',
  url: 'https://developer.okta.com/docs/api/openapi/okta-oauth/guides/client-auth/',
}
const oktaOrg = {
  form: /^https:\/\/[^/]+$/,
  is: 'is the address of the org, without /oauth2 and without a slash',
  like: 'https://acme.okta.com',
}
const auth0Issuer = {
  form: /^https:\/\/[^/]+\/$/,
  is: 'ends with a slash, on a custom domain too',
  like: 'https://acme.eu.auth0.com/',
}
const keycloakRealm = {
  form: /^https:\/\/.+\/realms\/[^/]+$/,
  is: 'is the address of the realm, without a slash',
  like: 'https://sso.acme.example/realms/acme',
}
const keycloakGuide = 'Keycloak: JWT Authorization Grant'
const keycloakUrl = 'https://www.keycloak.org/securing-apps/jwt-authorization-grant'
const mcpClientTest = 'test/interop/mcp-client.test.ts'
const mcpSdk = {
  title: '@modelcontextprotocol/client 2.4.0, as it was seen to do',
  url: 'https://github.com/modelcontextprotocol/typescript-sdk',
}

const entraPeople = {
  settings: { userClaim: 'oid', tenantClaim: 'tid' },
  issuer: {
    form: /^https:\/\/[^/]+\/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\/v2\.0$/,
    is: 'holds the id of one tenant and ends with /v2.0; common and organizations are no issuers',
    like: 'https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0',
  },
  source: {
    says: 'sub is another one for each application; oid is the same for all of them, in the tenant that tid names',
    title: 'Microsoft: ID token claims reference',
    url: 'https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference',
  },
}
const googleIssuer = {
  form: /^https:\/\/accounts\.google\.com$/,
  is: 'is the same for everybody who has a Google account',
  like: 'https://accounts.google.com',
}
const googleSource = {
  says: 'iss has https:// or, from older implementations, has not; hd names the organisation, and is absent for private accounts',
  title: 'Google: OpenID Connect reference',
  url: 'https://developers.google.com/identity/openid-connect/reference',
}

/** See docs/profiles.md, which a test compares with this. */
export const profileTable: ProfileTable = {
  okta: {
    subjectIssuer: {
      settings: { algorithms: ['RS256'] },
      source: {
        says: 'Okta signs JWTs with RS256',
        title: 'Okta: JWT validation guide',
        url: 'https://developer.okta.com/code/dotnet/jwt-validation',
      },
    },
    idpClient: { settings: { assertionAudienceAlso: 'tokenEndpoint' }, source: oktaClient },
    trustedIssuer: {
      settings: { algorithms: ['RS256'], maxLifetime: 300, subjectIdFormats: ['saml-nameid', 'saml_nameid'] },
      issuer: oktaOrg,
      source: {
        says: 'the org authorization server issues ID-JAGs, never a custom one: RS256, five minutes, act without iss, sub_profile; sub_id is spelt in two ways',
        title: 'Okta: Validate ID-JAG tokens for resource authorization servers',
        url: 'https://developer.okta.com/docs/guides/xaa-validate-id-jag/main/',
      },
    },
    resourceAsClient: { settings: { assertionAudienceAlso: 'tokenEndpoint' }, source: oktaClient },
    identityProvider: {
      settings: { assertionAudience: 'token-endpoint' },
      issuer: oktaOrg,
      source: oktaClient,
    },
    resourceServer: {
      settings: { scopeOnRedemption: false, resourceOnRedemption: false, assertionAudience: 'token-endpoint' },
      issuer: {
        form: /^https:\/\/[^/]+\/oauth2\/[^/]+$/,
        is: 'is that of a custom authorization server, without a slash',
        like: 'https://acme.okta.com/oauth2/default',
      },
      source: {
        says: 'a custom authorization server refuses a redemption that has scope beside the ID-JAG; the documented one has neither scope nor resource',
        title: 'agentgateway #2770; Okta: AI agent token exchange',
        url: 'https://github.com/agentgateway/agentgateway/pull/2770',
      },
    },
  },
  auth0: {
    subjectIssuer: {
      settings: {},
      issuer: auth0Issuer,
      source: {
        says: 'the issuer is the domain with https:// in front and a slash at its end',
        title: 'Auth0: Test the XAA flow',
        url: 'https://auth0.com/docs/secure/call-apis-on-users-behalf/xaa/test-xaa-flow',
      },
    },
    idpResourceServer: {
      settings: {},
      issuer: auth0Issuer,
      source: {
        says: 'the audience of an ID-JAG is the domain with https:// in front and a slash at its end',
        title: 'Auth0: Test the XAA flow',
        url: 'https://auth0.com/docs/secure/call-apis-on-users-behalf/xaa/test-xaa-flow',
      },
    },
    resourceServer: {
      settings: { scopeOnRedemption: false },
      issuer: auth0Issuer,
      source: {
        says: 'the parameters are grant_type, assertion, the credentials and, optional, resource; a client assertion is addressed to the issuer',
        title: 'Auth0: Cross App Access, Get Token',
        url: 'https://auth0.com/docs/api/authentication/cross-app-access/get-token',
      },
    },
  },
  keycloak: {
    subjectIssuer: {
      settings: {},
      issuer: keycloakRealm,
      source: {
        says: 'the issuer is the address of the realm; groups come where a mapper puts them into the ID Token',
        title: 'Keycloak: Server administration guide',
        url: 'https://www.keycloak.org/docs/latest/server_admin/',
      },
    },
    idpResourceServer: {
      settings: { maxLifetime: 240 },
      issuer: keycloakRealm,
      source: {
        says: 'an assertion that expires more than 300 s from now is refused, with no allowance for clocks by default',
        title: keycloakGuide,
        url: keycloakUrl,
      },
    },
    resourceServer: {
      settings: { scopeOnRedemption: true, resourceOnRedemption: false },
      issuer: keycloakRealm,
      source: {
        says: 'optional client scopes come only where scope asks for them; resource is no parameter of the grant',
        title: 'Keycloak: Identity Assertion JWT Authorization Grant; agentgateway #2770',
        url: 'https://www.keycloak.org/securing-apps/identity-assertion-jwt-authorization-grant',
      },
    },
  },
  entra: {
    subjectIssuer: entraPeople,
    signInIssuer: entraPeople,
  },
  google: {
    subjectIssuer: {
      settings: { tenantClaim: 'hd', aliases: ['accounts.google.com'], algorithms: ['RS256'] },
      issuer: googleIssuer,
      source: googleSource,
    },
    signInIssuer: { settings: { tenantClaim: 'hd' }, issuer: googleIssuer, source: googleSource },
  },
  ping: {
    subjectIssuer: {
      settings: { algorithms: ['RS256'] },
      source: {
        says: 'all tokens of PingOne are signed with RS256; sub is the id of the user',
        title: 'PingOne: Token claims',
        url: 'https://developer.pingidentity.com/pingone-api/foundations/authentication-concepts/access-tokens-and-id-tokens/token-claims.html',
      },
    },
  },
  cloudflare: {
    idpResourceServer: {
      settings: { maxLifetime: 300 },
      source: {
        says: 'an ID-JAG lives for 300 s at most, with 60 s for the clocks',
        title: '@cloudflare/workers-oauth-provider 1.2.3: Enterprise-managed authorization',
        url: 'https://github.com/cloudflare/workers-oauth-provider',
      },
      ranIn: 'test/interop/cloudflare-rules.test.ts',
    },
    resourceServer: {
      settings: { scopeOnRedemption: true, resourceOnRedemption: true },
      source: {
        says: 'what is granted is mapped from the scope of the redemption; resource is checked to the letter',
        title: '@cloudflare/workers-oauth-provider 1.2.3: Enterprise-managed authorization',
        url: 'https://github.com/cloudflare/workers-oauth-provider',
      },
      ranIn: 'test/interop/cloudflare.test.ts',
    },
  },
  'mcp-sdk': {
    idpClient: {
      settings: { authMethods: ['client_secret_post'] },
      source: {
        says: 'requestJwtAuthorizationGrant puts id and secret into the body, and has no option for more',
        ...mcpSdk,
      },
      ranIn: mcpClientTest,
    },
    resourceAsClient: {
      settings: { authMethods: ['client_secret_basic'] },
      source: {
        says: 'CrossAppAccessProvider takes HTTP Basic where the metadata lists it, and sends scope and resource',
        ...mcpSdk,
      },
      ranIn: mcpClientTest,
    },
  },
  claude: {
    resourceAsClient: {
      settings: { authMethods: ['client_secret_post', 'client_secret_basic'] },
      source: {
        says: 'the redemption has client_id in the body, scope, and resource where the identity provider can carry it; where the secret stands, it does not say',
        title: 'Claude: Enterprise Managed Auth for connectors',
        url: 'https://claude.com/docs/connectors/building/enterprise-managed-auth',
      },
    },
  },
}
