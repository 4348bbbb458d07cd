/** The SAML name that an identity provider writes into `sub_id`: for connections that ask for one, made of the user record alone. */

import { beforeEach, describe, expect, it } from 'vitest'
import type { SamlNameMapping } from '../../src/idp/connections.ts'
import { usualBranches } from '../../src/protocol/branches.ts'
import { nameIdFormat } from '../../src/protocol/subject-identifier.ts'
import { acme, chat, drive, files } from '../fixture/addresses.ts'
import { type Attempt, type Enterprise, enterprise, exchange, exchangeCall } from '../fixture/enterprise.ts'
import { connectionOf, identityProvider } from '../fixture/identity-provider.ts'
import { expectRefusal } from '../fixture/refusal.ts'
import { send } from '../fixture/requests.ts'
import { claimsOf } from '../fixture/tokens.ts'

const entity = 'https://saml.acme.example'
const atChat: SamlNameMapping = {
  samlIssuer: entity,
  nameId: { kind: 'claim', claim: 'employee_number' },
  serviceProvider: 'https://chat.example/saml',
}

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

const map = (change: Partial<SamlNameMapping> = {}) => {
  for (const one of world.idp.connections) one.subjectId = { ...atChat, ...change }
}
const subjectIdOf = async (attempt: Attempt = {}) => {
  const answer = await exchange(world, attempt)
  expect(answer.json()).not.toHaveProperty('error')
  return claimsOf(answer.json().access_token).sub_id
}
const recordOf = (sub: string) => {
  const user = world.idp.users.get(sub)
  if (user === undefined) throw new Error('no user')
  return user
}

describe('sub_id', () => {
  it('[SAML-10] [JAG-19] is not there unless the connection asks for it', async () => {
    expect(await subjectIdOf()).toBeUndefined()
    map()
    expect(await subjectIdOf()).toBeDefined()
  })

  it('[SAML-04] [SAML-05] [JAG-19] [OKTA-09] [T72] holds format, issuer and name, in the spelling of the draft, and no more', async () => {
    map()
    expect(await subjectIdOf()).toEqual({ format: 'saml-nameid', issuer: entity, nameid: 'n-alice' })
  })

  it('[SAML-05] holds the qualifiers that the connection says, and the provided id of those who have one', async () => {
    map({
      nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
      nameQualifier: entity,
      spNameQualifier: 'https://chat.example/saml',
      spProvidedIdClaim: 'chat_id',
    })
    const qualified = {
      format: 'saml-nameid',
      issuer: entity,
      nameid: 'n-alice',
      nameid_format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
      name_qualifier: entity,
      sp_name_qualifier: 'https://chat.example/saml',
    }
    expect(await subjectIdOf()).toEqual(qualified)
    for (const odd of ['', 17]) {
      recordOf('alice').claims.chat_id = odd
      expect(await subjectIdOf()).toEqual(qualified)
    }
    recordOf('alice').claims.chat_id = 'c-17'
    expect(await subjectIdOf()).toEqual({ ...qualified, sp_provided_id: 'c-17' })
  })

  it('[SAML-06] follows from the record of the person, whatever the subject token calls them', async () => {
    map()
    const smuggled = { employee_number: 'n-bob', sub_id: { format: 'saml-nameid', issuer: entity, nameid: 'n-bob' } }
    expect(await subjectIdOf({ claims: smuggled })).toMatchObject({ nameid: 'n-alice' })
    expect(await subjectIdOf({ claims: { ...smuggled, sub: 'bob' } })).toMatchObject({ nameid: 'n-bob' })
  })

  it('[SAML-06] [FL-NID-01] is another one at each server that has pairwise names, and the same at each visit', async () => {
    map({ nameId: { kind: 'pairwise' } })
    const own = connectionOf(world.idp.clients.basic.id, 'wiki-at-files', { audience: files, resources: [drive] })
    world.idp.connections.push({
      ...own,
      subjectId: { ...atChat, nameId: { kind: 'pairwise' }, serviceProvider: 'https://files.example/saml' },
    })
    const there = await subjectIdOf()
    expect(await subjectIdOf()).toEqual(there)
    const elsewhere = await subjectIdOf({ form: { audience: files, resource: drive } })
    expect(elsewhere).not.toEqual(there)
    expect(JSON.stringify([there, elsewhere])).not.toContain('alice')
    map({ nameId: { kind: 'same' } })
    expect(await subjectIdOf()).toMatchObject({ nameid: 'alice' })
  })

  it.each<[string, Partial<SamlNameMapping>, object]>([
    ['whose record lacks the claim that is the name', {}, { employee_number: undefined }],
    [
      'whose address nobody has verified, where the address is the name',
      { nameId: { kind: 'claim', claim: 'email' } },
      { email_verified: false },
    ],
    [
      'whose name is no address, where the format says it is one',
      { nameIdFormat: nameIdFormat.emailAddress },
      { employee_number: 'n-1' },
    ],
  ])('[SAML-04] a person %s is refused, and gets one when it is right', async (_, mapping, claims) => {
    map(mapping)
    const { claims: before } = recordOf('alice')
    recordOf('alice').claims = { ...before, ...claims }
    const call = exchangeCall(world)
    expectRefusal(world, { events: 0 }, call, await send(world.idp.app, call), {
      error: 'access_denied',
      reason: 'policy_denied',
    })
    recordOf('alice').claims = { ...before, employee_number: 'alice@acme.example' }
    expect(await subjectIdOf()).toMatchObject({ nameid: 'alice@acme.example' })
  })

  it.each<[string, Partial<SamlNameMapping>]>([
    ['a transient name', { nameIdFormat: nameIdFormat.transient }],
    ['no entity id of the resource server', { serviceProvider: undefined }],
  ])('[FL-NID-01] with %s is a mistake of the host: 500, reported, no token', async (_, mapping) => {
    const reported: unknown[] = []
    const idp = await identityProvider(world, world.chat.clients, { report: (error) => reported.push(error) })
    const inIt = { ...world, idp }
    for (const one of idp.connections) one.subjectId = { ...atChat, ...mapping }
    const answer = await exchange(inIt)
    expect(answer.statusCode).toBe(500)
    expect(answer.json()).not.toHaveProperty('access_token')
    expect(reported).toEqual([expect.any(TypeError)])
    for (const one of idp.connections) one.subjectId = atChat
    expect((await exchange(inIt)).statusCode).toBe(200)
  })

  it('[FL-NID-01] needs no entity id of the server where the branch is off, and is no transient name even then', async () => {
    world.idp.provider.branches = { ...usualBranches, 'saml-nameid-stability': false }
    map({ serviceProvider: undefined, nameId: { kind: 'pairwise' } })
    expect(await subjectIdOf()).toMatchObject({ nameid: expect.stringMatching(/^[\w-]{43}$/) })
    map({ serviceProvider: undefined, nameIdFormat: nameIdFormat.transient })
    expect((await exchange(world)).statusCode).toBe(500)
  })

  it('[SAML-10] does not change who sub is, nor any other claim', async () => {
    const without = claimsOf((await exchange(world)).json().access_token)
    map()
    const { sub_id, ...rest } = claimsOf((await exchange(world)).json().access_token)
    expect(sub_id).toBeDefined()
    expect(rest).toEqual({ ...without, jti: rest.jti })
    expect(rest).toMatchObject({ iss: acme, sub: 'alice', aud: chat })
  })
})
