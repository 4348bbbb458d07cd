/** SAML names in a configuration: what is refused there, and what both roles do with it. */

import { describe, expect, it } from 'vitest'
import { memoryAccounts } from '../../src/server/accounts.ts'
import { connectionOf } from '../../src/server/idp-role.ts'
import { idpEntries, resourceAsEntries } from '../../src/server/policy/entries.ts'
import { readConnection, readTrustedIssuer } from '../../src/server/policy/entry-input.ts'
import { noEntries } from '../../src/server/policy/entry-records.ts'
import { ConfigError } from '../../src/server/problems.ts'
import { claimsOf } from '../fixture/tokens.ts'
import {
  atChat,
  atIdp,
  basicOf,
  type Changes,
  type Configured,
  chat,
  configured,
  exchange,
  id,
  idJag,
  idToken,
  postOf,
  read,
  redeem,
} from '../profiles/configured.ts'

const login = 'https://login.example.com/tenant/v2.0'
const entity = 'https://saml.acme.example'
const emailAddress = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress'
const transient = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient'
const subjectId = { format: 'saml-nameid', issuer: entity, nameId: { claim: 'email' }, nameIdFormat: emailAddress }
const samlName = { issuer: id, samlIssuer: entity, nameId: 'alice@acme.example', nameIdFormat: emailAddress }
const good: Changes = {
  resourceServer: { samlEntityId: 'https://chat.example/saml' },
  connection: { subjectId },
  trustedIssuer: { subjectId: { samlIssuers: [entity], required: true } },
  account: { links: undefined, email: undefined, samlNames: [samlName] },
}
const alice = { iss: login, sub: 'a-first-sub', email: 'alice@acme.example', email_verified: true }

async function problemsOf(changes: Changes): Promise<string[]> {
  try {
    await read({ ...good, ...changes })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ path, message }) => `${path} ${message}`)
    throw error
  }
}

/** The way of one person through both roles: the account, or why there is none. */
async function visit(world: Configured, claims: object = {}): Promise<unknown> {
  const token = idToken(world, await world.publish(login), { ...alice, ...claims })
  const { body, reason } = await exchange(world, token, {}, basicOf(atIdp))
  if (typeof body.access_token !== 'string') return reason
  const answer = await redeem(world, body.access_token, postOf(atChat))
  return typeof answer.body.access_token === 'string' ? claimsOf(answer.body.access_token).sub : answer.reason
}

describe('a SAML name between two servers', () => {
  it('[SAML-04] [SAML-06] [SAML-08] [T72] finds the account of a person whose sub nobody there knows, and keeps it', async () => {
    const world = await configured(good)
    expect(await visit(world)).toBe('a-1')
    expect(await visit(world, { sub: 'another-sub' })).toBe('subject_unknown')
    expect(await visit(world, { email: 'alice@new.example' })).toBe('a-1')
    expect(await visit(world, { email_verified: false })).toBe('policy_denied')
  })

  it('[SAML-07] [SAML-10] [VER-08] is not sent where nobody asked for it, and missed where it is required', async () => {
    const { resourceServer, trustedIssuer, account } = good as Required<Changes>
    expect(await visit(await configured({ trustedIssuer, account }))).toBe('sub_id_untrusted')
    expect(await visit(await configured({}), { sub: 'alice' })).toBe('a-1')
    const without = await configured({ resourceServer, account: { links: [{ issuer: id, sub: 'alice' }] } })
    expect(await visit(without, { sub: 'alice' })).toBe('a-1')
  })

  it('[SAML-06] [FL-NID-01] is made for the entity id of the server, also where it is pairwise', async () => {
    const { idp } = await read(good)
    const [connection] = idp?.connections ?? []
    if (idp === undefined || connection?.subjectId === undefined) throw new Error('the example has one')
    const pairwise = { ...connection, subjectId: { ...connection.subjectId, nameId: 'pairwise' as const } }
    expect(connectionOf(pairwise, idp.resourceServers).subjectId).toMatchObject({
      samlIssuer: entity,
      nameId: { kind: 'pairwise' },
      serviceProvider: 'https://chat.example/saml',
    })
    expect(connectionOf(connection, []).subjectId).toMatchObject({ nameId: { kind: 'claim', claim: 'email' } })
  })

  it('[SAML-08] is found by the bare name, or by some of its members, where the configuration says so', async () => {
    const { nameIdFormat: _, ...bare } = samlName
    const at = async (change: object) =>
      await visit(
        await configured({
          ...good,
          trustedIssuer: { subjectId: { samlIssuers: [entity], ...change } },
          account: { ...good.account, samlNames: [bare] },
        }),
      )
    expect(await at({})).toBe('subject_unknown')
    expect(await at({ nameIdAlone: true })).toBe('a-1')
    expect(await at({ key: ['samlIssuer'] })).toBe('a-1')
    expect(await at({ key: ['samlIssuer', 'nameIdFormat'] })).toBe('subject_unknown')
  })
})

describe("Okta's two spellings", () => {
  const okta = 'https://acme.okta.com'
  const oktaEntity = 'http://www.okta.com/exk2410vjbjB62Oc61d8'
  const wire = { issuer: oktaEntity, nameid: 'example.user@okta.com', nameid_format: emailAddress }
  const reasonsOf = async (trustedIssuer: object) => {
    const found: unknown[] = []
    for (const format of ['saml-nameid', 'saml_nameid']) {
      const world = await configured({
        trustedIssuer: {
          issuer: okta,
          ...trustedIssuer,
          subjectId: { samlIssuers: [oktaEntity], required: true },
        },
        account: {
          links: undefined,
          samlNames: [{ issuer: okta, samlIssuer: oktaEntity, nameId: wire.nameid, nameIdFormat: emailAddress }],
        },
      })
      const claims = { iss: okta, sub: '00uzkk8ctx1WtQ8fy1d7', sub_id: { format, ...wire } }
      found.push((await redeem(world, idJag(world, await world.publish(okta), claims), postOf(atChat))).reason)
    }
    return found
  }

  it('[OKTA-09] are both read with its profile or where both are named, and otherwise the draft’s alone', async () => {
    expect(await reasonsOf({ profile: 'okta' })).toEqual(['granted', 'granted'])
    expect(await reasonsOf({ subjectIdFormats: ['saml-nameid', 'saml_nameid'] })).toEqual(['granted', 'granted'])
    expect(await reasonsOf({})).toEqual(['granted', 'sub_id_untrusted'])
    const only = { profile: 'okta', subjectIdFormats: ['saml-nameid'] }
    expect(await reasonsOf(only)).toEqual(['granted', 'sub_id_untrusted'])
  })
})

describe('a configuration with SAML names', () => {
  const connected = (change: object): Changes => ({ connection: { subjectId: { ...subjectId, ...change } } })
  const trusting = (change: object): Changes => ({
    trustedIssuer: { subjectId: { samlIssuers: [entity], ...change } },
  })
  const known = (...names: object[]): Changes => ({ account: { ...good.account, samlNames: names } })
  const at = 'idp.connections[0].subjectId'
  const account = 'resourceAs.accounts[0].samlNames'

  it.each<[string, Changes, string]>([
    [
      '[FL-NID-01] a transient format',
      connected({ nameIdFormat: transient }),
      `${at}.nameIdFormat is a name that changes at every sign-in`,
    ],
    [
      '[FL-NID-01] no entity id of the audience',
      { resourceServer: {} },
      `${at} needs the entity id that the audience has in SAML`,
    ],
    ['[SAML-04] no issuer', connected({ issuer: undefined }), `${at}.issuer is missing`],
    ['[SAML-06] no word of what the name is', connected({ nameId: undefined }), `${at}.nameId is missing`],
    [
      'an unknown mapping',
      connected({ nameId: 'random', nameIdFormat: undefined }),
      `${at}.nameId must be same or pairwise`,
    ],
    ['an empty entity id', connected({ issuer: '' }), `${at}.issuer must be 1 to 1024 characters`],
    ['the other spelling', connected({ format: 'saml_nameid' }), `${at}.format must be saml-nameid`],
    [
      'an e-mail format without a claim',
      connected({ nameId: 'same' }),
      `${at}.nameId is no e-mail address, as nameIdFormat says`,
    ],
    [
      'a pairwise name without a secret',
      connected({ nameId: 'pairwise', nameIdFormat: undefined }),
      `${at}.nameId needs idp.pairwiseSecret`,
    ],
    [
      '[SAML-07] no SAML issuer',
      { ...trusting({ samlIssuers: [] }), ...known() },
      'resourceAs.trustedIssuers[0].subjectId.samlIssuers must not be empty',
    ],
    [
      '[SAML-08] a key without the SAML issuer',
      trusting({ key: ['nameIdFormat'] }),
      'resourceAs.trustedIssuers[0].subjectId.key would find people by their bare name',
    ],
    [
      '[SAML-08] a key and the bare name',
      trusting({ key: ['samlIssuer'], nameIdAlone: true }),
      'resourceAs.trustedIssuers[0].subjectId.key says nothing beside nameIdAlone',
    ],
    [
      'a name of an issuer nobody trusts',
      known({ ...samlName, issuer: 'https://other.example' }),
      `${account}[0].issuer names no trusted issuer`,
    ],
    [
      'a name of an issuer without names',
      { trustedIssuer: {} },
      `${account}[0].issuer has no subjectId, so nobody is found by a SAML name of it`,
    ],
    [
      '[SAML-09] a name of a SAML issuer that is not the issuer’s',
      known({ ...samlName, samlIssuer: 'https://saml.other.example' }),
      `${account}[0].samlIssuer names no SAML issuer of this trusted issuer`,
    ],
    [
      '[FL-NID-01] a transient name',
      known({ ...samlName, nameIdFormat: transient }),
      `${account}[0].nameIdFormat is a`,
    ],
    [
      '[TEN-08] a name of a tenant that its issuer is not connected for',
      known({ ...samlName, tenant: 't1' }),
      `${account}[0] is of tenants that its issuer is not connected for`,
    ],
    ['one name twice', known(samlName, samlName), `${account}[1] names a person who is named already`],
    [
      'two names that are one where the bare name counts',
      { ...trusting({ nameIdAlone: true }), ...known(samlName, { ...samlName, nameIdFormat: undefined }) },
      `${account}[1] names a person who is named already`,
    ],
    [
      'two names that are one by the key',
      { ...trusting({ key: ['samlIssuer'] }), ...known(samlName, { ...samlName, nameIdFormat: undefined }) },
      `${account}[1] names a person who is named already`,
    ],
  ])('with %s is refused', async (_, changes, problem) => {
    expect(await problemsOf({})).toEqual([])
    expect(await problemsOf(changes)).toEqual([expect.stringContaining(problem)])
  })

  it('with names that could be two persons’ is refused', async () => {
    const { idp } = await read(good)
    if (idp === undefined) throw new Error('the example has both roles')
    const named = { client: 'assistant', audience: chat }
    const entry = { ...named, clientId: 'assistant-at-chat', scopes: ['chat.read'], everyone: true, subjectId }
    const entries = idpEntries(idp, noEntries)
    const subject = { claim: 'email' }
    const two = [...idp.subjectIssuers, ...idp.subjectIssuers].map((one, at) => ({ ...one, issuer: `${login}/${at}` }))
    const around = { ...idp, subjectIssuers: two }
    await expect(readConnection({ ...entry, subject }, named, around, entries)).resolves.toMatchObject({ subjectId })
    const same = { ...subjectId, nameId: 'same', nameIdFormat: undefined }
    await expect(readConnection({ ...entry, subject, subjectId: same }, named, around, entries)).rejects.toThrow(
      'subjectId.nameId could give two persons one name',
    )
  })

  it('[FL-NID-01] may lack the entity id of the audience where the branch is off, in the file and at run time', async () => {
    const { idp } = await read(good)
    if (idp === undefined) throw new Error('the example has both roles')
    const named = { client: 'assistant', audience: chat }
    const entry = { ...named, clientId: 'assistant-at-chat', scopes: ['chat.read'], everyone: true, subjectId }
    const without = { ...idp, resourceServers: idp.resourceServers.map(({ samlEntityId: _, ...rest }) => rest) }
    const entries = idpEntries(without, noEntries)
    await expect(readConnection(entry, named, without, entries)).rejects.toThrow('needs the entity id')
    const off = { ...without, branches: { ...idp.branches, 'saml-nameid-stability': false } } as typeof idp
    await expect(readConnection(entry, named, off, entries)).resolves.toMatchObject({ subjectId })
  })

  it('takes the same of a trusted issuer at run time', async () => {
    const { resourceAs } = await read(good)
    if (resourceAs === undefined) throw new Error('the example has both roles')
    const entries = resourceAsEntries(resourceAs, noEntries)
    const named = { issuer: 'https://id.beta.example' }
    const entry = { clients: [atChat.id], subjectId: { samlIssuers: ['https://saml.beta.example'] } }
    await expect(readTrustedIssuer(entry, named, resourceAs, entries)).resolves.toMatchObject({
      subjectId: { required: false, nameIdAlone: false },
    })
    const bare = { ...entry, subjectId: { ...entry.subjectId, key: ['nameId'] } }
    await expect(readTrustedIssuer(bare, named, resourceAs, entries)).rejects.toThrow('bare name')
  })
})

describe('accounts in memory', () => {
  it('[SAML-08] are found by the SAML name they have', async () => {
    const accounts = memoryAccounts([{ id: 'a-1', samlNames: [samlName] }, { id: 'a-2' }])
    const question = { issuer: id, name: samlName, key: [] }
    expect(await accounts.findBySamlName?.(question)).toMatchObject({ id: 'a-1', linked: false })
    expect(await accounts.findBySamlName?.({ ...question, issuer: 'https://id.other.example' })).toBeUndefined()
  })
})
