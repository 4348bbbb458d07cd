/** The client whose connections show a certificate: ID-JAGs bound to it alone are used, and tokens are asked for where it is asked for. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clientSecretBasic, createCrossAppClient } from '../../src/client/client.ts'
import type { CrossAppOptions } from '../../src/client/options.ts'
import { usualBranches } from '../../src/protocol/branches.ts'
import { acme, chat, mcp } from '../fixture/addresses.ts'
import { callOverTls, certificateNamed, overTls, type TestCertificate } from '../fixture/certificates.ts'
import { type Enterprise, enterprise, exchangeCall } from '../fixture/enterprise.ts'
import { identityProvider } from '../fixture/identity-provider.ts'
import { claimsOf } from '../fixture/tokens.ts'

const certificate = certificateNamed('client')
const other = certificateNamed('other')
const branches = { ...usualBranches, 'mtls-cnf-binding': true }

let world: Enterprise
let servers: { origin: string; close(): Promise<void> }[]
/** Where each origin of the world really is. */
let places: Map<string, string>
let called: string[]

beforeEach(async () => {
  const clientCertificates = { from: 'tls' } as const
  const plugin = { clientCertificates, mtlsOrigin: 'https://mtls.chat.example' }
  world = await enterprise({ branches, plugin })
  world.idp = await identityProvider(world, world.chat.clients, { clientCertificates })
  world.idp.provider.branches = branches
  servers = []
  for (const app of [world.idp.app, world.chat.app, world.chat.api]) servers.push(await overTls(app))
  const [idp = '', ras = '', api = ''] = servers.map(({ origin }) => origin)
  places = new Map([
    [acme, idp],
    [chat, ras],
    ['https://mtls.chat.example', ras],
    [new URL(mcp).origin, api],
  ])
  called = []
})
afterEach(async () => {
  for (const one of servers) await one.close()
})

function optionsOf(shown: TestCertificate | undefined, more: Partial<CrossAppOptions> = {}): CrossAppOptions {
  const { basic: here } = world.idp.clients
  const { basic: there } = world.chat.clients
  const idToken = String(exchangeCall(world).form.subject_token)
  return {
    identityProvider: { issuer: acme, client: clientSecretBasic(here.id, here.secret) },
    resourceServers: { [chat]: { client: clientSecretBasic(there.id, there.secret), scope: 'chat.read' } },
    subject: { idToken: () => idToken },
    now: () => world.clock.now,
    // The application's transport: it alone has the key of the certificate.
    async fetch(input, init = {}) {
      const { origin, pathname } = new URL(String(input))
      called.push(origin + pathname)
      const headers = Object.fromEntries(new Headers(init.headers))
      const form = init.method === 'POST' ? Object.fromEntries(new URLSearchParams(String(init.body))) : undefined
      const call = { certificate: shown, path: pathname, headers, form }
      const { statusCode, headers: answered, body } = await callOverTls(places.get(origin) ?? '', call)
      return Response.json(body, {
        status: statusCode,
        headers: Object.entries(answered).flatMap(([name, value]): [string, string][] =>
          typeof value === 'string' && name !== 'content-length' ? [[name, value]] : [],
        ),
      })
    },
    ...more,
  }
}
const client = (shown: TestCertificate | undefined, more: Partial<CrossAppOptions> = {}) =>
  createCrossAppClient(optionsOf(shown, more))

describe('a client with a certificate', () => {
  it('[CL-08] [MT-04] gets tokens that are bound to it, at the addresses where certificates are asked for', async () => {
    const { token, type } = await client(certificate, { certificate: certificate.thumbprint }).token(mcp)
    expect([type, claimsOf(token).cnf]).toEqual(['Bearer', { 'x5t#S256': certificate.thumbprint }])
    // The identity provider names no other address.
    expect(called.filter((url) => url.endsWith('/token'))).toEqual([`${acme}/token`, 'https://mtls.chat.example/token'])
  })

  it('[CL-08] uses no ID-JAG that is bound to another, to none, or to one that it does not know of', async () => {
    const refusal = { step: 'exchange', stop: 'check' }
    const known = { certificate: certificate.thumbprint }
    await expect(client(other, known).token(mcp)).rejects.toMatchObject(refusal)
    await expect(client(undefined, known).token(mcp)).rejects.toMatchObject({
      ...refusal,
      message: expect.stringContaining('not bound to the certificate of this client'),
    })
    await expect(client(certificate).token(mcp)).rejects.toMatchObject(refusal)
    expect(called.filter((url) => url.endsWith('.chat.example/token'))).toEqual([])
  })

  it('without one asks at the usual address', async () => {
    const { token } = await client(undefined).token(mcp)
    expect(claimsOf(token)).not.toHaveProperty('cnf')
    expect(called).toContain(`${chat}/token`)
  })

  it('has the thumbprint of one, and no key for proofs beside it', () => {
    for (const wrong of [{ certificate: 'x' }, { certificate: certificate.thumbprint, dpop: true as const }])
      expect(() => client(certificate, wrong)).toThrow(TypeError)
  })
})
