/** The decision about one exchange: a pure function from a question to an answer with a reason. */

import { describe, expect, it } from 'vitest'
import { type AccessQuestion, type Connection, decideAccess, type People } from '../../src/idp/connections.ts'
import { drive, mcp, search } from '../fixture/addresses.ts'
import { connectionOf } from '../fixture/identity-provider.ts'

function ask(connection: Partial<Connection> = {}, change: Partial<AccessQuestion> = {}) {
  return decideAccess({
    user: { sub: 'alice', enabled: true, groups: ['engineering'], claims: {} },
    connection: connectionOf('wiki', 'wiki-there', connection),
    server: { issuer: 'https://as.chat.example', aliases: [], resources: [mcp, search], enabled: true },
    scopes: [],
    resources: [],
    authentication: {},
    issuer: 'https://id.acme.example',
    blocks: [],
    now: 10_000,
    skew: 30,
    ...change,
  })
}

const people = (change: Partial<People>): People => ({ users: [], groups: [], ...change })

describe('who may', () => {
  it.each<[string, People, boolean]>([
    ['everyone', people({ everyone: true }), true],
    ['a person by name', people({ users: ['alice'] }), true],
    ['a person by group', people({ groups: ['sales', 'engineering'] }), true],
    ['nobody, when nobody is named', people({}), false],
    ['not another person', people({ users: ['bob'], groups: ['sales'] }), false],
    ['not a name in other case', people({ users: ['Alice'] }), false],
  ])('%s', (_, who, allowed) => {
    expect(ask({ who })).toMatchObject(
      allowed
        ? { allowed }
        : { allowed, error: 'access_denied', reason: 'policy_denied', detail: expect.stringContaining('alice') },
    )
  })
})

describe('scopes', () => {
  const scopes = [
    { name: 'read' },
    { name: 'write', who: people({ groups: ['sales'] }) },
    { name: 'own', who: people({ users: ['alice'] }) },
  ]

  it.each<[string, string[], string[]]>([
    ['all a person has, when none is asked', [], ['read', 'own']],
    ['those asked that the person has, in the order asked', ['own', 'write', 'read'], ['own', 'read']],
  ])('%s', (_, asked, granted) => {
    expect(ask({ scopes }, { scopes: asked })).toEqual({ allowed: true, scopes: granted, resources: [mcp] })
  })

  it.each<[string, Connection['scopes'], string[]]>([
    ['[D-25] a connection without scopes grants none', [], []],
    ['a scope of others is not granted', scopes, ['write']],
    ['nothing of what was asked refuses', scopes, ['admin']],
  ])('%s', (_, given, asked) => {
    expect(ask({ scopes: given }, { scopes: asked })).toMatchObject({ error: 'invalid_scope', reason: 'scope_denied' })
  })
})

describe('resources', () => {
  it.each<[string, string[], string[], string[]]>([
    ['those of the connection, when none is asked', [mcp, search], [], [mcp, search]],
    ['the part that is asked and given', [mcp], [search, mcp], [mcp]],
    ['none, when there are none and none is asked', [], [], []],
  ])('%s', (_, given, asked, resources) => {
    expect(ask({ resources: given }, { resources: asked })).toMatchObject({ allowed: true, resources })
  })

  it('an address without a path is the same with a slash, and is written as the connection has it', () => {
    const server = { issuer: 'https://as', aliases: [], resources: ['https://api.example'], enabled: true }
    const connection = { resources: ['https://api.example'] }
    expect(ask(connection, { server, resources: ['https://api.example/'] })).toMatchObject({
      resources: ['https://api.example'],
    })
  })

  it.each<[string, string[], string[]]>([
    ['[FL-ISS-01] one the server does not govern', [mcp], [mcp, drive]],
    ['[IDP-24] one the connection does not give', [mcp], [search]],
    ['[T20] one that differs by its query', [mcp], [`${mcp}?x=1`]],
    ['one that differs by a slash', [mcp], [`${mcp}/`]],
  ])('%s is refused', (_, given, asked) => {
    expect(ask({ resources: given }, { resources: asked })).toMatchObject({
      error: 'invalid_target',
      reason: 'resource_denied',
    })
  })
})

describe('the sign-in', () => {
  it.each<[string, Connection['signIn'], AccessQuestion['authentication'], object | undefined]>([
    ['need not be anything by default', {}, {}, undefined],
    ['of an accepted class passes', { acr: ['a', 'b'] }, { acr: 'b' }, undefined],
    ['of another class does not', { acr: ['a', 'b'] }, { acr: 'c' }, { acr_values: 'a b' }],
    ['of no class does not', { acr: ['a'] }, {}, { acr_values: 'a' }],
    ['recent enough, with the skew, passes', { maxAge: 60 }, { authTime: 9_910 }, undefined],
    ['too old does not', { maxAge: 60 }, { authTime: 9_909 }, { max_age: 60 }],
    ['ahead of our clock, within the skew, passes', { maxAge: 60 }, { authTime: 10_030 }, undefined],
    ['in the future does not', { maxAge: 60 }, { authTime: 10_031 }, { max_age: 60 }],
    ['at an unknown time does not', { maxAge: 0 }, {}, { max_age: 0 }],
  ])('%s', (_, signIn, authentication, parameters) => {
    const decision = ask({ signIn }, { authentication })
    if (parameters === undefined) expect(decision.allowed).toBe(true)
    else expect(decision).toMatchObject({ error: 'insufficient_user_authentication', reason: 'step_up', parameters })
  })

  it('a connection gives no resource that its server does not govern, asked for or not', () => {
    expect(ask({ resources: [mcp, drive] })).toMatchObject({ allowed: true, resources: [mcp] })
    expect(ask({ resources: [mcp, drive] }, { resources: [mcp] })).toMatchObject({ allowed: true, resources: [mcp] })
  })

  it('is judged after the person and before scope and resource', () => {
    const weak = { signIn: { maxAge: 1 } }
    expect(ask({ ...weak, who: people({}) })).toMatchObject({ reason: 'policy_denied' })
    expect(ask(weak, { resources: [drive], scopes: ['admin'] })).toMatchObject({ reason: 'step_up' })
  })
})
