import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/server/config.ts'
import { ConfigError, type Problem } from '../../src/server/problems.ts'
import { changed, environment, example, exampleFolder, type Folder } from './example.ts'

let folder: Folder
beforeAll(async () => {
  folder = await exampleFolder()
})
afterAll(() => folder.remove())

async function problemsOf(config: unknown, variables: { [name: string]: string } = {}): Promise<readonly Problem[]> {
  try {
    await readConfig(await folder.write(config), { ...environment, ...variables })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('a configuration', () => {
  it('that is complete has no problem, and its defaults are filled in', async () => {
    const config = await readConfig(await folder.write(example), environment)
    expect(config.idp?.listen).toEqual({ host: '127.0.0.1', port: 4000 })
    expect(config.idp?.connections[0]).toMatchObject({
      lifetime: 300,
      subject: 'same',
      claims: ['email', 'email_verified'],
    })
    expect(config.idp?.clients[0]?.secret).toBe(environment.ASSISTANT_SECRET)
    expect(config.resourceAs?.clients[0]?.secret).toBe(environment.CHAT_SECRET)
    expect(config.resourceAs?.trustedIssuers[0]).toMatchObject({ assertions: 'single-use', unknownUsers: 'refuse' })
    expect(config).toMatchObject({ audit: 'stdout', outbound: { allowAddresses: [] } })
    expect(config.store).toEqual({ kind: 'lmdb', directory: join(folder.path, 'state') })
    expect(config.resourceAs?.accessTokenLifetime).toBe(600)
  })

  it.each(['idp', 'resourceAs'])('may have one role: %s is absent', async (role) => {
    expect(await problemsOf(changed(role, undefined))).toEqual([])
  })

  it('names its policy by what is in it', async () => {
    const one = await readConfig(await folder.write(example), environment)
    // How many run it and where is no policy: every instance writes the same version into the audit.
    const run = { XAA_WORKERS: '2', XAA_RAS_LISTEN: '127.0.0.1:9', XAA_AUDIT: 'audit.jsonl' }
    const same = await readConfig(await folder.write(example), { ...environment, ...run })
    const other = await readConfig(await folder.write(changed('idp.connections.0.lifetime', 60)), environment)
    expect(same.policyVersion).toBe(one.policyVersion)
    expect(other.policyVersion).not.toBe(one.policyVersion)
  })

  it.each<[string, unknown, string, string]>([
    // One value
    ['idp.issuer', 'http://id.acme.example', 'idp.issuer', 'must be an https address'],
    ['idp.issuer', 'https://id.acme.example/', 'idp.issuer', 'must not end with a slash'],
    ['idp.issuer', 'https://id.acme.example?a', 'idp.issuer', 'must have no query and no fragment'],
    ['idp.issuer', 'https://id.acme.example#', 'idp.issuer', 'must have no query and no fragment'],
    ['idp.issuer', 'https://ID.acme.example', 'idp.issuer', 'must be written https://id.acme.example'],
    ['idp.issuer', 'https://a:b@id.acme.example', 'idp.issuer', 'must hold no user and no password'],
    ['idp.listen', '4000', 'idp.listen', 'must be HOST:PORT'],
    ['idp.listen', '127.0.0.1:99999', 'idp.listen', 'must be HOST:PORT'],
    ['idp.keys', 'none.json', 'idp.keys', 'does not exist'],
    ['idp.keys', undefined, 'idp.keys', 'is missing'],
    ['idp.subjectIssuers', [], 'idp.subjectIssuers', 'must not be empty'],
    ['idp.subjectIssuers.0.users', 'tokn', 'idp.subjectIssuers[0].users', 'must be token or directory'],
    [
      'idp.subjectIssuers.0.algorithms',
      ['HS256'],
      'idp.subjectIssuers[0].algorithms[0]',
      'must be ES256 or ES384 or EdDSA or RS256 or PS256',
    ],
    ['idp.clients.0.id', 'a b', 'idp.clients[0].id', 'must be 1 to 255 of the characters A-Z a-z 0-9 . _ ~ -'],
    [
      'idp.clients.0.id',
      'https://client.example',
      'idp.clients[0].id',
      'must be the address of a client metadata document',
    ],
    ['idp.clients.0.id', 12, 'idp.clients[0].id', 'must be text'],
    ['idp.connections.0.lifetime', 601, 'idp.connections[0].lifetime', 'must be at most 600'],
    ['idp.connections.0.lifetime', 9, 'idp.connections[0].lifetime', 'must be at least 10'],
    ['idp.connections.0.lifetime', 10.5, 'idp.connections[0].lifetime', 'must be a whole number'],
    ['idp.connections.0.scopes', [], 'idp.connections[0].scopes', 'must not be empty'],
    [
      'idp.connections.0.scopes',
      [null],
      'idp.connections[0].scopes[0]',
      'must be a scope, or a mapping with its name and people',
    ],
    ['idp.connections.0.subject', 'pairwize', 'idp.connections[0].subject', 'must be same or pairwise'],
    ['idp.connections.0.everyone', false, 'idp.connections[0].everyone', 'must be true'],
    ['resourceAs.accessTokenLifetime', 3601, 'resourceAs.accessTokenLifetime', 'must be at most 3600'],
    [
      'resourceAs.trustedIssuers.0.maxLifetime',
      3601,
      'resourceAs.trustedIssuers[0].maxLifetime',
      'must be at most 3600',
    ],
    [
      'resourceAs.trustedIssuers.0.emailDomains',
      ['Acme'],
      'resourceAs.trustedIssuers[0].emailDomains[0]',
      'must be a domain in lower case, such as acme.example',
    ],
    [
      'resourceAs.resources.0.resource',
      'chat#1',
      'resourceAs.resources[0].resource',
      'must be an absolute URI without a fragment (RFC 8707)',
    ],
    ['store', 'sqlite', 'store', 'is not a store'],
    ['store', 'redis://a:6379,b:6379', 'store', 'names several servers: write redis+sentinel:// or redis+cluster://'],
    ['store', 'redis+sentinel://a:26379', 'store', 'must end with the name that the Sentinels give the primary'],
    ['store', 'redis://:hunter2@a:6379', 'store', 'must hold no password in the file'],
    ['store', { lmdb: 5 }, 'store.lmdb', 'must be text'],
    ['audit', 5, 'audit', 'must be stdout or { file: path }'],
    ['outbound', { allowAddresses: ['10.0.0.0'] }, 'outbound.allowAddresses[0]', 'must be an address range'],
    // Keys
    ['idp.connections.0.scope', ['a'], 'idp.connections[0].scope', 'is not a known key'],
    ['idq', {}, 'idq', 'is not a known key'],
    // Secrets
    [
      'idp.clients.0.secret',
      'a-literal-secret-0123456789-0123456789',
      'idp.clients[0].secret',
      'must not be written into the file',
    ],
    ['idp.clients.0.secret', { env: 'SHORT' }, 'idp.clients[0].secret', 'is shorter than 32 characters'],
    [
      'idp.clients.0.secret',
      { env: 'ODD' },
      'idp.clients[0].secret',
      'may hold only the characters A-Z a-z 0-9 . _ ~ -',
    ],
    [
      'idp.clients.0.secret',
      { env: 'NO_SUCH' },
      'idp.clients[0].secret',
      'names the variable NO_SUCH, which is not set',
    ],
    [
      'idp.clients.0.secret',
      { file: 'none' },
      'idp.clients[0].secret',
      'names the file none, which cannot be read or is empty',
    ],
    [
      'idp.clients.0.jwks',
      { file: 'idp.json' },
      'idp.clients[0].jwks',
      'names the file idp.json, which holds a private or symmetric key',
    ],
    // Between values
    ['resourceAs.issuer', 'https://id.acme.example', 'resourceAs.issuer', 'is the issuer of idp'],
    ['resourceAs.listen', '127.0.0.1:4000', 'resourceAs.listen', 'is the address that idp listens on'],
    [
      'admin',
      { token: { env: 'PAIRWISE' }, listen: '127.0.0.1:4001' },
      'admin.listen',
      'is the address that resourceAs listens on',
    ],
    ['admin', { token: { env: 'SHORT' } }, 'admin.token', 'is shorter than 32 characters'],
    ['admin', { token: { env: 'ODD' } }, 'admin.token', 'may hold only the characters A-Z a-z 0-9 . _ ~ -'],
    ['admin', { token: 'a-token-that-is-long-enough-0123456789' }, 'admin.token', 'must not be written into the file'],
    ['admin', { listen: '127.0.0.1:4010' }, 'admin.token', 'is missing'],
    ['metrics', { listen: '127.0.0.1:4000' }, 'metrics.listen', 'is the address that idp listens on'],
    [
      'metrics',
      { listen: '0.0.0.0:4020' },
      'metrics.listen',
      'can be reached from other machines, and metrics has no token',
    ],
    ['metrics', { listen: '4020' }, 'metrics.listen', 'must be HOST:PORT'],
    ['metrics', { token: { env: 'SHORT' } }, 'metrics.token', 'is shorter than 32 characters'],
    ['metrics', { port: 4020 }, 'metrics.port', 'is not a known key'],
    ['idp.clients.0.secret', undefined, 'idp.clients[0].secret', 'is missing for the methods of this client'],
    ['idp.clients.0.jwks', undefined, 'idp.clients[0].jwks', 'is missing for the methods of this client'],
    [
      'idp.clients.0.authMethods',
      ['private_key_jwt'],
      'idp.clients[0].secret',
      'is of no use to the methods of this client',
    ],
    [
      'idp.clients.0.clientIdAt',
      { 'https://other.example': 'x' },
      'idp.clients[0].clientIdAt.https://other.example',
      'names no subject issuer',
    ],
    ['idp.connections.0.client', 'assistent', 'idp.connections[0].client', 'names no client'],
    [
      'idp.connections.0.audience',
      'https://auth.chat.exampl',
      'idp.connections[0].audience',
      'names no resource server',
    ],
    ['idp.connections.0.audience', 'chat', 'idp.connections[0].audience', 'is an alias'],
    [
      'idp.connections.0.resources',
      ['https://api.other.example'],
      'idp.connections[0].resources[0]',
      'is not a resource of this audience',
    ],
    ['idp.connections.0.everyone', undefined, 'idp.connections[0]', 'is for nobody'],
    [
      'idp.connections.0.claims',
      ['email', 'sub'],
      'idp.connections[0].claims[1]',
      'has a meaning of its own in an ID-JAG',
    ],
    ['idp.connections.0.subject', 'pairwise', 'idp.connections[0].subject', 'needs idp.pairwiseSecret'],
    [
      'idp.subjectIssuers.0.users',
      'directory',
      'idp.subjectIssuers[0].users',
      'needs a directory, and idp.users is empty',
    ],
    [
      'idp.subjectIssuers.0.issuer',
      'https://id.acme.example',
      'idp.subjectIssuers[0].issuer',
      'is the identity provider itself',
    ],
    ['idp.users', [{ sub: 'alice' }, { sub: 'alice' }], 'idp.users[1].sub', 'is listed a second time'],
    [
      'idp.resourceServers.0.aliases',
      ['https://auth.chat.example'],
      'idp.resourceServers[0].aliases[0]',
      'is the name of a resource server a second time',
    ],
    ['resourceAs.clients.0.scopes', ['chat.raed'], 'resourceAs.clients[0].scopes[0]', 'names no scope of a resource'],
    [
      'resourceAs.clients.0.resources',
      ['https://api.other.example'],
      'resourceAs.clients[0].resources[0]',
      'names no resource of this server',
    ],
    [
      'resourceAs.trustedIssuers.0.issuer',
      'https://auth.chat.example',
      'resourceAs.trustedIssuers[0].issuer',
      'is this server itself',
    ],
    ['resourceAs.trustedIssuers.0.clients', ['nobody'], 'resourceAs.trustedIssuers[0].clients[0]', 'names no client'],
    [
      'resourceAs.accounts.0.links',
      [{ issuer: 'https://other.example', sub: 'a' }],
      'resourceAs.accounts[0].links[0].issuer',
      'names no trusted issuer',
    ],
  ])('is refused when %s is %j', async (path, value, where, message) => {
    const problems = await problemsOf(changed(path, value))
    expect(problems).toContainEqual(expect.objectContaining({ path: where, message }))
    for (const problem of problems) expect(problem.place).toMatch(/^xaa\.yaml:\d+$/)
  })

  it.each<[string, string, string]>([
    ['idp.clients', 'idp.clients[1].id', 'is listed a second time'],
    ['idp.subjectIssuers', 'idp.subjectIssuers[1].issuer', 'is listed a second time'],
    ['idp.connections', 'idp.connections[1]', 'connects assistant to https://auth.chat.example a second time'],
    ['idp.resourceServers', 'idp.resourceServers[1].issuer', 'is the name of a resource server a second time'],
    ['resourceAs.resources', 'resourceAs.resources[1].resource', 'is listed a second time'],
    ['resourceAs.trustedIssuers', 'resourceAs.trustedIssuers[1].issuer', 'is trusted a second time'],
    ['resourceAs.accounts', 'resourceAs.accounts[1].links[0]', 'links a person who is linked already'],
  ])('is refused when an entry of %s stands there twice', async (path, where, message) => {
    const [role = '', list = ''] = path.split('.')
    const roles = example as unknown as { [role: string]: { [list: string]: unknown[] } }
    const [entry] = roles[role]?.[list] ?? []
    expect(await problemsOf(changed(path, [entry, entry]))).toContainEqual(
      expect.objectContaining({ path: where, message }),
    )
  })

  it('is refused when two issuers bring their own people and a subject could be either of them', async () => {
    const issuers = [...example.idp.subjectIssuers, { issuer: 'https://login.other.example', users: 'token' }]
    const two = changed('idp.subjectIssuers', issuers)
    expect((await problemsOf(two)).map(({ path }) => path)).toEqual(['idp.connections[0]'])
    expect(await problemsOf(changed('idp.connections.0.subject', { claim: 'employee_number' }, two))).toEqual([])
    const oneDirectory = issuers.map((issuer) => ({ ...issuer, users: 'directory' }))
    const directory = changed('idp.users', [{ sub: 'alice' }], changed('idp.subjectIssuers', oneDirectory))
    expect(await problemsOf(directory)).toEqual([])
  })

  it('may rely on an issuer of this machine when its own issuer is one', async () => {
    const local = changed(
      'resourceAs',
      undefined,
      changed('idp.clients.0.clientIdAt', undefined, changed('idp.subjectIssuers.0.issuer', 'http://127.0.0.1:5000')),
    )
    expect(await problemsOf(local)).toMatchObject([
      { path: 'idp.subjectIssuers[0].issuer', message: 'is for local work, and this role is not' },
    ])
    expect(await problemsOf(changed('idp.issuer', 'http://localhost:4000', local))).toEqual([])
    expect(await problemsOf(changed('resourceAs.trustedIssuers.0.jwksUri', 'http://127.0.0.1/jwks'))).toHaveLength(1)
  })

  it('may hold short secrets in plain when its issuer is this machine', async () => {
    const remote = changed('idp.clients.0.secret', 'secret')
    expect(await problemsOf(remote)).toHaveLength(1)
    expect(await problemsOf(changed('idp.issuer', 'http://127.0.0.1:4000', remote))).toEqual([])
    expect(await problemsOf(changed('idp.issuer', 'http://localhost:4000', remote))).toEqual([])
    expect(await problemsOf(changed('idp.issuer', 'http://[::1]:4000', remote))).toEqual([])
  })

  it('may map subjects pairwise when the secret for it is there', async () => {
    const pairwise = changed('idp.connections.0.subject', 'pairwise')
    expect(await problemsOf(changed('idp.pairwiseSecret', { env: 'PAIRWISE' }, pairwise))).toEqual([])
  })

  it('may ask for nonces in DPoP proofs, and for bound tokens', async () => {
    const bound = changed('resourceAs.resources.0.boundTokens', true)
    const both = changed('resourceAs.dpopNonceSecret', { env: 'PAIRWISE' }, bound)
    expect(await problemsOf(changed('idp.dpopNonceSecret', { env: 'PAIRWISE' }, both))).toEqual([])
    expect((await problemsOf(changed('idp.dpopNonceSecret', 'x'.repeat(64)))).length).toBe(1)
  })

  it('tells all of its problems at once, in the order of the file, and no secret', async () => {
    const config = changed(
      'store',
      'redis',
      changed('idp.clients.0.secret', 'hunter2', changed('idp.issuer', 'http://x', changed('resourceAs.keys', 5))),
    )
    const problems = await problemsOf(config)
    expect(problems.map(({ path }) => path)).toEqual([
      'idp.issuer',
      'idp.clients[0].secret',
      'resourceAs.keys',
      'store',
    ])
    expect(JSON.stringify(problems)).not.toContain('hunter2')
  })

  it('takes the password of a store from the variable alone, and never shows it', async () => {
    const address = 'rediss://xaa:hunter2@cache.acme.example/1'
    expect(await problemsOf(example, { XAA_STORE: address })).toEqual([])
    const inFile = await problemsOf(changed('store', address))
    expect(inFile).toMatchObject([{ path: 'store', remedy: 'give the whole address in XAA_STORE' }])
    expect(JSON.stringify(inFile)).not.toContain('hunter2')
  })

  it('tells the nearest known key for an unknown one', async () => {
    expect(await problemsOf(changed('idp.connections.0.scope', []))).toContainEqual(
      expect.objectContaining({ remedy: 'did you mean "scopes"?' }),
    )
  })

  it('without a role, without content, or without a file is refused with a sentence', async () => {
    expect(await problemsOf('store: memory\n')).toMatchObject([{ message: 'has no role' }])
    expect(await problemsOf('')).toMatchObject([{ message: 'is empty' }])
    expect(await problemsOf('- a\n')).toMatchObject([{ message: 'is not a mapping of keys to values' }])
    await expect(readConfig(join(folder.path, 'none.yaml'), {})).rejects.toMatchObject({
      problems: [{ message: 'does not exist' }],
    })
  })

  it.each([
    ['a key that stands twice', 'store: memory\nstore: memory\n', 'xaa.yaml:2'],
    ['an alias', 'idp: &a [1]\nresourceAs: *a\n', 'xaa.yaml:2'],
    ['an unknown tag', 'store: memory\nidp: !!js/function x\n', 'xaa.yaml:2'],
    ['two documents', 'store: memory\n---\nstore: memory\n', 'xaa.yaml:2'],
    ['a broken bracket', 'store: [memory\n', 'xaa.yaml:2'],
    ['a key called __proto__', 'idp:\n  __proto__: {}\n', 'xaa.yaml:2'],
    ['very deep nesting', `idp: ${'['.repeat(20_000)}`, 'xaa.yaml'],
    ['more than a megabyte', `idp: ${'a'.repeat(1024 * 1024)}`, 'xaa.yaml'],
  ])('with %s is refused at its place', async (_, yaml, place) => {
    expect(await problemsOf(yaml)).toContainEqual(expect.objectContaining({ place }))
  })

  it('with a mapping that is called length where a list belongs is refused at its place', async () => {
    const odd = { length: { toString: [] } }
    expect(await problemsOf(changed('idp.connections.0.signIn.acr', odd))).toMatchObject([
      {
        path: 'idp.connections[0].signIn.acr.length',
        message: 'is not a known key',
        place: expect.stringMatching(/^xaa\.yaml:\d+$/),
      },
    ])
  })

  it('is refused when others may read its private keys', async () => {
    const file = join(folder.path, 'idp.json')
    await chmod(file, 0o640)
    expect(await problemsOf(example)).toMatchObject([
      { path: 'idp.keys', message: 'may be read or written by others (mode 640)', remedy: `chmod 600 ${file}` },
    ])
    await chmod(file, 0o600)
    expect(await problemsOf(example)).toEqual([])
  })

  it('is refused, and never breaks the reader, whatever stands in the place of any value [T85]', async () => {
    const paths = pathsOf(example)
    const anything = fc.oneof(
      fc.constant(null),
      fc.constant([null]),
      fc.constant({}),
      fc.boolean(),
      fc.double({ noNaN: true }),
      fc.string(),
    )
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), anything, async (path, value) => {
        for (const problem of await problemsOf(changed(path, value)))
          expect(problem.message).not.toMatch(/Invalid|undefined|\[object/)
      }),
      { numRuns: 150 },
    )
  })
})

function pathsOf(value: unknown, path: readonly string[] = []): string[] {
  if (typeof value !== 'object' || value === null) return [path.join('.')]
  const inside = Object.entries(value)
    .filter(([key]) => !key.includes('.'))
    .flatMap(([key, part]) => pathsOf(part, [...path, key]))
  return path.length === 0 ? inside : [path.join('.'), ...inside]
}

describe('an environment variable', () => {
  it('takes the place of a value in the file, and problems of it name the variable', async () => {
    const file = await folder.write(example)
    const config = await readConfig(file, {
      ...environment,
      XAA_IDP_LISTEN: '[::1]:9000',
      XAA_RAS_ISSUER: 'https://auth.files.example',
      XAA_AUDIT: 'audit.log',
    })
    expect(config.idp?.listen).toEqual({ host: '::1', port: 9000 })
    expect(config.resourceAs?.issuer).toBe('https://auth.files.example')
    expect(config.audit).toEqual({ file: 'audit.log' })
    expect(await problemsOf(example, { XAA_IDP_ISSUER: 'http://id' })).toMatchObject([
      { path: 'idp.issuer', place: 'XAA_IDP_ISSUER', found: '"http://id"' },
    ])
  })

  it('that is empty counts as absent', async () => {
    expect(await problemsOf(example, { XAA_IDP_ISSUER: '', XAA_STORE: '' })).toEqual([])
  })

  it('makes no role that the file does not have', async () => {
    const problems = await problemsOf(changed('resourceAs', undefined), { XAA_RAS_ISSUER: 'https://auth.chat.example' })
    expect(problems).toMatchObject([{ path: 'resourceAs', place: 'XAA_RAS_ISSUER' }])
  })
})

describe('a secret in a file', () => {
  it('is read without its last line break, and only without that', async () => {
    await writeFile(join(folder.path, 'chat-secret'), `${environment.CHAT_SECRET}\r\n`)
    expect(await problemsOf(example)).toEqual([])
    await writeFile(join(folder.path, 'chat-secret'), `${environment.CHAT_SECRET}\n\n`)
    expect(await problemsOf(example)).toMatchObject([{ path: 'resourceAs.clients[0].secret' }])
    await writeFile(join(folder.path, 'chat-secret'), environment.CHAT_SECRET)
  })
})
