/** The ID-JAG exchange inside an oidc-provider application: its clients, ID Tokens, refresh tokens and accounts. */

import type { Account, Provider, TokenEndpointGrantContext } from 'oidc-provider'
import type { User } from '../../idp/connections.ts'
import { type IdentityProvider, tokenExchange } from '../../idp/exchange.ts'
import type { IdTokenIssuer, RefreshTokens } from '../../idp/subject.ts'
import { OAuthError } from '../../protocol/errors.ts'
import { type KeySource, signatureAlgorithms } from '../../protocol/keys.ts'
import { grantType, tokenType } from '../../protocol/names.ts'
import type { Ports } from '../../protocol/ports.ts'
import { proofNotOffered } from '../../protocol/token-endpoint.ts'
import { verifiedTokens } from '../../protocol/verified-tokens.ts'
import { addToDocuments, followRefusals } from './around-routes.ts'
import { answerGrant, type GrantHost } from './grant-request.ts'
import { checkGrants, type ProviderGrants } from './provider-grants.ts'

export interface TokenExchangeOptions
  extends Pick<
    IdentityProvider,
    'signingKeys' | 'findResourceServer' | 'findConnection' | 'pairwiseSecret' | 'blocks' | 'subjectTokens'
  > {
  /** All of `oidc-provider/lib/helpers/grants.js`, imported by the application. */
  grants: ProviderGrants
  ports: Ports
  /** The keys of the provider's ID Tokens. Absent: `signingKeys`, made of the JWK Set that the provider was given. */
  idTokenKeys?: KeySource
  /**
   * A person as the policy sees them. Absent: `sub` is the account's id, the claims are the account's for an ID Token with the scopes
   * `openid profile email`, and the groups are its claim `groups`.
   */
  userOf?(account: Account): User | Promise<User>
  /** 30 s unless given. */
  skew?: number
  /** Names the policy in force, for the audit. */
  policyVersion?(): string
  /** Told of every failure that is not the caller's and that the provider does not report as `server_error`. */
  report?(error: unknown, correlationId: string): void
}

const parameters = [
  'requested_token_type',
  'audience',
  'resource',
  'scope',
  'subject_token',
  'subject_token_type',
  'actor_token',
  'actor_token_type',
]

/**
 * Registers the token exchange (ID-JAG §4.3) in an oidc-provider application, for clients with that grant type, and says so in its
 * metadata. The public part of `signingKeys` is added to the provider's key set; its own keys cannot be reached from outside. An ID Token
 * must be signed, not encrypted, and its client must not have pairwise subjects. Throws TypeError for `grants` that do not fit.
 * To be called before `provider.callback()`: a callback that exists already does not see what is added.
 */
export function addTokenExchange(provider: Provider, options: TokenExchangeOptions): void {
  const { grants, ports, policyVersion = () => 'unversioned', report = () => {} } = options
  checkGrants(provider, grants)
  const host: GrantHost = {
    provider,
    grantType: grantType.tokenExchange,
    endpoint: { role: 'idp', issuer: provider.issuer, action: 'exchange', policyVersion },
    ports,
    report,
  }
  const subjectTokens = options.subjectTokens ?? verifiedTokens()
  const grantFor = (context: TokenEndpointGrantContext) => {
    // RFC 9449 §5.2: a client that promised proofs is refused without one, and with one, because no ID-JAG is bound here.
    if (context.headers.dpop !== undefined || context.oidc.client.dpopBoundAccessTokens === true)
      throw proofNotOffered()
    return { grant: tokenExchange({ ...identityProviderFor(context, provider, options), subjectTokens }) }
  }
  provider.registerGrantType(
    grantType.tokenExchange,
    (context) => answerGrant(context, host, () => grantFor(context)),
    parameters,
    ['resource'],
  )
  followRefusals(host)
  addToDocuments(host, {
    metadata: { identity_chaining_requested_token_types_supported: [tokenType.idJag] },
    keys: () => options.signingKeys.published().keys,
  })
}

/** The identity provider that the application is, for one of its requests: the provider finds accounts by request. */
function identityProviderFor(
  context: TokenEndpointGrantContext,
  provider: Provider,
  options: TokenExchangeOptions,
): IdentityProvider {
  const { grants, userOf = standardUserOf, skew = 30 } = options
  const findUser = async (accountId: string): Promise<User | undefined> => {
    const account = await grants.findAccount(provider, context, accountId)
    return account === undefined ? undefined : await userOf(account)
  }
  const ownIdTokens: IdTokenIssuer = {
    issuer: provider.issuer,
    enabled: true,
    keys: options.idTokenKeys ?? options.signingKeys.source,
    algorithms: signatureAlgorithms,
    clientIdOf: (client) => client,
    // OpenID Connect Core §8.1: a pairwise sub is no account's id, and might be somebody else's.
    findUser: async ({ sub }) => (context.oidc.client.subjectType === 'pairwise' ? undefined : await findUser(sub)),
  }
  return {
    ...options,
    issuer: provider.issuer,
    skew,
    findIssuer: (issuer) => (issuer === provider.issuer ? ownIdTokens : undefined),
    refreshTokens: refreshTokensOf(provider, findUser),
  }
}

/** ID-JAG D-20: read and not rotated, not spent. What was revoked is gone; what was rotated is marked. */
function refreshTokensOf(provider: Provider, findUser: RefreshTokens['findUser']): RefreshTokens {
  return {
    async find(token) {
      const found = await provider.RefreshToken.find(token, { ignoreExpiration: true })
      if (found?.clientId === undefined) return undefined
      // RFC 9449 §5, RFC 8705 §3: without its key it is nobody's, and no proof can be checked here.
      if (found.isSenderConstrained() || found.attestationJkt !== undefined)
        throw new OAuthError('invalid_grant', 'subject_token: the refresh token is bound to a key', {
          reason: 'pop_unsupported',
        })
      const { clientId: client, accountId: sub, grantId, exp = 0, iat, iiat, consumed, authTime, acr, amr } = found
      const grant = grantId === undefined ? undefined : await provider.Grant.find(grantId)
      const stands = grant?.clientId === client && grant.accountId === sub
      const revoked = Boolean(consumed) || !stands
      // Rotated, it still counts from the first one that was given out.
      return { client, sub, expiresAt: exp, revoked, issuedAt: iiat ?? iat, authTime, acr, amr }
    },
    findUser,
  }
}

async function standardUserOf(account: Account): Promise<User> {
  const claims = await account.claims('id_token', 'openid profile email', {}, [])
  const groups = Array.isArray(claims.groups) ? claims.groups.filter((group) => typeof group === 'string') : []
  return { sub: account.accountId, enabled: true, groups, claims }
}
