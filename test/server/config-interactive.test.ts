/** The code grant in the configuration: what it fills in, and what it refuses with its place and remedy. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/server/config.ts'
import { ConfigError } from '../../src/server/problems.ts'
import { changed, environment, exampleFolder, type Folder } from './example.ts'

const interactive = {
  signIn: [{ issuer: 'https://login.acme.example', clientId: 'chat', emailDomains: ['acme.example'] }],
  cookieSecret: { env: 'PAIRWISE' },
}

let folder: Folder
beforeAll(async () => {
  folder = await exampleFolder()
})
afterAll(async () => await folder.remove())

const withPart = (part: object) => changed('resourceAs.interactive', { ...interactive, ...part })
const problemsOf = async (config: object) =>
  await readConfig(await folder.write(config), environment).then(
    () => [],
    (error: unknown) => {
      if (!(error instanceof ConfigError)) throw error
      return error.problems.map(({ path, message }) => `${path} ${message}`)
    },
  )

describe('resourceAs.interactive', () => {
  it('has defaults for whatever may be left out', async () => {
    const config = await readConfig(await folder.write(withPart({})), environment)
    expect(config.resourceAs?.interactive).toMatchObject({
      signIn: [{ unknownUsers: 'refuse' }],
      refreshTokenLifetime: 14 * 24 * 3600,
      scopes: {},
    })
    expect(config.resourceAs?.interactive?.registration).toBeUndefined()
  })

  it('needs a secret for cookies, unless the issuer is loopback', async () => {
    const without = { cookieSecret: undefined }
    expect(await problemsOf(withPart(without))).toEqual(['resourceAs.interactive.cookieSecret is missing'])
    const local = withPart(without) as { resourceAs: { issuer: string }; idp?: unknown }
    local.resourceAs.issuer = 'http://127.0.0.1:4001'
    delete local.idp
    expect(await problemsOf(local)).toEqual([])
  })

  it.each<[string, object, string]>([
    ['nowhere to sign in', { signIn: [] }, 'resourceAs.interactive.signIn '],
    [
      'an issuer of everybody without its organisations',
      { signIn: [{ ...interactive.signIn[0], issuer: 'https://accounts.google.com', profile: 'google' }] },
      'resourceAs.interactive.signIn[0].tenants is missing',
    ],
    [
      'an issuer that is not written as its profile writes it',
      { signIn: [{ ...interactive.signIn[0], profile: 'google', tenants: ['acme.example'] }] },
      'resourceAs.interactive.signIn[0].issuer is not as google writes it',
    ],
    [
      'a claim that passes from one person to the next',
      { signIn: [{ ...interactive.signIn[0], userClaim: 'email' }] },
      'resourceAs.interactive.signIn[0].userClaim is no lasting id of a person',
    ],
    [
      'two places for one domain',
      { signIn: [...interactive.signIn, { ...interactive.signIn[0], issuer: 'https://other.example' }] },
      'resourceAs.interactive.signIn[1].emailDomains[0] is listed a second time',
    ],
    [
      'a second place that nobody would find',
      { signIn: [...interactive.signIn, { issuer: 'https://other.example', clientId: 'chat' }] },
      'resourceAs.interactive.signIn[1].emailDomains is missing',
    ],
    [
      'the server itself as the place',
      { signIn: [{ ...interactive.signIn[0], issuer: 'https://auth.chat.example' }] },
      'resourceAs.interactive.signIn[0].issuer is this server itself',
    ],
    [
      'other rules than for the ID-JAGs of the same issuer',
      { signIn: [{ ...interactive.signIn[0], issuer: 'https://id.acme.example', unknownUsers: 'create' }] },
      'resourceAs.interactive.signIn[0].unknownUsers is another than',
    ],
    [
      'a sentence for no scope',
      { scopes: { 'chat.raed': 'read' } },
      'resourceAs.interactive.scopes.chat.raed names no scope',
    ],
    [
      'a refresh token for ever',
      { refreshTokenLifetime: 91 * 24 * 3600 },
      'resourceAs.interactive.refreshTokenLifetime ',
    ],
    [
      'registration for nothing that there is',
      { registration: { scopes: ['chat.all'], resources: ['https://other.example/'] } },
      'resourceAs.interactive.registration.scopes[0] names no scope',
    ],
  ])('refuses %s', async (_, part, problem) => {
    expect(await problemsOf(withPart(part))).toEqual(expect.arrayContaining([expect.stringContaining(problem)]))
    expect(await problemsOf(withPart({}))).toEqual([])
  })

  it('lets a client have exact https addresses, and loopback ones, and is needed for them', async () => {
    const at = (redirectUris: string[]) => {
      const config = withPart({}) as { resourceAs: { clients: object[]; interactive?: unknown } }
      Object.assign(config.resourceAs.clients[0] ?? {}, { redirectUris })
      return config
    }
    expect(await problemsOf(at(['https://wiki.example/callback', 'http://127.0.0.1/callback']))).toEqual([])
    for (const wrong of ['http://wiki.example/', 'wiki:/callback', 'https://wiki.example/#x', 'https://localhost/'])
      expect(await problemsOf(at([wrong]))).toEqual([
        'resourceAs.clients[0].redirectUris[0] must be an https address without a fragment',
      ])
    const managed = at(['https://wiki.example/callback'])
    delete managed.resourceAs.interactive
    expect(await problemsOf(managed)).toEqual([
      'resourceAs.clients[0].redirectUris is of no use without the code grant',
    ])
  })
})
