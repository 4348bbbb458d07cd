/** Every piece of foreign software that these tests run: the table of docs/interop.md is made of these rows. */

import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Row {
  /** The package, as npm or Debian name it. */
  software: string
  from: 'npm' | 'Debian 12'
  /** What package.json installs, or the upstream version of Debian's package. */
  version: string
  does: string
  against: string
  /** The test files it runs in, without `.test.ts`. */
  tests: readonly string[]
}

const everyone = 'identity provider, authorization server, MCP server'

export const rows: readonly Row[] = [
  {
    software: '@modelcontextprotocol/client',
    from: 'npm',
    version: '2.4.0',
    does: "`requestJwtAuthorizationGrant`, `discoverAndRequestJwtAuthGrant`, `exchangeJwtAuthGrant`; a session with `CrossAppAccessProvider` that knows only the server's address: lists the tools, calls them, steps up at 403; a session over our own `fetch`; the same address for an application that nobody registered: it registers itself or names its metadata document, a person signs in and consents, it lists and calls tools, refreshes, steps up, and is told of a refusal",
    against: everyone,
    tests: ['mcp-client', 'client', 'mcp-unmanaged', 'mcp-metadata-document', 'managed-only'],
  },
  {
    software: '@modelcontextprotocol/sdk',
    from: 'npm',
    version: '1.32.2',
    does: '`StreamableHTTPClientTransport` with an `OAuthClientProvider` whose `prepareTokenRequest` makes the exchange; the same transport over our own `fetch`, with which it also steps up; an application that nobody registered, as above, except that it cannot step up',
    against: everyone,
    tests: ['mcp-v1', 'mcp-v1-unmanaged', 'mcp-metadata-document', 'managed-only'],
  },
  {
    software: '@modelcontextprotocol/server',
    from: 'npm',
    version: '2.4.0',
    does: 'is the MCP server behind our guard',
    against: 'the MCP clients',
    tests: ['mcp-client', 'mcp-v1', 'conformance', 'mcp-unmanaged', 'mcp-v1-unmanaged', 'mcp-metadata-document'],
  },
  {
    software: '@modelcontextprotocol/conformance',
    from: 'npm',
    version: '0.1.16',
    does: 'judges our client by `auth/cross-app-access-complete-flow`; judges the MCP server behind our guard by `dns-rebinding-protection`, `server-initialize`, `ping` and `tools-list`, with a token that a proxy adds',
    against: 'our client, MCP server',
    tests: ['conformance'],
  },
  {
    software: 'oauth4webapi',
    from: 'npm',
    version: '3.8.8',
    does: 'discovery by both algorithms and by RFC 9728; both grants with `client_secret_basic`, `client_secret_post` and `private_key_jwt`, and the refusal of `none`, `client_secret_jwt` and `tls_client_auth`; `validateJwtAccessToken` on our access tokens; refusals and challenges; introspection and revocation; sign-in with authorization code and PKCE, its ID Token and refresh token as subject tokens; from the address of the MCP server as a client that nobody manages: dynamic registration or a metadata document, code with PKCE and `iss`, refresh, revocation, with `none`, `client_secret_basic`, `client_secret_post` and `private_key_jwt`; both grants with a metadata document as its only id; both grants, `jwt-dpop` too, and a call of the MCP server with DPoP proofs',
    against: everyone,
    tests: [
      'oauth4webapi',
      'oauth4webapi-dpop',
      'oauth4webapi-ended-tokens',
      'oauth4webapi-sign-in',
      'oauth4webapi-unmanaged',
      'metadata-document',
      'managed-only',
    ],
  },
  {
    software: 'openid-client',
    from: 'npm',
    version: '6.8.9',
    does: 'discovery, sign-in, both grants by `genericGrantRequest`, a call of the resource; signs in at the foreign provider below; as a client that nobody manages the same as oauth4webapi, except RFC 9728',
    against: everyone,
    tests: ['openid-client', 'foreign-issuer', 'openid-client-unmanaged', 'metadata-document', 'managed-only'],
  },
  {
    software: 'oidc-provider',
    from: 'npm',
    version: '9.13.3',
    does: 'is a foreign issuer: its ID Tokens (ES256 and RS256) become ID-JAGs, and its keys are found by discovery',
    against: 'identity provider',
    tests: ['foreign-issuer'],
  },
  {
    software: '@cloudflare/workers-oauth-provider',
    from: 'npm',
    version: '1.2.3',
    does: "is a foreign authorization server and guard: our client gets in with our identity provider's ID-JAG by the address alone, with `client_secret_basic` and `client_secret_post`; run in Node, with its key-value store, its base class and its way to the key set stood in for",
    against: 'our client, identity provider',
    tests: ['cloudflare', 'cloudflare-rules'],
  },
  {
    software: 'python3-authlib',
    from: 'Debian 12',
    version: '1.2.0',
    does: 'judges the metadata of both servers; both grants with `client_secret_basic`, `client_secret_post` and `private_key_jwt`; introspection',
    against: 'identity provider, authorization server',
    tests: ['debian'],
  },
  {
    software: 'python3-jwt',
    from: 'Debian 12',
    version: '2.6.0',
    does: 'verifies access tokens and ID-JAGs by the published keys, and refuses those for others',
    against: 'identity provider, authorization server',
    tests: ['debian'],
  },
  {
    software: 'python3-pysaml2',
    from: 'Debian 12',
    version: '7.0.1',
    does: 'is the SAML identity provider that people sign in at: its assertions, which xmlsec1 signs, in Responses that are signed or not, become ID-JAGs; those without a signature of their own, with SHA-1, of a stranger or for another are refused',
    against: 'identity provider',
    tests: ['pysaml2'],
  },
  {
    software: 'libapache2-mod-oauth2',
    from: 'Debian 12',
    version: '3.3.1',
    does: 'guards pages of Apache with our access tokens: by key set, by RFC 8414 metadata, by introspection',
    against: 'authorization server',
    tests: ['apache'],
  },
]

/** Says which rows a test file runs. Throws an error for a row that does not say so too: it ends the file before a test is made. */
export function runsIn(file: string, ...software: readonly string[]): void {
  const name = basename(fileURLToPath(file), '.test.ts')
  for (const one of software)
    if (!rows.some((row) => row.software === one && row.tests.includes(name)))
      throw new Error(`test/interop/rows.ts has no row for ${one} in ${name}`)
}

/** The table as docs/interop.md has it. */
export function table(): string {
  const links = (tests: readonly string[]) =>
    tests.map((name) => `[${name}](../test/interop/${name}.test.ts)`).join(', ')
  return [
    '| software | version | what it does | against | tests |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(({ software, from, version, does, against, tests }) => {
      const release = from === 'npm' ? version : `${version}, ${from}`
      return `| \`${software}\` | ${release} | ${does} | ${against} | ${links(tests)} |`
    }),
    '',
  ].join('\n')
}
