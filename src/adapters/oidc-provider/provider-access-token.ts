/** The provider's own access token as the result of a redemption: prepared while it can still be refused, saved when it cannot. */

import type { AccessToken, Grant, Provider, TokenEndpointGrantContext } from 'oidc-provider'
import { OAuthError } from '../../protocol/errors.ts'
import { grantType } from '../../protocol/names.ts'
import { proofNotOffered } from '../../protocol/token-endpoint.ts'
import type { GrantedAccess, IssuedAccess } from '../../resource-as/issue.ts'
import type { IssuableAccess } from '../../resource-as/redeem.ts'
import { askProvider } from './provider-error.ts'
import type { ProviderGrants } from './provider-grants.ts'

export interface ProviderAccessToken {
  /** Whether the application's resource server knows what is granted; makes the token. Throws OAuthError. */
  prepare(granted: IssuableAccess): Promise<void>
  /** The thumbprint of the key whose proof came, if one did. */
  proofKey: string | undefined
  /** The id of the token that was prepared, made as the application's settings for its format say. */
  id(): string
  /** Spends the proof, if one came. Throws OAuthError. */
  spendProof(): Promise<void>
  /** Saves the token, and a Grant that lives as long, so that the application can end it as it ends its others. */
  issue(granted: GrantedAccess): Promise<IssuedAccess>
}

/**
 * Checks what the token is to be bound to: the key of a DPoP proof, a client certificate, or nothing. Throws OAuthError for a proof that
 * is wrong, and for one that is missing where the client promised it. A proof at a provider without DPoP is refused, too.
 */
export async function providerAccessToken(
  provider: Provider,
  context: TokenEndpointGrantContext,
  grants: ProviderGrants,
): Promise<ProviderAccessToken> {
  const { client } = context.oidc
  const proof = await askProvider('invalid_dpop_proof', 'pop_malformed', () => grants.validateDpop(provider, context))
  // RFC 9449: validateDpop overlooks the proof where the feature is off, and an unbound token is less than was asked.
  if (proof === undefined && context.headers.dpop !== undefined) throw proofNotOffered()
  await askProvider('invalid_grant', 'pop_missing', () => grants.checkDpopRequired(provider, context, proof))
  const certificate = await askProvider('invalid_grant', 'pop_missing', () => grants.checkMtlsCert(provider, context))
  let prepared: AccessToken | undefined
  const token = () => {
    if (prepared === undefined) throw new TypeError('the access token was not prepared')
    return prepared
  }

  return {
    async prepare({ resources, scopes }) {
      const resourceServer = await oneResourceServer(resources)
      const unknown = scopes.filter((scope) => !resourceServer.scopes.has(scope))
      if (unknown.length > 0)
        throw new OAuthError('invalid_scope', 'scope: unknown at this resource', {
          reason: 'scope_denied',
          detail: `getResourceServerInfo of ${resourceServer.identifier()} knows no ${unknown.join(' ')}`,
        })
      await askProvider('invalid_scope', 'scope_denied', () => grants.validateClientScope(provider, context, scopes))
      // The account may be made only after the ID-JAG was spent.
      const properties = { client, accountId: '', grantId: '', gty: grantType.jwtBearer, scope: scopes.join(' ') }
      prepared = new provider.AccessToken({ ...properties, resourceServer })
      await askProvider('invalid_request', 'pop_unsupported', () => bind(token()))
      // The id of an opaque token is the token: as long as the application wants it. The call also fixes the token's format.
      prepared.jti = idOf(prepared)
    },
    proofKey: proof?.thumbprint,
    id: () => token().jti,
    spendProof: () =>
      askProvider('invalid_grant', 'pop_replay', () =>
        grants.checkDpopReplay(provider, context, proof, client.clientId),
      ),
    async issue({ account: accountId }) {
      const accessToken = token()
      accessToken.accountId = accountId
      const grant = await saveGrant(accountId, accessToken)
      accessToken.grantId = grant.jti
      context.oidc.entity('Grant', grant)
      context.oidc.entity('AccessToken', accessToken)
      const value = await accessToken.save()
      return {
        accessToken: value,
        tokenType: proof === undefined ? 'Bearer' : 'DPoP',
        expiresIn: accessToken.expiration,
      }
    },
  }

  async function oneResourceServer([resource, ...more]: readonly string[]) {
    // An access token of oidc-provider has one audience.
    if (resource === undefined || more.length > 0)
      throw new OAuthError('invalid_target', 'resource: this server issues a token for one resource at a time', {
        reason: 'resource_denied',
      })
    context.oidc.params.resource = resource
    const [resourceServer] = await askProvider('invalid_target', 'resource_denied', () =>
      grants.resolveRequestedResources(provider, context),
    )
    // Without resource indicators the token would be one for /userinfo, good everywhere else by mistake.
    if (resourceServer === undefined)
      throw new TypeError('features.resourceIndicators of oidc-provider must be enabled')
    return resourceServer
  }

  function bind(accessToken: AccessToken): void {
    if (certificate !== undefined) accessToken.setThumbprint('x5t', certificate)
    if (proof !== undefined) accessToken.setThumbprint('jkt', proof.thumbprint)
  }

  async function saveGrant(accountId: string, accessToken: AccessToken): Promise<Grant> {
    const properties = { clientId: client.clientId, accountId, expiresIn: accessToken.expiration }
    const grant = new provider.Grant(properties)
    grant.addResourceScope(context.oidc.params.resource as string, accessToken.scope ?? '')
    await grant.save()
    return grant
  }
}

/** Public in the package, and missing in its types. */
function idOf(token: AccessToken & { generateTokenId?(): string }): string {
  if (token.generateTokenId === undefined) throw new TypeError('this release of oidc-provider makes ids in another way')
  return token.generateTokenId()
}
