/** Acme with our identity provider and our client, and a vendor on Cloudflare that trusts it, brought together without a socket. */

import { type ClientAuthentication, clientSecretBasic } from '../../../src/client/client-authentication.ts'
import { type CrossAppClient, createCrossAppClient } from '../../../src/client/cross-app-fetch.ts'
import type { Connection } from '../../../src/idp/connections.ts'
import type { SigningKey } from '../../../src/protocol/keys.ts'
import { grantType, jwtType } from '../../../src/protocol/names.ts'
import { acme } from '../../fixture/addresses.ts'
import { basic, clientsOf } from '../../fixture/clients.ts'
import { connectionOf, type IdpFixture, identityProvider } from '../../fixture/identity-provider.ts'
import { testPorts } from '../../fixture/ports.ts'
import { signed } from '../../fixture/tokens.ts'
import { cloudflareVendor, type Vendor, type VendorOptions, vendorIssuer } from './vendor.ts'

export const notes = 'https://api.notes.example/mcp'
/** The vendor's entry for Acme: where its keys are, and what they sign with. */
export const acmeEntry = { issuer: acme, jwksUri: `${acme}/jwks`, algorithms: ['ES256'] }

type Members = { [name: string]: unknown }

export interface AcmeAndNotes {
  now: number
  idp: IdpFixture
  vendor: Vendor
  /** Acme's connection to the vendor, which a test may change. */
  connection: Connection
  /** The ID-JAGs that our client has sent. */
  sentIdJags: string[]
  /** Our client, which knows the address of the API and who it is at each side; at the vendor with its secret by Basic. */
  client(there?: ClientAuthentication): CrossAppClient
  /** An ID-JAG as Acme signs it, with claims and header changed as the test likes. */
  idJag(claims?: Members, header?: Members, signer?: SigningKey): string
  /** Redeems at the vendor by Basic, and gives status and body. */
  redeem(assertion: string, form?: { [name: string]: string }): Promise<[number, unknown]>
  /** Gives the process its own `fetch` back. */
  close(): void
}

/**
 * From here to `close` the global `fetch`, which stands for the network of a Worker, knows these hosts alone: the vendor takes no issuer
 * but https ones. Both live by the system's clock.
 */
export async function acmeAndNotes(options: Partial<VendorOptions> = {}): Promise<AcmeAndNotes> {
  const { trusts = acmeEntry, resources = [notes] } = options
  const ports = testPorts()
  ports.clock.now = Math.floor(Date.now() / 1000)
  const { now } = ports.clock
  const idp = await identityProvider(ports, await clientsOf('chat'))
  const vendor = await cloudflareVendor({ trusts, resources })
  const there = vendor.clients.client_secret_basic
  const connection = connectionOf(idp.clients.basic.id, there.id, {
    audience: vendorIssuer,
    resources,
    scopes: [{ name: 'notes.read' }, { name: 'notes.write' }],
  })
  idp.servers.push({ issuer: vendorIssuer, aliases: [], resources, enabled: true })
  idp.connections.push(connection)
  const sentIdJags: string[] = []

  const network = async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init)
    return new URL(request.url).origin === acme ? await askAcme(idp, request) : await vendor.fetch(request)
  }
  const genuineFetch = globalThis.fetch
  globalThis.fetch = network

  return {
    now,
    idp,
    vendor,
    connection,
    sentIdJags,
    client(authentication = clientSecretBasic(there.id, there.secret)) {
      const { id, secret } = idp.clients.basic
      const claims = { iss: acme, sub: 'alice', aud: id, iat: now, exp: now + 3600 }
      return createCrossAppClient({
        identityProvider: { issuer: acme, client: clientSecretBasic(id, secret) },
        resourceServers: { [vendorIssuer]: { client: authentication } },
        subject: { idToken: () => signed({}, claims, idp.keys.current()) },
        fetch: network,
        onStep: ({ name, request }) => {
          const assertion = new URLSearchParams(request.body ?? '').get('assertion')
          if (name === 'redemption' && assertion !== null) sentIdJags.push(assertion)
        },
      })
    },
    idJag(claims = {}, header = {}, signer = idp.keys.current()) {
      const good = {
        iss: acme,
        sub: 'alice',
        aud: vendorIssuer,
        client_id: there.id,
        jti: ports.ports.newId(),
        iat: now,
        exp: now + 300,
        scope: 'notes.read',
        resource: notes,
      }
      return signed({ typ: jwtType.idJag, ...header }, { ...good, ...claims }, signer)
    },
    async redeem(assertion, form = {}) {
      const { headers = {} } = basic(there)
      const body = new URLSearchParams({ grant_type: grantType.jwtBearer, assertion, ...form })
      const answer = await vendor.fetch(new Request(`${vendorIssuer}/oauth/token`, { method: 'POST', headers, body }))
      return [answer.status, await answer.json()]
    },
    close() {
      globalThis.fetch = genuineFetch
    },
  }
}

async function askAcme({ app }: IdpFixture, request: Request): Promise<Response> {
  const answer = await app.inject({
    method: request.method as 'GET' | 'POST',
    url: new URL(request.url).pathname,
    headers: Object.fromEntries(request.headers),
    payload: await request.text(),
  })
  const type = String(answer.headers['content-type'])
  return new Response(answer.payload, { status: answer.statusCode, headers: { 'content-type': type } })
}
