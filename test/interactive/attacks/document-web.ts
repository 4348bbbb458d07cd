/** A web server of strangers that serves client metadata documents, right ones and others, and counts who asks. */

import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { clientAssertionType } from '../../../src/protocol/names.ts'
import type { Application } from '../deployment.ts'

export interface DocumentWeb {
  origin: string
  /** The path of each request, in order. */
  asked: string[]
  /** What is served at a path as it stands in the request line; every other path answers 404. */
  pages: Map<string, RequestListener>
  /** Serves the document of a public client that goes back to https://app.example/callback. */
  publish(path: string, change?: { [member: string]: unknown }): Application
  /** A key of the client's own, for its document and for its assertions. */
  key(kid: string): Promise<SigningClient>
  close(): Promise<void>
}

export interface SigningClient {
  jwk: { [member: string]: unknown }
  assertion(client: string, audience: string): Promise<{ [name: string]: string }>
}

export const redirectUri = 'https://app.example/callback'

/** Starts it on a port of its own. */
export async function documentWeb(): Promise<DocumentWeb> {
  const asked: string[] = []
  const pages: DocumentWeb['pages'] = new Map()
  const server = createServer((request, response) => {
    const { url = '' } = request
    asked.push(url)
    const page = pages.get(url)
    if (page === undefined) response.writeHead(404).end()
    else page(request, response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin,
    asked,
    pages,
    publish(path, change = {}) {
      const clientId = origin + path
      const document = {
        client_id: clientId,
        client_name: 'An App',
        redirect_uris: [redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'none',
        ...change,
      }
      pages.set(path, (_, response) => response.end(JSON.stringify(document)))
      return { clientId, redirectUri }
    },
    async key(kid) {
      const { publicKey, privateKey } = await generateKeyPair('ES256')
      let made = 0
      return {
        jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' },
        async assertion(client, audience) {
          const now = Math.floor(Date.now() / 1000)
          const claims = { iss: client, sub: client, aud: audience, iat: now, exp: now + 60, jti: `${kid}-${++made}` }
          const client_assertion = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey)
          return { client_id: client, client_assertion_type: clientAssertionType, client_assertion }
        },
      }
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
