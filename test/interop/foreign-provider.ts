/** Somebody else's OpenID provider: oidc-provider as it comes, on a port of its own, where alice is signed in by whoever asks. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import Provider, { type Adapter, type AdapterPayload, type Configuration } from 'oidc-provider'
import * as openid from 'openid-client'
import { walkSignIn } from '../../src/testing/headless-sign-in.ts'

export interface ForeignProvider {
  issuer: string
  /** The paths it was asked for, in order. */
  asked: string[]
  /** One of its clients, for each algorithm it signs ID Tokens with. */
  clients: { [alg in 'ES256' | 'RS256']: string }
  /** Signs alice in to a client with authorization code and PKCE, and gives the ID Token. */
  signIn(clientId: string): Promise<string>
  close(): Promise<void>
}

const secret = 'a-secret-of-the-foreign-provider'
const callback = 'http://127.0.0.1:9/callback'

/** Starts the provider. It knows nothing of ID-JAG, and no code of ours runs in it; its settings are the ones below. */
export async function foreignProvider(): Promise<ForeignProvider> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const clients = { ES256: 'wiki-es256', RS256: 'wiki-rs256' }
  const provider = new Provider(issuer, await configuration(clients))
  const asked: string[] = []
  const answer = provider.callback()
  server.on('request', (request, response) => {
    const { pathname } = new URL(request.url ?? '/', issuer)
    asked.push(pathname)
    if (!pathname.startsWith('/login/')) return void answer(request, response)
    // The page that would ask for a password.
    void provider.interactionFinished(request, response, { login: { accountId: 'alice-at-the-foreign-provider' } })
  })
  return {
    issuer,
    asked,
    clients,
    signIn,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }

  async function signIn(clientId: string): Promise<string> {
    const config = await openid.discovery(
      new URL(issuer),
      clientId,
      { id_token_signed_response_alg: clientId === clients.RS256 ? 'RS256' : 'ES256' },
      openid.ClientSecretBasic(secret),
      { execute: [openid.allowInsecureRequests] },
    )
    const pkceCodeVerifier = openid.randomPKCECodeVerifier()
    const address = openid.buildAuthorizationUrl(config, {
      redirect_uri: callback,
      scope: 'openid email',
      code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    })
    // No page of this provider waits for a choice.
    const url = await walkSignIn(address, 'alice')
    const { id_token: idToken = '' } = await openid.authorizationCodeGrant(config, url, { pkceCodeVerifier })
    return idToken
  }
}

async function configuration(clients: ForeignProvider['clients']): Promise<Configuration> {
  const keys = []
  for (const alg of ['ES256', 'RS256']) {
    const { privateKey } = await generateKeyPair(alg, { extractable: true })
    keys.push({ ...(await exportJWK(privateKey)), kty: alg === 'ES256' ? ('EC' as const) : ('RSA' as const), alg })
  }
  return {
    adapter: adapterInMemory(),
    cookies: { keys: ['a-key-for-cookies'] },
    jwks: { keys },
    clients: Object.entries(clients).map(([alg, id]) => ({
      client_id: id,
      client_secret: secret,
      redirect_uris: [callback],
      id_token_signed_response_alg: alg as 'ES256' | 'RS256',
    })),
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false } },
    findAccount: async (_context, sub) => ({
      accountId: sub,
      claims: async () => ({ sub, email: 'alice@acme.example', email_verified: true }),
    }),
    interactions: { url: async (_context, { uid }) => `/login/${uid}` },
    // Consent given once and for all, as an administrator would.
    loadExistingGrant: async ({ oidc }) => {
      const { client, account, provider } = oidc
      if (client === undefined || account === undefined) return undefined
      const grant = new provider.Grant({ clientId: client.clientId, accountId: account.accountId })
      grant.addOIDCScope('openid email')
      await grant.save()
      return grant
    },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 3600, Interaction: 600, Session: 600 },
  }
}

function adapterInMemory(): (name: string) => Adapter {
  const all = new Map<string, AdapterPayload>()
  return (name) => {
    const keyOf = (id: string) => `${name} ${id}`
    return {
      upsert: async (id, payload) => void all.set(keyOf(id), payload),
      find: async (id) => all.get(keyOf(id)),
      findByUid: async (uid) => [...all.values()].find((one) => one.kind === name && one.uid === uid),
      findByUserCode: async () => undefined,
      consume: async (id) => {
        const payload = all.get(keyOf(id))
        if (payload !== undefined) payload.consumed = true
      },
      destroy: async (id) => void all.delete(keyOf(id)),
      revokeByGrantId: async (grantId) => {
        for (const [key, { grantId: one }] of all) if (one === grantId) all.delete(key)
      },
    }
  }
}
