/** Gets the access token for a resource by the whole flow, keeps it while it lives, and lets callers share one flow. */

import type { AuthorizationDetail } from '../protocol/authorization-details.ts'
import type { Seconds } from '../protocol/ports.ts'
import { actorTokenOf } from './actor.ts'
import { type AuthorizationServer, discoverAuthorizationServer } from './authorization-server.ts'
import { exchangeRequest, processExchange } from './exchange.ts'
import { expiringCache } from './expiring-cache.ts'
import type { CrossAppOptions, ResourceServerOptions, Settings } from './options.ts'
import { processRedemption, redeemRequest } from './redemption.ts'
import type { Send, StepName } from './sending.ts'
import { chooseSubject } from './subject.ts'

/** What an access token is wanted for. */
export interface Target {
  resource: string
  /** The issuer of a configured resource authorization server, and what the application said of it. */
  authorizationServer: string
  entry: ResourceServerOptions
  scopes: readonly string[]
}

/** An access token with what is known about it. */
export interface AccessToken {
  token: string
  /** The scheme it is sent with. `DPoP`: it is good with proofs by the client's own key alone, as {@link CrossAppOptions.dpop} says. */
  type: 'Bearer' | 'DPoP'
  /** When it ends; absent when the server did not say, and then it serves one call only. */
  expiresAt: Seconds | undefined
  scopes: readonly string[]
  /** What was granted of {@link ResourceServerOptions.authorizationDetails}, as the server says. Absent: none were asked for. */
  authorizationDetails?: readonly AuthorizationDetail[]
  resource: string
  authorizationServer: string
}

export interface Access {
  /** A token for the target, kept or new. Throws CrossAppError. */
  tokenFor(target: Target): Promise<AccessToken>
  /** The identity provider with its token endpoint. Throws CrossAppError where that cannot be found. */
  findIdentityProvider(): Promise<AuthorizationServer>
  /** Forgets a token that the resource no longer takes. */
  drop(target: Target, token: AccessToken): void
}

/** Metadata of a trusted issuer is read again after this time. */
const metadataLifetime: Seconds = 600

export function accessOf(settings: Settings, send: Send): Access {
  const { identityProvider, subject, now, newId, skew, prover, certificate, actor } = settings
  const tokens = expiringCache<AccessToken>(now)
  const servers = expiringCache<AuthorizationServer>(now)
  const ports = { send, now, newId, prover }

  async function server(issuer: string, step: StepName & `${string}-${'server' | 'provider'}-metadata`) {
    return await servers.get(issuer, async () => ({
      value: await discoverAuthorizationServer(issuer, step, send, certificate !== undefined),
      until: now() + metadataLifetime,
    }))
  }

  async function obtain({ resource, authorizationServer: issuer, entry, scopes }: Target): Promise<AccessToken> {
    const {
      client,
      resources,
      scopeOnRedemption: scope = true,
      resourceOnRedemption: named = true,
      encryptedIdJags = false,
    } = entry
    const authorizationServer = await server(issuer, 'authorization-server-metadata')
    const subjectToken = await chooseSubject(subject, identityProvider.issuer, now(), skew)
    const proofKey = await prover?.thumbprint()
    const provider = await findIdentityProvider()
    const exchange = {
      identityProvider: provider,
      subject: subjectToken,
      actorToken: await actorTokenOf(actor, provider, identityProvider.assertionAudience, ports),
      audience: authorizationServer.issuer,
      clientThere: client.id,
      resource,
      scopes,
      authorizationDetails: entry.authorizationDetails,
      proofKey,
      encryptedIdJags,
      certificate,
    }
    const issued = processExchange(await exchangeRequest(exchange, identityProvider.client, ports), exchange)
    const redemption = {
      ...issued,
      authorizationServer,
      resource,
      resourceKnown: resources !== undefined,
      sends: { scope, resource: named },
      proofKey,
    }
    const askedAt = now()
    const access = processRedemption(await redeemRequest(redemption, client, ports), redemption)
    const expiresAt = access.expiresIn === undefined ? undefined : askedAt + access.expiresIn
    const { token, type, scopes: granted, authorizationDetails } = access
    const details = authorizationDetails === undefined ? {} : { authorizationDetails }
    return { token, type, scopes: granted, ...details, expiresAt, resource, authorizationServer: issuer }
  }

  async function findIdentityProvider(): Promise<AuthorizationServer> {
    const { issuer, tokenEndpoint } = identityProvider
    return tokenEndpoint === undefined ? await server(issuer, 'identity-provider-metadata') : { issuer, tokenEndpoint }
  }

  return {
    findIdentityProvider,
    tokenFor: (target) =>
      tokens.get(keyOf(target), async () => {
        const value = await obtain(target)
        return { value, until: value.expiresAt === undefined ? now() : value.expiresAt - skew }
      }),
    drop: (target, token) => tokens.drop(keyOf(target), token),
  }
}

function keyOf({ authorizationServer, resource, scopes }: Target): string {
  return JSON.stringify([authorizationServer, resource, [...scopes].sort()])
}
