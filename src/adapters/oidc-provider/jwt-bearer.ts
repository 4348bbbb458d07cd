/** The redemption of ID-JAGs inside an oidc-provider application: its clients, accounts and resource servers, its access token. */

import type { Provider, TokenEndpointGrantContext } from 'oidc-provider'
import { grantType, idJagGrantProfile } from '../../protocol/names.ts'
import type { Ports } from '../../protocol/ports.ts'
import { type ResourceAuthorizationServer, redemption } from '../../resource-as/redeem.ts'
import { addToDocuments, followRefusals } from './around-routes.ts'
import { answerGrant, type GrantForRequest, type GrantHost } from './grant-request.ts'
import { providerAccessToken } from './provider-access-token.ts'
import { checkGrants, type ProviderGrants } from './provider-grants.ts'

export interface JwtBearerOptions
  extends Pick<
    ResourceAuthorizationServer,
    'resources' | 'findTrustedIssuer' | 'isSamlIssuer' | 'findClientPolicy' | 'resolveSubject' | 'blocks'
  > {
  /** All of `oidc-provider/lib/helpers/grants.js`, imported by the application. */
  grants: ProviderGrants
  /**
   * `once` is what makes an ID-JAG good for one use. The provider's own adapter cannot serve for it: oidc-provider looks first and writes
   * then, and two requests at the same moment would both pass. Take a store with one atomic step.
   */
  ports: Ports
  /** 30 s unless given. */
  skew?: number
  /** How far the clocks of the instances and the store may be apart, beyond the skew. 30 s unless given. */
  clockAllowance?: number
  /** Names the policy in force, for the audit. */
  policyVersion?(): string
  /** Told of every failure that is not the caller's and that the provider does not report as `server_error`. */
  report?(error: unknown, correlationId: string): void
}

/**
 * Registers the jwt-bearer grant for ID-JAGs (ID-JAG §4.4) in an oidc-provider application, for clients with that grant type, and says
 * so in its metadata. The answer is the provider's own access token, for one resource, in the format and with the life that
 * `getResourceServerInfo` gives it, bound to the key of the DPoP proof when one came. An account that `resolveSubject` names must be one
 * that `findAccount` finds. An ID-JAG with authorization details is refused. Throws TypeError for `grants` that do not fit.
 * To be called before `provider.callback()`: a callback that exists already does not see what is added.
 */
export function addJwtBearer(provider: Provider, options: JwtBearerOptions): void {
  const { grants, ports, policyVersion = () => 'unversioned', report = () => {} } = options
  checkGrants(provider, grants)
  const host: GrantHost = {
    provider,
    grantType: grantType.jwtBearer,
    endpoint: { role: 'resource-as', issuer: provider.issuer, action: 'redeem', policyVersion },
    ports,
    report,
  }
  provider.registerGrantType(
    grantType.jwtBearer,
    (context) => answerGrant(context, host, () => grantFor(context, provider, options)),
    ['assertion', 'scope', 'resource'],
    ['resource'],
  )
  followRefusals(host)
  addToDocuments(host, {
    metadata: {
      authorization_grant_profiles_supported: [idJagGrantProfile],
      scopes_supported: options.resources.flatMap(({ scopes }) => scopes),
    },
  })
}

async function grantFor(
  context: TokenEndpointGrantContext,
  provider: Provider,
  options: JwtBearerOptions,
): Promise<GrantForRequest> {
  const { grants, skew = 30, clockAllowance = 30 } = options
  const token = await providerAccessToken(provider, context, grants)
  const redeem = redemption({
    ...options,
    issuer: provider.issuer,
    // The provider's access token has no place for authorization details: an ID-JAG with them is refused (RAS-14).
    detailTypes: undefined,
    skew,
    clockAllowance,
    async resolveSubject(claims, trusted) {
      const found = await options.resolveSubject(claims, trusted)
      if (typeof found !== 'string') return found
      return (await grants.findAccount(provider, context, found)) === undefined ? undefined : found
    },
    mayIssue: token.prepare,
    issue: token.issue,
  })
  return {
    // The only id the grant asks for is the token's, and the provider makes its own.
    grant: (request, ports) => redeem(request, { ...ports, newId: token.id }),
    proofKey: token.proofKey,
    spend: token.spendProof,
  }
}
