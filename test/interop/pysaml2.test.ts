/** Debian's pysaml2, unmodified, as the identity provider that people sign in at: its assertions become ID-JAGs. */

import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { certified } from '../fixture/certificate.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { acmeKey, acmeSaml, encoded, wikiAcs, wikiSp } from '../saml/assertions.ts'
import { exchange, idp, type Served, serve, stopServers } from '../saml/server.ts'
import { programs, python, versionOnDebian12 } from './debian/programs.ts'
import { rows, runsIn } from './rows.ts'

runsIn(import.meta.url, 'python3-pysaml2')

let served: Served
beforeAll(async () => {
  // The name that pysaml2 gives to mail (RFC 4524 §2.16).
  const [issuer, ...others] = idp.samlIssuers
  served = await serve({ samlIssuers: [{ ...issuer, emailAttribute: 'urn:oid:0.9.2342.19200300.100.1.3' }, ...others] })
})
afterAll(stopServers)

const usual = {
  issuer: acmeSaml,
  audience: wikiSp,
  recipient: wikiAcs,
  name: 'alice',
  attributes: { mail: ['alice@acme.example'] },
  key: acmeKey.privateKey,
  certificate: new X509Certificate(acmeKey.certificate).toString(),
  xmlsec: programs.xmlsec,
  signResponse: false,
  signAssertion: true,
  signature: 'SIG_RSA_SHA256',
  digest: 'DIGEST_SHA256',
}

const { privateKey: key, certificate } = certified()
const stranger = { key, certificate }

async function response(change: object = {}): Promise<string> {
  const { response } = (await python('assertion', { ...usual, ...change })) as { response: string }
  return encoded(response, 'base64')
}

describe('an assertion of pysaml2, signed by xmlsec1,', () => {
  it.each<[string, object]>([
    ['in a Response', {}],
    ['in a Response that is signed too', { signResponse: true }],
    ['with SHA-512', { signature: 'SIG_RSA_SHA512', digest: 'DIGEST_SHA512' }],
  ])('becomes an ID-JAG %s', async (_, change) => {
    const { body, reason } = await exchange(served, await response(change))
    expect(reason).toBe('granted')
    expect(claimsOf(String(body.access_token))).toMatchObject({
      sub: 'alice@acme.example',
      email: 'alice@acme.example',
    })
  })

  it.each<[string, object, string]>([
    ['not signed itself', { signAssertion: false, signResponse: true }, 'saml_signature'],
    ['signed with SHA-1', { signature: 'SIG_RSA_SHA1', digest: 'DIGEST_SHA1' }, 'saml_signature'],
    ['of a key that nobody pinned', stranger, 'saml_signature'],
    ['for another service provider', { audience: 'https://notes.example' }, 'saml_conditions'],
    ['for another place', { recipient: 'https://wiki.example/other' }, 'saml_conditions'],
    ['of another issuer', { issuer: 'https://evil.example' }, 'issuer_unknown'],
  ])('is refused when it is %s', async (_, change, reason) => {
    expect(await exchange(served, await response(change))).toMatchObject({ status: 400, reason })
    expect(await exchange(served, await response())).toMatchObject({ status: 200 })
  })
})

it('the version of pysaml2 in the table is that of Debian 12', async () => {
  const { version } = rows.find(({ software }) => software === 'python3-pysaml2') ?? {}
  // Another release of Debian has another version, of which the table says nothing.
  expect((await versionOnDebian12('python3-pysaml2')) ?? version).toBe(version)
})
