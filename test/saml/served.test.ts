/** SAML assertions at a server of one configuration, over HTTP: taken where they are configured, for whom they are, once. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tokenType } from '../../src/protocol/names.ts'
import { systemNow } from '../../src/server/ports.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { environment } from '../server/example.ts'
import { acmeSaml, assertionXml, encoded, type Parts, responseOf, signed } from './assertions.ts'
import { directorySaml, exchange, idp, lateSaml, type Served, serve, stopServers } from './server.ts'

afterAll(stopServers)

const assertion = (parts: Parts = {}) => signed(assertionXml(systemNow(), parts))
const refusedFor = (reason: string) => ({ status: 400, body: { error: 'invalid_grant' }, reason })

describe('a server with SAML issuers', () => {
  let served: Served
  beforeAll(async () => {
    served = await serve()
  })

  it('[VER-02] [IDP-20] [SAML-01] [SAML-11] gives an ID-JAG for an assertion, which says who signed in, when and how', async () => {
    const { status, body, reason } = await exchange(served, encoded(assertion()))
    expect({ status, reason }).toEqual({ status: 200, reason: 'granted' })
    expect(claimsOf(String(body.access_token))).toMatchObject({
      sub: 'alice@acme.example',
      email: 'alice@acme.example',
      client_id: 'assistant-at-chat',
      // The groups of the assertion are those of the policy.
      scope: 'chat.read chat.write',
      auth_time: expect.any(Number),
      acr: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
    })
    expect(served.audit.at(-1)).toMatchObject({ issuer: acmeSaml, subject: 'alice', tokenId: expect.any(String) })
  })

  it('takes it in a Response, as Okta sends it, in base64 [D-17]', async () => {
    expect(await exchange(served, encoded(responseOf(assertion()), 'base64'))).toMatchObject({ status: 200 })
  })

  it('[ATK-113] [SAML-11] takes it once, and a refused request consumes nothing', async () => {
    const token = encoded(assertion())
    expect(await exchange(served, token, ['notes', environment.CHAT_SECRET])).toMatchObject(
      refusedFor('saml_conditions'),
    )
    expect(await exchange(served, token)).toMatchObject({ status: 200 })
    expect(await exchange(served, token)).toMatchObject(refusedFor('saml_conditions'))
  })

  it('[ATK-113] [SAML-01] refuses it for another audience, another place and another time', async () => {
    const past = new Date(Date.now() - 60_000).toISOString()
    for (const parts of [
      {
        audience:
          '<saml:AudienceRestriction><saml:Audience>https://notes.example</saml:Audience></saml:AudienceRestriction>',
      },
      { recipient: 'https://notes.example/acs' },
      { validity: `NotBefore="${past}" NotOnOrAfter="${past}"` },
    ])
      expect(await exchange(served, encoded(assertion(parts)))).toMatchObject(refusedFor('saml_conditions'))
    expect(await exchange(served, encoded(assertion()))).toMatchObject({ status: 200 })
  })

  it('finds a person of the directory by the email that the NameID is', async () => {
    const of = (email: string) =>
      encoded(assertion({ issuer: directorySaml, nameId: `<saml:NameID>${email}</saml:NameID>` }))
    const { body } = await exchange(served, of('alice@ACME.example'))
    expect(claimsOf(String(body.access_token))).toMatchObject({ sub: 'Alice@acme.example' })
    expect(await exchange(served, of('mallory@acme.example'))).toMatchObject(refusedFor('subject_disabled'))
    expect(await exchange(served, of('zoe@acme.example'))).toMatchObject(refusedFor('subject_unknown'))
    expect(await exchange(served, of('twin@acme.example'))).toMatchObject(refusedFor('subject_unknown'))
  })

  it('takes no transient name for a person', async () => {
    const nameId = '<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient">_t1</saml:NameID>'
    expect(await exchange(served, encoded(assertion({ nameId })))).toMatchObject(refusedFor('subject_unknown'))
  })

  it('gives no ID-JAG for an assertion whose issuer is not direct', async () => {
    expect(await exchange(served, encoded(assertion({ issuer: lateSaml })))).toMatchObject(refusedFor('issuer_unknown'))
  })

  it('[ATK-112] asks nobody for what an assertion names', async () => {
    let connections = 0
    const listener = createServer().on('connection', () => {
      connections += 1
    })
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const there = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/x`
    const xml = assertion()
    for (const [hostile, reason] of [
      [`<!DOCTYPE x [<!ENTITY f SYSTEM "${there}">]>${xml.replace('>alice<', '>&f;<')}`, 'saml_xml'],
      [`<!DOCTYPE x SYSTEM "${there}">${xml}`, 'saml_xml'],
      [`<?xml-stylesheet href="${there}"?>${xml}`, 'saml_xml'],
      [
        xml.replace('>alice<', `><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="${there}"/><`),
        'saml_xml',
      ],
      [xml.replace(/URI="#[^"]*"/, `URI="${there}"`), 'saml_signature'],
    ] as const)
      expect(await exchange(served, encoded(hostile))).toMatchObject(refusedFor(reason))
    listener.close()
    await once(listener, 'close')
    expect(connections).toBe(0)
  })
})

describe('a server', () => {
  it('[ATK-109] [IDP-09] without SAML issuers takes saml2 for an unknown type, whatever the token is', async () => {
    const clients = idp.clients.map(({ samlAt: _, ...client }) => client)
    const served = await serve({ samlIssuers: undefined, clients })
    const bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
    for (const token of [bomb, encoded(bomb), encoded(assertion())])
      expect(await exchange(served, token)).toMatchObject({
        status: 400,
        body: { error: 'invalid_request', error_description: `subject_token_type must be ${tokenType.idToken}` },
        reason: 'unsupported_type',
      })
  })

  it('whose SAML issuers are for refresh tokens alone takes saml2 for an unknown type of an ID-JAG', async () => {
    const samlIssuers = idp.samlIssuers.map((one) => ({ ...one, direct: false }))
    const served = await serve({ samlIssuers })
    expect(await exchange(served, encoded(assertion()))).toMatchObject({ reason: 'unsupported_type' })
  })
})
