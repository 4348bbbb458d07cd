/** SAML names over HTTP: minted by one server, resolved by another that keeps what it learned in its store. */

import { expect, it, onTestFinished } from 'vitest'
import { claimsOf } from '../fixture/tokens.ts'
import { deploy } from './deployment.ts'

const entity = 'https://saml.acme.example'
const chatEntity = 'https://chat.example/saml'
const samlName = { samlIssuer: entity, nameId: 'e-4711', spNameQualifier: chatEntity }

it('[SAML-04] [SAML-08] [JAG-19] [T72] a person is known by the name of their record, and after that by iss and sub', async () => {
  const world = await deploy(1, {
    idp: (idp) => ({
      ...idp,
      resourceServers: idp.resourceServers.map((server) => ({ ...server, samlEntityId: chatEntity })),
      connections: idp.connections.map((connection) => ({
        ...connection,
        subjectId: {
          format: 'saml-nameid',
          issuer: entity,
          nameId: { claim: 'employee_number' },
          spNameQualifier: chatEntity,
        },
      })),
    }),
    resourceAs: (server) => ({
      ...server,
      trustedIssuers: server.trustedIssuers.map((one) => ({ ...one, subjectId: { samlIssuers: [entity] } })),
      accounts: [{ id: 'a-7', samlNames: [{ issuer: 'https://id.acme.example', ...samlName }] }],
    }),
  })
  onTestFinished(() => world.close())
  const visit = async (claims: object) => {
    const { body } = await world.exchange(0, await world.idToken(claims))
    const answer = await world.redeem(0, body.access_token)
    const { access_token } = answer.body
    return typeof access_token === 'string' ? claimsOf(access_token).sub : answer.body.error
  }
  expect(await visit({ sub: 'zoe', employee_number: 'e-4712' })).toBe('invalid_grant')
  expect(await visit({ sub: 'zoe', employee_number: 'e-4711' })).toBe('a-7')
  expect(await visit({ sub: 'zoe', employee_number: 'e-4712' })).toBe('a-7')
  expect(await visit({ sub: 'yan', employee_number: 'e-4711' })).toBe('invalid_grant')
})
