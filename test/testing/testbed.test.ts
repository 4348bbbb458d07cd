/** The test bed as a command: its published file, its ID Tokens on the command line, and its end. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt, type JWK } from 'jose'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { run } from '../../src/cli/testbed.ts'
import { TestbedFile } from '../../src/testing/testbed-file.ts'
import { basic, postForm } from './flow.ts'

const root = new URL('../..', import.meta.url).pathname
const tsx = [process.execPath, '--import', 'tsx'] as const
let folder = ''
let file = ''
let testbed: ChildProcess
let printed = ''
let bed: TestbedFile

function start(...args: string[]): ChildProcess {
  const [node, ...options] = tsx
  return spawn(node, [...options, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
}

async function finished(child: ChildProcess): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', '']
  child.stdout?.on('data', (text) => {
    out += text
  })
  child.stderr?.on('data', (text) => {
    err += text
  })
  const [code] = (await once(child, 'close')) as [number]
  return { code, out, err }
}

const idToken = (...args: string[]) => finished(start('scripts/id-token.ts', ...args))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xaa-testbed-'))
  file = join(folder, 'testbed.json')
  testbed = start('src/bin.ts', 'testbed', '--out', file)
  for await (const text of testbed.stderr ?? []) {
    printed += text
    if (printed.includes('\n')) break
  }
  bed = TestbedFile.parse(JSON.parse(await readFile(file, 'utf8')))
})

afterAll(async () => {
  testbed.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true })
})

describe('the file', () => {
  it('has the published format, and nobody else may read it', async () => {
    expect(printed).toBe(`xaa testbed: ready, and ${file} says where everything is; SIGTERM stops it\n`)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(bed.resourceAs.map(({ name }) => name)).toEqual(['chat', 'files'])
    expect(bed.resource).toMatchObject({ tool: 'whoami', scopes: ['chat.read', 'chat.write'] })
    expect(bed.clients.map(({ name }) => name)).toEqual(['assistant', 'notebook'])
    expect(bed.users.map(({ name, disabled }) => [name, disabled ?? false])).toEqual([
      ['alice', false],
      ['bob', false],
      ['carol', false],
      ['mallory', true],
    ])
  })

  it('names private keys that are there, for the issuers and for the client that signs', async () => {
    const [assistant, notebook] = bed.clients
    const files = [
      bed.idp.signingKeyFile,
      bed.upstream.signingKeyFile,
      assistant?.idp.jwkFile ?? '',
      assistant?.resourceAs.jwkFile ?? '',
    ]
    for (const path of files) {
      expect((await stat(path)).mode & 0o777).toBe(0o600)
      const { keys } = JSON.parse(await readFile(path, 'utf8')) as { keys: JWK[] }
      expect(keys.map(({ d, kid }) => [typeof d, typeof kid])).toContainEqual(['string', 'string'])
    }
    expect(notebook?.idp).not.toHaveProperty('jwkFile')
    expect(notebook?.resourceAs).not.toHaveProperty('jwkFile')
  })

  it('names addresses that answer', async () => {
    const status = async (url: string, init: RequestInit = {}) => (await fetch(url, init)).status
    for (const { issuer } of [bed.idp, bed.upstream])
      expect(await status(`${issuer}/.well-known/openid-configuration`)).toBe(200)
    for (const { issuer, tokenEndpoints } of bed.resourceAs) {
      expect(await status(`${issuer}/.well-known/oauth-authorization-server`)).toBe(200)
      for (const endpoint of tokenEndpoints) expect((await postForm(endpoint, {})).body.error).toBe('invalid_request')
    }
    expect((await postForm(bed.idp.tokenEndpoint, {})).body).toHaveProperty('error')
    expect(await status(bed.resource.url, { method: 'POST' })).toBe(401)
    const headers = { authorization: `Bearer ${bed.admin.token}` }
    expect(await status(`${bed.admin.url}/connections`, { headers })).toBe(200)
  })
})

describe('an ID Token on the command line', () => {
  it.each(['idp', 'upstream'] as const)('of the issuer %s is taken as a subject token', async (issuer) => {
    const { code, out, err } = await idToken(
      ...['--file', file, '--user', 'alice', '--client', 'assistant', '--issuer', issuer],
    )
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    const [assistant] = bed.clients
    expect(decodeJwt(out)).toMatchObject({ iss: bed[issuer].issuer, aud: assistant?.idp.id, sub: bed.users[0]?.sub })
    const { status } = await postForm(
      bed.idp.tokenEndpoint,
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
        subject_token: out.trim(),
        subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
        audience: bed.resourceAs[0]?.issuer ?? '',
      },
      basic(assistant?.idp ?? { id: '', secret: '' }),
    )
    expect(status).toBe(200)
  })

  it('takes claims and leaves claims out', async () => {
    const claims = JSON.stringify({ acr: 'high', email: null, exp: 1 })
    const { out } = await idToken('--file', file, '--user', 'bob', '--client', 'notebook', '--claims', claims)
    expect(decodeJwt(out)).toMatchObject({ acr: 'high', exp: 1 })
    expect(decodeJwt(out)).not.toHaveProperty('email')
  })

  it('prints nothing but a sentence when something is wrong', async () => {
    const right = ['--file', file, '--user', 'alice', '--client', 'assistant']
    const wrong = [
      [['--user', 'alice', '--client', 'assistant'], '--file, --user and --client are required'],
      [[...right, '--user', 'nobody'], '--user must be one of alice, bob, carol, mallory, and is nobody'],
      [[...right, '--issuer', 'other'], '--issuer must be idp or upstream'],
      [[...right, '--claims', '[]'], '--claims must be a JSON object'],
      [[...right, '--file', join(folder, 'nothing')], 'a running test bed writes it'],
    ] as const
    for (const [args, sentence] of wrong) {
      const { code, out, err } = await idToken(...args)
      expect([code, out]).toEqual([2, ''])
      expect(err).toContain(sentence)
    }
  })
})

describe('options', () => {
  const answer = async (...args: string[]) => {
    let text = ''
    const say = (more: string) => {
      text += more
    }
    const code = await run(args, { out: say, err: say, env: {} })
    return { code, text }
  }

  it.each([
    [['--store', 'disk'], '--store must be memory, lmdb, redis://…'],
    [['--store', 'redis+sentinel://127.0.0.1'], '--store must end with the name that the Sentinels give the primary'],
    [['--port', '70000'], '--port must be a number from 1 to 65530'],
    [['--port', '65530', '--store', 'lmdb', '--instances', '2'], '--port must be a number from 1 to 65528'],
    [['--workers', 'many'], '--workers must be a number from 1 to 64'],
    [['--instances', '51', '--store', 'lmdb'], '--instances must be a number from 1 to 50'],
    [['--colour'], "Unknown option '--colour'"],
  ])('%j ends with 2 and says why', async (options, sentence) => {
    const { code, text } = await answer('--out', join(folder, 'never.json'), ...options)
    expect(code).toBe(2)
    expect(text).toContain(`xaa testbed: ${sentence}`)
    expect(existsSync(join(folder, 'never.json'))).toBe(false)
  })

  it('--out is required, and its folder must be there', async () => {
    expect(await answer()).toMatchObject({ code: 2, text: expect.stringContaining('--out FILE is required') })
    const nowhere = await answer('--out', join(folder, 'no', 'such', 'folder.json'))
    expect(nowhere).toMatchObject({ code: 1, text: expect.stringContaining('folder.json cannot be written (ENOENT)') })
  })

  it('a port that is taken is named', async () => {
    const port = String(new URL(bed.idp.issuer).port)
    const taken = await answer('--out', join(folder, 'never.json'), '--port', port)
    expect(taken).toMatchObject({ code: 1, text: expect.stringContaining(`port ${port} of 127.0.0.1 cannot be used`) })
  })

  it('an older file is replaced in one step', async () => {
    const older = join(folder, 'older.json')
    await writeFile(older, 'something else')
    const child = start('src/bin.ts', 'testbed', '--out', older)
    const done = finished(child)
    await once(child.stderr ?? child, 'data')
    expect(TestbedFile.safeParse(JSON.parse(await readFile(older, 'utf8'))).success).toBe(true)
    child.kill('SIGINT')
    expect((await done).code).toBe(0)
  })
})

it('SIGTERM ends it with 0, closes its ports and deletes its keys', async () => {
  expect(existsSync(bed.idp.signingKeyFile)).toBe(true)
  testbed.kill('SIGTERM')
  expect(await once(testbed, 'exit')).toEqual([0, null])
  expect(existsSync(bed.idp.signingKeyFile)).toBe(false)
  await expect(fetch(bed.idp.issuer)).rejects.toThrow('fetch failed')
})

it('SIGTERM to npm run ends it too, although npm keeps the signal for itself', async () => {
  const other = join(folder, 'through-npm.json')
  const npm = spawn('npm', ['run', '-s', 'testbed', '--', '--out', other], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  for await (const text of npm.stderr) if (String(text).includes('ready')) break
  const { idp } = TestbedFile.parse(JSON.parse(await readFile(other, 'utf8')))
  expect((await fetch(`${idp.issuer}/jwks`)).status).toBe(200)
  npm.kill('SIGTERM')
  await vi.waitFor(() => expect(fetch(`${idp.issuer}/jwks`)).rejects.toThrow('fetch failed'), { timeout: 20_000 })
  await vi.waitFor(() => expect(existsSync(idp.signingKeyFile)).toBe(false), { timeout: 20_000 })
})
