/** The authorization code grant of a resource authorization server, for clients that no company manages: sign-in, consent, tokens. */

import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { Configuration, Provider } from 'oidc-provider'
import { issuerPath, issuerRoot } from '../http/documents.ts'
import type { InteractiveEndpoints } from '../http/interactive-endpoints.ts'
import { authorizationRoutes } from './authorization-routes.ts'
import { openClient } from './client-authentication.ts'
import { interactiveClients, providerMetadata } from './clients.ts'
import { keptModels } from './kept-models.ts'
import type { InteractiveGrantOptions } from './options.ts'
import { pageLimit } from './page-limit.ts'
import { pageOptions } from './page-options.ts'
import { codeGrantProvider } from './provider.ts'
import { providerCaller } from './provider-call.ts'
import { looksLikeRefreshToken, refreshRevocation } from './refresh-revocation.ts'
import { registrationRoutes } from './registration.ts'
import { rememberedGrant } from './sign-in/consent-memory.ts'
import { interactionRoutes } from './sign-in/pages.ts'
import { keptSignIns } from './sign-ins.ts'
import { tokenHooks, tokenRequests } from './token-requests.ts'

/** For the resource authorization server's plugin. */
export type InteractiveGrant = InteractiveEndpoints

/**
 * Sets up the grant. oidc-provider is loaded now, and it reads the system's clock for its own codes, sessions and refresh tokens; access
 * tokens are those of the server, by `options.ports`. Nothing is fetched before somebody signs in. Throws TypeError for a server without
 * statuses.
 */
export async function interactiveGrant(options: InteractiveGrantOptions): Promise<InteractiveGrant> {
  const { resourceAuthorizationServer: server, state, ports, refreshTokenLifetime, registration } = options
  const { issuer, statuses, accessTokenLifetime } = server
  if (statuses === undefined || accessTokenLifetime === undefined)
    throw new TypeError('the code grant needs a server with statuses and accessTokenLifetime')
  const now = () => ports.now()
  const clients = interactiveClients(options)
  const signIns = keptSignIns({ issuer, state, statuses, now, lifetime: refreshTokenLifetime })
  const parts = { options, clients, signIns }
  const made: { provider?: Provider } = {}
  const hooks = tokenHooks(parts, () => made.provider as Provider)
  const models = keptModels({
    issuer,
    state,
    now,
    accessTokenLifetime,
    refreshTokenReuse: options.refreshTokenReuse,
    clients: {
      async find(id) {
        const client = await clients.find(id)
        return client?.client.enabled ? providerMetadata(client) : undefined
      },
      upsert: (id, metadata) => clients.keep(id, metadata),
      destroy: (id) => clients.forget(id),
    },
    spend: hooks.spend,
    endGrant: signIns.end,
  })
  const pages = pageOptions(options, clients, signIns)
  const remembered = rememberedGrant(pages)
  const loadExistingGrant: NonNullable<Configuration['loadExistingGrant']> = async (context) => {
    const grant = await remembered(context)
    // What ended is asked for anew: a code of it would be refused.
    return grant?.jti !== undefined && (await signIns.find(grant.jti)) !== undefined ? grant : undefined
  }
  const provider = await codeGrantProvider(options, {
    adapter: models.adapter,
    policyOf: async (id) => (await clients.find(id))?.policy ?? { scopes: [], resources: [] },
    useRefreshToken: hooks.useRefreshToken,
    newId: ports.newId,
    loadExistingGrant,
  })
  made.provider = provider
  const ask = providerCaller(provider)
  const path = issuerPath(issuer)
  const root = issuerRoot(issuer)
  return {
    metadata: {
      response_types_supported: ['code'],
      response_modes_supported: ['query'],
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      ...(registration === undefined ? {} : { registration_endpoint: `${root}/register` }),
    },
    grantTypes: ['authorization_code', 'refresh_token'],
    answer: tokenRequests(parts, provider, models, ask),
    isRefreshToken: looksLikeRefreshToken,
    findOpenClient: async (credentials) => (await openClient(credentials, clients))?.client,
    revoke: refreshRevocation(parts, provider),
    async routes(app: FastifyInstance) {
      if (registration !== undefined) await registrationRoutes(app, path, options, registration, ask)
      const forBrowsers: FastifyPluginAsync = async (scope) => {
        scope.addHook('preHandler', pageLimit(options))
        await authorizationRoutes(scope, path, options, clients, ask)
        await interactionRoutes(scope, provider, pages)
      }
      await app.register(forBrowsers)
    },
  }
}
