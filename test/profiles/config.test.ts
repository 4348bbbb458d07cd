/** A profile in a configuration: it fills in what its entry leaves out, and is refused where it does not belong. */

import { describe, expect, it } from 'vitest'
import { readClientConfig } from '../../src/cli/client-config.ts'
import { run } from '../../src/cli/serve.ts'
import { entryWithProfile } from '../../src/server/config-profiles.ts'
import { ConfigError, type Problem } from '../../src/server/problems.ts'
import { environment, exampleFolder } from '../server/example.ts'
import { type Changes, configurationOf, read } from './configured.ts'

async function problemsOf(changes: Changes): Promise<readonly Problem[]> {
  try {
    await read(changes)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

const google = { issuer: 'https://accounts.google.com', profile: 'google', tenants: ['acme.example'] }

describe('a profile', () => {
  it('fills in what its entry leaves out, and what the entry says itself stays', async () => {
    const filled = await read({ subjectIssuer: google })
    expect(filled.idp?.subjectIssuers[0]).toMatchObject({
      aliases: ['accounts.google.com'],
      tenantClaim: 'hd',
      algorithms: ['RS256'],
      groupsClaim: 'groups',
    })
    const own = await read({ subjectIssuer: { ...google, aliases: [], algorithms: ['PS256'] } })
    expect(own.idp?.subjectIssuers[0]).toMatchObject({ aliases: [], tenantClaim: 'hd', algorithms: ['PS256'] })
  })

  it('is part of the policy: what decides has another version with it', async () => {
    const issuer = { issuer: 'https://acme.okta.com', users: 'token' }
    const without = await read({ subjectIssuer: issuer })
    const withIt = await read({ subjectIssuer: { ...issuer, profile: 'okta' } })
    expect(withIt.policyVersion).not.toBe(without.policyVersion)
  })

  it('tells what it filled in, by xaa serve --check', async () => {
    const folder = await exampleFolder()
    const printed: string[] = []
    const file = await folder.write(
      configurationOf({
        subjectIssuer: google,
        idpClient: { profile: 'mcp-sdk', authMethods: undefined, jwks: undefined },
      }),
    )
    const io = {
      out: (text: string) => printed.push(text),
      err: (text: string) => printed.push(text),
      env: environment,
    }
    expect([await run(['--check', '--config', file], io), printed.join('')]).toEqual([
      0,
      expect.stringContaining(
        '  idp.subjectIssuers[0], profile google: tenantClaim: "hd", aliases: ["accounts.google.com"]',
      ),
    ])
    expect(printed.join('')).toContain('  idp.clients[0], profile mcp-sdk: authMethods: ["client_secret_post"]\n')
    printed.length = 0
    expect(await run(['--check', '--json', '--config', file], io)).toBe(0)
    expect(JSON.parse(printed.join(''))).toMatchObject({
      profiles: [{ path: 'idp.subjectIssuers[0]' }, { profile: 'mcp-sdk' }],
    })
    await folder.remove()
  })

  it.each<[Changes, string, string, RegExp | undefined]>([
    [
      { subjectIssuer: { profile: 'claude' } },
      'idp.subjectIssuers[0].profile',
      'is no profile for a subject issuer',
      /^claude is for a client of the resource authorization server; here there are okta, auth0, keycloak, entra, google, ping$/,
    ],
    [
      { subjectIssuer: { profile: 'entraid' } },
      'idp.subjectIssuers[0].profile',
      'is no profile for a subject issuer',
      /^there are okta, auth0, keycloak, entra, google, ping$/,
    ],
    [
      { subjectIssuer: { profile: '__proto__' } },
      'idp.subjectIssuers[0].profile',
      'is no profile for a subject issuer',
      /^there are/,
    ],
    [{ subjectIssuer: { profile: 7 } }, 'idp.subjectIssuers[0].profile', 'must be text', undefined],
    [
      { idpClient: { profile: 'google' } },
      'idp.clients[0].profile',
      'is no profile for a client of the identity provider',
      /there are okta, mcp-sdk$/,
    ],
    [
      { resourceServer: { profile: 'okta' } },
      'idp.resourceServers[0].profile',
      'is no profile for a resource server of the identity provider',
      /there are auth0, keycloak, cloudflare$/,
    ],
    [
      { trustedIssuer: { profile: 'auth0' } },
      'resourceAs.trustedIssuers[0].profile',
      'is no profile for a trusted issuer',
      /there are okta$/,
    ],
    [
      { resourceAsClient: { profile: 'ping' } },
      'resourceAs.clients[0].profile',
      'is no profile for a client of the resource authorization server',
      /there are okta, mcp-sdk, claude$/,
    ],
    [{ connection: { profile: 'okta' } }, 'idp.connections[0].profile', 'is not a known key', undefined],
  ])('that is none for its place is told with those there are: %j', async (changes, path, message, remedy) => {
    const [problem, ...others] = await problemsOf(changes)
    expect(others).toEqual([])
    expect(problem).toMatchObject({ path, message, place: expect.stringMatching(/^xaa\.yaml:\d+$/) })
    if (remedy !== undefined) expect(problem?.remedy).toMatch(remedy)
  })

  it.each<[Changes, string]>([
    [{ subjectIssuer: { issuer: 'https://acme.eu.auth0.com', profile: 'auth0' } }, 'https://acme.eu.auth0.com/'],
    [{ subjectIssuer: { ...google, issuer: 'https://google.com' } }, 'https://accounts.google.com'],
    [
      { subjectIssuer: { issuer: 'https://login.microsoftonline.com/common/v2.0', profile: 'entra', tenants: ['t'] } },
      'https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0',
    ],
    [
      { subjectIssuer: { issuer: 'https://sso.acme.example/', profile: 'keycloak' } },
      'https://sso.acme.example/realms/acme',
    ],
    [
      {
        resourceServer: { issuer: 'https://vendor.eu.auth0.com', profile: 'auth0' },
        connection: { audience: 'https://vendor.eu.auth0.com' },
      },
      'https://acme.eu.auth0.com/',
    ],
    [
      {
        trustedIssuer: { issuer: 'https://acme.okta.com/oauth2/default', profile: 'okta' },
        account: { links: [] },
      },
      'https://acme.okta.com',
    ],
  ])('knows how its counterpart writes an issuer [OKTA-01] [AUTH0-01] [T14]: %j', async (changes, like) => {
    const problems = await problemsOf(changes)
    expect(problems).toEqual([
      expect.objectContaining({
        path: expect.stringMatching(/\.issuer$/),
        message: expect.stringMatching(/^is not as [\w-]+ writes it$/),
        remedy: expect.stringContaining(like),
      }),
    ])
  })

  it('lets loopback issuers stand for any counterpart', async () => {
    const local = { issuer: 'http://127.0.0.1:9/', profile: 'auth0' }
    const problems = await problemsOf({ subjectIssuer: local })
    expect(problems.map(({ message }) => message)).toEqual(['is for local work, and this role is not'])
  })

  it('leaves it to the metadata document how a client authenticates', () => {
    const listed = { id: 'https://app.example/client.json', metadataDocument: true, profile: 'claude' }
    expect(entryWithProfile('resourceAsClient', listed)).toEqual(listed)
    expect(entryWithProfile('resourceAsClient', { ...listed, authMethods: ['private_key_jwt'] })).toHaveProperty(
      'authMethods',
    )
  })
})

describe('the naming of people', () => {
  it.each<[object, string, string]>([
    [{ ...google, tenants: undefined }, 'idp.subjectIssuers[0].tenants', 'is missing: whose people may come in'],
    [{ tenantClaim: 'tid' }, 'idp.subjectIssuers[0].tenants', 'is missing: whose people may come in'],
    [{ tenants: ['acme.example'] }, 'idp.subjectIssuers[0].tenants', 'says nothing without tenantClaim'],
    [{ tenantClaim: 'hd', tenants: [] }, 'idp.subjectIssuers[0].tenants', 'must not be empty'],
    [{ userClaim: 'email' }, 'idp.subjectIssuers[0].userClaim', 'is no lasting id of a person'],
    [{ userClaim: 'preferred_username' }, 'idp.subjectIssuers[0].userClaim', 'is no lasting id of a person'],
    [{ userClaim: '' }, 'idp.subjectIssuers[0].userClaim', 'must not be empty'],
    [
      { issuer: 'https://login.example.com/', aliases: ['https://login.example.com/'] },
      'idp.subjectIssuers[0].aliases[0]',
      'is the name of a subject issuer a second time',
    ],
  ])('must be whole: %j', async (subjectIssuer, path, message) => {
    expect(await problemsOf({ subjectIssuer: { users: 'token', ...subjectIssuer } })).toEqual([
      expect.objectContaining({ path, message }),
    ])
  })
})

describe('a client configuration', () => {
  it('names a profile for each server, and is told where it does not belong', async () => {
    const folder = await exampleFolder()
    const client = { id: 'a', method: 'client_secret_post', secret: { env: 'ASSISTANT_SECRET' } }
    const config = (idp: object, server: object) => ({
      identityProvider: { issuer: 'https://acme.okta.com', client, ...idp },
      resourceServers: [{ issuer: 'https://acme.eu.auth0.com/', client, ...server }],
      subject: { idToken: { env: 'CHAT_SECRET' } },
    })
    const good = await readClientConfig(
      await folder.write(config({ profile: 'okta' }, { profile: 'auth0', scopeOnRedemption: true })),
      environment,
    )
    expect(good.identityProvider).toMatchObject({ profile: 'okta' })
    expect(good.resourceServers).toMatchObject({
      'https://acme.eu.auth0.com/': { profile: 'auth0', scopeOnRedemption: true },
    })
    const bad = readClientConfig(await folder.write(config({ profile: 'entra' }, { profile: 'keycloak' })), environment)
    await expect(bad).rejects.toMatchObject({
      problems: [
        { path: 'identityProvider.profile', message: "is no profile for a client's identity provider" },
        { path: 'resourceServers[0]', message: 'has an issuer that is not as keycloak writes it' },
      ],
    })
    await folder.remove()
  })
})
