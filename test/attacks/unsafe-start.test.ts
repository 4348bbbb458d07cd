/** What must not be started: each unsafe setting ends `xaa serve` with code 1 and a sentence, beside the same start made safe. */

import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/serve.ts'
import { readConfig } from '../../src/server/config.ts'
import { ConfigError } from '../../src/server/problems.ts'
import { startServers } from '../../src/server/server.ts'
import { networkDiskOf } from '../../src/store/network-disk.ts'
import { printed } from '../cli/printed.ts'
import { serve } from '../cli/serve-process.ts'
import { changed, environment, example, exampleFolder, type Folder, newKey } from '../server/example.ts'

let folder: Folder
beforeAll(async () => {
  folder = await exampleFolder()
  const file = (name: string) => join(folder.path, name)
  const { d: _private, ...publicKey } = await newKey()
  const key = await newKey()
  const keySet = (one: object) => JSON.stringify({ keys: [one] })
  await writeFile(file('open.json'), keySet(key), { mode: 0o644 })
  await writeFile(file('grouped.json'), keySet(key), { mode: 0o640 })
  await writeFile(file('public.json'), keySet(publicKey), { mode: 0o600 })
  await writeFile(file('octets.json'), keySet({ kty: 'oct', k: 'AAAA', alg: 'HS256' }), { mode: 0o600 })
  await writeFile(file('sealed.json'), 'eyJhbGciOiJkaXIifQ..aa.bb.cc', { mode: 0o600 })
  await writeFile(file('client-private.json'), keySet(key), { mode: 0o600 })
  await mkdir(file('elsewhere'))
  await writeFile(file('elsewhere/idp.json'), keySet(key), { mode: 0o600 })
  await symlink('elsewhere/idp.json', file('inside.json'))
  await mkdir(file('keys'))
  await symlink('../elsewhere/idp.json', file('keys/linked.json'))
  await writeFile(file('open-secret'), environment.CHAT_SECRET, { mode: 0o644 })
})
afterAll(() => folder.remove())

const weak = { WEAK: 'changeme-changeme', SAME: 'ab'.repeat(32) }
const header = { header: 'x-client-cert', encoding: 'rfc9440' }

async function start(config: object, variables: object = {}) {
  const io = printed({ ...environment, ...weak, ...variables })
  const code = await run(['--config', await folder.write(config)], io)
  return { code, stderr: io.stderr }
}

describe('xaa serve does not start', () => {
  it('[ATK-137] [G-20] the same file with nothing unsafe in it can be used', async () => {
    await expect(readConfig(await folder.write(example), environment)).resolves.toMatchObject({ workers: 1 })
    for (const name of ['idp.json', 'inside.json'])
      await expect(readConfig(await folder.write(changed('idp.keys', name)), environment)).resolves.toHaveProperty(
        'idp.keys.keys',
      )
  })

  it.each<[what: string, path: string, value: unknown, sentence: string]>([
    ['a key file that everybody may read', 'idp.keys', 'open.json', 'may be read or written by others (mode 644)'],
    ['a key file that a group may read', 'idp.keys', 'grouped.json', 'may be read or written by others (mode 640)'],
    [
      'a key file behind a link out of its folder',
      'idp.keys',
      'keys/linked.json',
      'is a link to a file outside its folder',
    ],
    ['a key file that is encrypted', 'idp.keys', 'sealed.json', 'is encrypted'],
    ['a key file with a public key', 'idp.keys', 'public.json', 'has no private part'],
    ['a key file with a shared secret', 'resourceAs.keys', 'octets.json', 'has no alg of'],
    ['a key file that is missing', 'resourceAs.keys', 'none.json', 'does not exist'],
    ['one key file for both roles', 'resourceAs.keys', './idp.json', 'is the key file of idp'],
    ["private keys as a client's public ones", 'idp.clients.0.jwks', { file: 'client-private.json' }, 'private'],
    ['an http issuer beyond this machine', 'idp.issuer', 'http://id.acme.example', 'must be an https address'],
    ['a foreign http issuer', 'resourceAs.trustedIssuers.0.issuer', 'http://a.example', 'must be an https address'],
    ['a client secret that is short', 'idp.clients.0.secret', { env: 'WEAK' }, 'is shorter than 32 characters'],
    [
      'a client secret of few characters',
      'idp.clients.0.secret',
      { env: 'SAME' },
      'is made of fewer than 8 different characters',
    ],
    [
      'a client secret in the file',
      'idp.clients.0.secret',
      environment.ASSISTANT_SECRET,
      'must not be written into the file',
    ],
    [
      'a client secret in an open file',
      'resourceAs.clients.0.secret',
      { file: 'open-secret' },
      'names the file open-secret, which others may read or write (mode 644)',
    ],
    ['a weak secret for pairwise subjects', 'idp.pairwiseSecret', { env: 'WEAK' }, 'is shorter than 32 characters'],
    ['a weak secret for nonces', 'resourceAs.dpopNonceSecret', { env: 'WEAK' }, 'is shorter than 32 characters'],
    ['a weak token of the administrator', 'admin', { token: { env: 'SAME' } }, 'is made of fewer than 8 different'],
    ['an administrator without a token', 'admin', {}, 'is missing'],
    ['no audit target', 'audit', null, 'must be stdout or { file: path }'],
    ['an audit file without a name', 'audit', { file: '' }, 'must not be empty'],
    ['two instances that forget apart', 'instances', 2, 'lmdb is of one machine, and instances is 2'],
    ['all the world as trusted proxies', 'trustedProxies', ['0.0.0.0/0'], 'is wider than any private network'],
    ['half the world as trusted proxies', 'trustedProxies', ['128.0.0.0/1'], 'is wider than any private network'],
    ['all the world in IPv6', 'trustedProxies', ['::/0'], 'is wider than any private network'],
    ['all of IPv4 written as IPv6', 'trustedProxies', ['::ffff:0:0/96'], 'is wider than any private network'],
    ['every address open to fetches', 'outbound', { allowAddresses: ['0.0.0.0/4'] }, 'is wider than any private'],
    [
      'certificates in a header from anybody',
      'idp.clientCertificates',
      { ...header, from: ['0.0.0.0/0'] },
      'is wider than any private network',
    ],
  ])('[ATK-137] [G-20] %s', async (_what, path, value, sentence) => {
    const { code, stderr } = await start(changed(path, value))
    expect(code).toBe(1)
    expect(stderr).toContain(sentence)
    // The setting is named, and no secret is shown.
    expect(stderr).toContain(path.split('.').at(-1)?.replace(/\d+/, ''))
    for (const secret of [...Object.values(environment), ...Object.values(weak)]) expect(stderr).not.toContain(secret)
  })

  it.each([
    [{ workers: 2 }, 'memory would let each of 2 workers accept the same token'],
    [{ instances: 3 }, 'memory would let each of 3 instances accept the same token'],
  ])('[G-20] several processes, each with a memory of its own: %o', async (processes, sentence) => {
    const { code, stderr } = await start({ ...example, store: 'memory', ...processes })
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(sentence) })
    expect(await readConfig(await folder.write({ ...example, store: 'memory' }), environment)).toMatchObject({
      workers: 1,
    })
  })

  it('[G-20] and all that is unsafe is told at once', async () => {
    const bad = changed('idp.issuer', 'http://id.acme.example', changed('idp.keys', 'open.json'))
    const { code, stderr } = await start({ ...bad, store: 'memory', workers: 2, trustedProxies: ['0.0.0.0/0'] })
    expect(code).toBe(1)
    expect(stderr).toContain('4 problems')
    for (const sentence of ['must be an https', 'mode 644', 'memory would let', 'is wider than'])
      expect(stderr).toContain(sentence)
  })

  it('private networks, a secret that is good, and a file for its owner alone are no problem', async () => {
    const ranges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.7.1/32', 'fc00::/7', '2001:db8::/48', '::ffff:a00:0/104']
    await chmod(join(folder.path, 'open-secret'), 0o600)
    const config = changed('resourceAs.clients.0.secret', { file: 'open-secret' })
    const read = await readConfig(await folder.write({ ...config, trustedProxies: ranges }), environment)
    expect(read.trustedProxies).toEqual(ranges)
    await chmod(join(folder.path, 'open-secret'), 0o644)
  })

  it('weak and open secrets are for local work alone', async () => {
    const local = changed('resourceAs.issuer', 'http://127.0.0.1:4001', { resourceAs: example.resourceAs })
    const config = changed('resourceAs.clients.0.secret', { file: 'open-secret' }, local)
    await expect(readConfig(await folder.write(config), environment)).resolves.toHaveProperty('resourceAs')
    await expect(
      readConfig(await folder.write(changed('resourceAs.clients.0.secret', 'short', local)), environment),
    ).resolves.toHaveProperty('resourceAs')
    await expect(
      readConfig(await folder.write(changed('idp.clients.0.secret', 'short')), environment),
    ).rejects.toBeInstanceOf(ConfigError)
  })
})

describe('a start that only then turns out unsafe', () => {
  const running = async (config: object) =>
    await startServers(await readConfig(await folder.write(config), environment), {
      stdout: process.stdout,
      log: () => {},
    })

  it('[ATK-137] [G-20] an audit target that cannot be written ends it, and nothing listens', async () => {
    const audit = { file: join('no-such-folder', 'audit.jsonl') }
    await expect(running({ ...example, store: 'memory', audit })).rejects.toMatchObject({
      name: 'StartError',
      message: expect.stringMatching(/^audit\.file: .*audit\.jsonl cannot be opened for writing \(ENOENT\)/),
    })
  })

  it('[ATK-137] [G-20] a store that others may read ends it', async () => {
    await mkdir(join(folder.path, 'shared'), { mode: 0o755 })
    await expect(running({ ...example, store: { lmdb: 'shared' } })).rejects.toMatchObject({
      name: 'StartError',
      message: expect.stringMatching(/^store: others may read the directory .*shared\. Run chmod 700/),
    })
  })

  it('[G-20] a network disk is known by what the system says of it, and a disk of this machine is none', async () => {
    const on = (type: number, platform = 'linux') => networkDiskOf('/state', { platform, kindOf: async () => type })
    expect(await on(0x6969)).toBe('NFS')
    expect(await on(0xff534d42)).toBe('CIFS')
    expect(await on(0xff534d42 | 0)).toBe('CIFS')
    expect(await on(0xef53)).toBeUndefined()
    expect(await on(0x6969, 'darwin')).toBeUndefined()
    expect(await networkDiskOf(folder.path)).toBeUndefined()
  })

  it('[ATK-137] [G-20] the process itself ends with code 1, and says why on standard error', async () => {
    const { ended, output } = serve(['--config', await folder.write(changed('idp.keys', 'open.json'))])
    expect(await ended).toEqual([1, null])
    expect(output.stderr).toContain('may be read or written by others (mode 644)')
    expect(output.stdout).toBe('')
  })
})
