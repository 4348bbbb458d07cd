/** The server with TLS of its own, and behind a proxy that ends it: which certificates count, and which configurations are refused. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, copyFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { grantType, tokenType } from '../../src/protocol/names.ts'
import { readConfig } from '../../src/server/config.ts'
import { systemPorts } from '../../src/server/ports.ts'
import { ConfigError, type Problem } from '../../src/server/problems.ts'
import { type RunningServers, startServers } from '../../src/server/server.ts'
import { followTlsFiles, readTlsFiles } from '../../src/server/tls-files.ts'
import { type CertificateName, callOverTls, certificateNamed, headerOf, pemOf } from '../fixture/certificates.ts'
import { claimsOf } from '../fixture/tokens.ts'
import { openUpstream } from './deployment.ts'
import { changed, environment, example, exampleFolder, type Folder } from './example.ts'

const certificate = certificateNamed('client')
const other = certificateNamed('other')
const branches = { 'mtls-cnf-binding': true }

let folder: Folder
beforeAll(async () => {
  folder = await exampleFolder()
  await copyCertificates(folder.path)
})
afterAll(() => folder.remove())

/** The server's and another one, with keys that their owner alone may read. */
async function copyCertificates(path: string, names: readonly CertificateName[] = ['server', 'other']): Promise<void> {
  for (const name of names) {
    await writeFile(join(path, `${name}.pem`), pemOf(name))
    await writeFile(join(path, `${name}.key.pem`), pemOf(`${name}.key`), { mode: 0o600 })
  }
  await writeFile(join(path, 'authority.pem'), pemOf('authority'))
}

const files = { cert: { file: 'server.pem' }, key: { file: 'server.key.pem' } }
const asking = { ...files, clientCertificates: 'optional' }
const proxy = { header: 'x-client-cert', encoding: 'pem-urlencoded', from: ['127.0.0.1/32'] }

describe('the whole flow', () => {
  const log: string[] = []
  let upstream: Awaited<ReturnType<typeof openUpstream>>
  let running: RunningServers
  let home: Folder
  beforeAll(async () => {
    home = await exampleFolder()
    await copyCertificates(home.path)
    upstream = await openUpstream()
    const config = JSON.parse(
      JSON.stringify({
        ...example,
        // One ends TLS itself, in front of the other stands a proxy.
        idp: { ...example.idp, listen: '127.0.0.1:0', tls: asking, branches },
        resourceAs: { ...example.resourceAs, listen: '127.0.0.1:0', clientCertificates: proxy, branches },
        store: 'memory',
        shutdown: { delay: 0 },
      })
        .replaceAll('https://id.acme.example', 'https://127.0.0.1:4000')
        .replaceAll('https://auth.chat.example', 'https://127.0.0.1:4001')
        .replaceAll('https://login.example.com/tenant/v2.0', upstream.login)
        .replaceAll('"acr":["strong"],', ''),
    )
    running = await startServers(await readConfig(await home.write(config), environment), {
      stdout: new PassThrough().resume(),
      log: (line) => log.push(line),
      portsOver: (audit, store, issuer) => ({ ...systemPorts(audit, store, issuer), fence: () => 0 }),
    })
  })
  afterAll(async () => {
    await running.close()
    await upstream.close()
    await home.remove()
  })
  const origin = (at: number) => running.roles[at]?.listens ?? ''

  const exchange = async (shown?: typeof certificate) =>
    await callOverTls(origin(0), {
      certificate: shown,
      form: {
        grant_type: grantType.tokenExchange,
        requested_token_type: tokenType.idJag,
        audience: 'https://127.0.0.1:4001',
        subject_token: await upstream.idToken(),
        subject_token_type: tokenType.idToken,
        scope: 'chat.read',
      },
      headers: { authorization: `Basic ${btoa(`assistant:${environment.ASSISTANT_SECRET}`)}` },
    })

  it('[FL-MTLS-01] binds an ID-JAG to the certificate of the connection, over HTTPS', async () => {
    expect(origin(0)).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    expect(origin(1)).toMatch(/^http:/)
    const answer = await exchange(certificate)
    expect([answer.statusCode, answer.body]).toMatchObject([200, { token_type: 'N_A' }])
    expect(claimsOf(String(answer.body.access_token)).cnf).toEqual({ 'x5t#S256': certificate.thumbprint })
    expect(claimsOf(String((await exchange()).body.access_token))).not.toHaveProperty('cnf')
    const metadata = await callOverTls(origin(0), { path: '/.well-known/oauth-authorization-server' })
    expect(metadata.body).toMatchObject({ tls_client_certificate_bound_access_tokens: true })
    const probe = await callOverTls(origin(0), { path: '/health/live' })
    expect(probe.statusCode).toBe(200)
  })

  it('[MT-05] has the certificates from the header of its proxy where it is told so', async () => {
    const announced = await fetch(`${origin(1)}/.well-known/oauth-authorization-server`)
    expect(await announced.json()).toMatchObject({ tls_client_certificate_bound_access_tokens: true })
    const ask = async (header: string) =>
      await fetch(`${origin(1)}/token`, {
        method: 'POST',
        headers: { 'x-client-cert': header },
        body: new URLSearchParams({
          grant_type: grantType.jwtBearer,
          assertion: 'x',
          client_id: 'assistant-at-chat',
          client_secret: environment.CHAT_SECRET,
        }),
      }).then((answer) => answer.json())
    expect(await ask('nonsense')).toMatchObject({ error: 'invalid_request' })
    expect(await ask(headerOf(certificate, 'pem-urlencoded'))).toMatchObject({ error: 'invalid_grant' })
  })

  it('speaks TLS 1.2 and newer, and lets nobody change certificates in the middle of a connection', async () => {
    const { hostname: host, port } = new URL(origin(0))
    const open = (versions: object): TLSSocket =>
      connect({ host, port: Number(port), ca: pemOf('server'), ...versions })
    const old = open({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
    await expect(once(old, 'secureConnect')).rejects.toThrow()
    const socket = open({ maxVersion: 'TLSv1.2' })
    await once(socket, 'secureConnect')
    const refused = await new Promise<Error | null>((resolve) => {
      socket.on('error', resolve)
      socket.renegotiate({}, resolve)
    })
    expect(refused).toBeInstanceOf(Error)
    socket.destroy()
  })

  it('takes a renewed certificate from its files', async () => {
    const shown = async () => {
      const { hostname: host, port } = new URL(origin(0))
      const socket = connect({ host, port: Number(port), rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      const subject = socket.getPeerX509Certificate()?.subject
      socket.destroy()
      return subject
    }
    expect(await shown()).toBe('CN=server')
    for (const [from, to] of [
      ['other.key.pem', 'server.key.pem'],
      ['other.pem', 'server.pem'],
    ] as const) {
      await copyFile(join(home.path, from), join(home.path, 'new'))
      await rename(join(home.path, 'new'), join(home.path, to))
    }
    await expect.poll(shown, { timeout: 15_000, interval: 200 }).toBe('CN=other')
  })
})

describe('files that are followed', () => {
  it('stay in use as they were while the new ones are not good', async () => {
    await copyCertificates(folder.path)
    const paths = { cert: join(folder.path, 'server.pem'), key: join(folder.path, 'server.key.pem') }
    const used: string[] = []
    const warnings: string[] = []
    const followed = followTlsFiles(paths, {
      use: ({ cert }) => used.push(cert),
      warn: (message) => warnings.push(message),
    })
    await followed.look()
    await writeFile(paths.cert, other.cert)
    await followed.look()
    await followed.look()
    expect(used).toEqual([pemOf('server')])
    expect(warnings).toEqual([`${paths.key} is not the key of ${paths.cert}; the certificate of before stays in use`])
    await writeFile(paths.key, other.key)
    await followed.look()
    expect(used).toEqual([pemOf('server'), other.cert])
    followed.close()
    await copyCertificates(folder.path)
    await followed.look()
    expect(used).toHaveLength(2)
  })
})

async function problemsOf(config: unknown): Promise<readonly Problem[]> {
  try {
    await readConfig(await folder.write(config), environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('a configuration', () => {
  const withAll = (change: object) => ({ ...example, idp: { ...example.idp, ...change } })

  it.each([
    ['TLS without certificates of clients', { tls: files }],
    ['TLS that asks for them', { tls: asking, branches }],
    ['TLS that asks for those of an authority', { tls: { ...asking, clientCa: { file: 'authority.pem' } }, branches }],
    ['a proxy', { clientCertificates: proxy, branches }],
    ['a proxy in front of TLS', { tls: files, clientCertificates: proxy, branches }],
    ['another origin for them', { clientCertificates: proxy, mtlsOrigin: 'https://mtls.acme.example', branches }],
  ])('with %s can be used', async (_, change) => {
    expect(await problemsOf(withAll(change))).toEqual([])
  })

  it.each<[string, object, string, string]>([
    [
      'a branch without a source',
      { branches },
      'idp.branches.mtls-cnf-binding',
      'is on, and no certificate is ever seen',
    ],
    [
      'a source without the branch',
      { tls: asking },
      'idp.tls.clientCertificates',
      'asks for certificates that mean nothing',
    ],
    [
      'a header without the branch',
      { clientCertificates: proxy },
      'idp.clientCertificates',
      'asks for certificates that mean nothing',
    ],
    [
      'two sources',
      { tls: asking, clientCertificates: proxy, branches },
      'idp.clientCertificates',
      'is a second source of certificates',
    ],
    [
      'an authority for nothing',
      { tls: { ...files, clientCa: { file: 'authority.pem' } } },
      'idp.tls.clientCa',
      'is for certificates that are not asked for',
    ],
    [
      'an origin for nothing',
      { mtlsOrigin: 'https://mtls.acme.example' },
      'idp.mtlsOrigin',
      'is an address where certificates would be seen',
    ],
    [
      'an origin with a slash',
      { tls: asking, branches, mtlsOrigin: 'https://mtls.acme.example/' },
      'idp.mtlsOrigin',
      'must be an https origin',
    ],
    [
      'a header in capitals',
      { branches, clientCertificates: { ...proxy, header: 'X-Client-Cert' } },
      'idp.clientCertificates.header',
      'must be the name of a header in lower case',
    ],
    [
      'a header of ours',
      { branches, clientCertificates: { ...proxy, header: 'dpop' } },
      'idp.clientCertificates.header',
      'is a header with another meaning',
    ],
    ['no proxy', { branches, clientCertificates: { ...proxy, from: [] } }, 'idp.clientCertificates.from', ''],
    [
      'a proxy that is no range',
      { branches, clientCertificates: { ...proxy, from: ['127.0.0.1'] } },
      'idp.clientCertificates.from[0]',
      'must be an address range',
    ],
    [
      'no such file',
      { tls: { ...files, cert: { file: 'none.pem' } } },
      'idp.tls',
      'names as cert the file none.pem, which does not exist',
    ],
    [
      'a folder',
      { tls: { ...files, cert: { file: '.' } } },
      'idp.tls',
      'names as cert the file ., which cannot be read (EISDIR)',
    ],
    [
      'no certificate',
      { tls: { ...files, cert: { file: 'server.key.pem' } } },
      'idp.tls',
      'names as cert the file server.key.pem, which holds no certificate in PEM',
    ],
    [
      'no key',
      { tls: { ...files, key: { file: 'chat-secret' } } },
      'idp.tls',
      'names as key the file chat-secret, which holds no private key in PEM, or an encrypted one',
    ],
    [
      'another key',
      { tls: { ...files, key: { file: 'other.key.pem' } } },
      'idp.tls',
      'names as key the file other.key.pem, which is not the key of',
    ],
    [
      'no authority',
      { tls: { ...asking, clientCa: { file: 'chat-secret' } }, branches },
      'idp.tls',
      'names as clientCa the file chat-secret, which holds no certificate in PEM',
    ],
  ])('with %s is refused', async (_, change, path, message) => {
    await copyCertificates(folder.path)
    await chmod(join(folder.path, 'chat-secret'), 0o600)
    const problems = await problemsOf(withAll(change))
    expect(problems.map((one) => one.path)).toEqual([path])
    expect(problems[0]?.message).toContain(message)
  })

  it.skipIf(process.platform === 'win32')('with a key that others may read is refused', async () => {
    const key = join(folder.path, 'server.key.pem')
    await chmod(key, 0o640)
    expect(await problemsOf(withAll({ tls: files }))).toMatchObject([
      { path: 'idp.tls', message: expect.stringContaining('may be read or written by others (mode 640)') },
    ])
    await chmod(key, 0o600)
    await expect(readTlsFiles({ cert: join(folder.path, 'server.pem'), key })).resolves.toMatchObject({})
  })

  it('[DP-06] may say of a client that its tokens are bound', async () => {
    const config = await readConfig(
      await folder.write(changed('resourceAs.clients.0.boundTokens', 'dpop')),
      environment,
    )
    expect(config.resourceAs?.clients[0]?.boundTokens).toBe('dpop')
    expect(await problemsOf(changed('resourceAs.clients.0.boundTokens', true))).toMatchObject([
      { path: 'resourceAs.clients[0].boundTokens' },
    ])
  })

  it('may be as the documentation shows it', async () => {
    const text = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8')
    const shown = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml = '']) => parse(yaml) as object)
    const ours = shown.filter((one) => 'tls' in one || 'clientCertificates' in one)
    expect(ours).toHaveLength(2)
    for (const change of ours) expect(await problemsOf(withAll(change))).toEqual([])
  })

  it('does not count where its certificate is into its policy', async () => {
    const versionOf = async (config: object) =>
      (await readConfig(await folder.write(config), environment)).policyVersion
    expect(await versionOf(withAll({ tls: files }))).toBe(await versionOf(example))
  })
})
