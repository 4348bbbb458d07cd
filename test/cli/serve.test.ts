import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/serve.ts'
import { xaa } from '../fixture/shipped.ts'
import { changed, environment, example, exampleFolder, type Folder } from '../server/example.ts'
import { printed } from './printed.ts'

let folder: Folder
beforeAll(async () => {
  folder = await exampleFolder()
})
afterAll(() => folder.remove())

async function serve(args: string[], env: NodeJS.ProcessEnv = environment) {
  const io = printed(env)
  const code = await run(args, io)
  return { code, stdout: io.stdout, stderr: io.stderr }
}

describe('xaa serve --check', () => {
  it('accepts a file that can be used, and says what it makes', async () => {
    const file = await folder.write({ ...example, trustedProxies: ['10.0.0.0/24'] })
    expect(await serve(['--check', '--config', file])).toEqual({
      code: 0,
      stdout: `${file} can be used: identity provider https://id.acme.example, 1 connection; resource authorization server https://auth.chat.example, 1 trusted issuer.\n`,
      stderr: '',
    })
    expect(JSON.parse((await serve(['--check', '--json', '--config', file])).stdout)).toEqual({
      ok: true,
      problems: [],
      warnings: [],
    })
  })

  it('warns of what can be used and is open without need, and accepts it all the same', async () => {
    const file = await folder.write(example)
    expect(await serve(['--check', '--config', file])).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^warning: trustedProxies: is empty.*\n$/),
    })
    expect(JSON.parse((await serve(['--check', '--json', '--config', file])).stdout)).toMatchObject({
      ok: true,
      warnings: [expect.stringMatching(/^trustedProxies: is empty/)],
    })
  })

  it('prints the problems of one that cannot, with code 1', async () => {
    const file = await folder.write(changed('idp.issuer', 'http://id.acme.example'))
    const { code, stdout, stderr } = await serve(['--check', '--config', file])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(
      /^The configuration cannot be used: 1 problem\.\n\n {2}idp\.issuer {2}must be an https address {2}xaa\.yaml:2/,
    )
    const json = await serve(['--check', '--json', '--config', file])
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({
      ok: false,
      problems: [{ path: 'idp.issuer', place: 'xaa.yaml:2' }],
    })
  })

  it('finds the file by XAA_CONFIG', async () => {
    const file = await folder.write(example)
    expect(await serve(['--check'], { ...environment, XAA_CONFIG: file })).toMatchObject({ code: 0 })
    expect(await serve(['--check'], { ...environment, XAA_CONFIG: join(dirname(file), 'none.yaml') })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('does not exist'),
    })
  })

  it('says how it is used when it does not understand', async () => {
    expect(await serve(['--chekc'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('xaa serve [--config FILE]'),
    })
    expect(await serve(['more'])).toMatchObject({ code: 2 })
    expect(await serve(['--help'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('xaa serve [--config FILE]'),
    })
  })
})

describe('xaa serve', () => {
  let child: ChildProcess | undefined
  afterEach(() => child?.kill('SIGKILL'))

  function start(file: string) {
    const started = spawn(process.execPath, [xaa, 'serve', '--config', file], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = started
    const output = { stdout: '', stderr: '' }
    started.stdout.on('data', (chunk) => {
      output.stdout += chunk
    })
    started.stderr.on('data', (chunk) => {
      output.stderr += chunk
    })
    return { started, output }
  }

  it.each(['SIGTERM', 'SIGINT'] as const)(
    'tells where it listens, answers there, and ends by %s with code 0',
    async (signal) => {
      const alone = changed('resourceAs', undefined, changed('idp.listen', '127.0.0.1:0'))
      const file = await folder.write({ ...alone, shutdown: { delay: 0 } })
      const { started, output } = start(file)
      while (!/listens +http/.test(output.stderr)) await once(started.stderr, 'data')
      const address = /listens +(\S+)/.exec(output.stderr)?.[1]
      while (!/store +/.test(output.stderr)) await once(started.stderr, 'data')
      expect(output.stderr).toContain(`state\n  store     lmdb ${join(dirname(file), 'state')}\n`)
      expect(output.stderr).toContain('issuer    https://id.acme.example')
      expect(output.stderr).toContain('metadata  https://id.acme.example/.well-known/oauth-authorization-server')
      const refused = await fetch(`${address}/token`, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'x' }),
      })
      expect(refused.status).toBe(401)
      started.kill(signal)
      expect(await once(started, 'close')).toEqual([0, null])
      expect(
        output.stdout
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ).toMatchObject([
        { opened: 'start' },
        { role: 'idp', outcome: 'refused', error: 'invalid_client' },
        { closed: true },
      ])
    },
  )

  it('does not start on an address that is taken, and ends with code 1 and a sentence', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const { started, output } = start(await folder.write(changed('idp.listen', `127.0.0.1:${port}`)))
    expect(await once(started, 'close')).toEqual([1, null])
    expect(output.stderr).toContain(`idp.listen: cannot listen on 127.0.0.1:${port}: another process listens there.`)
    taken.close()
  })
})
