/** `xaa audit`: verify, tail and query, over files that a real audit wrote. */

import { spawn } from 'node:child_process'
import { appendFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { main } from '../../src/cli/commands.ts'
import type { AuditEvent } from '../../src/protocol/ports.ts'
import { fileAudit } from '../../src/server/audit.ts'
import { xaa as executable } from '../fixture/shipped.ts'
import { auditEvent } from '../server/audit-event.ts'
import { printed } from './printed.ts'

const events: Partial<AuditEvent>[] = [
  {
    at: 1_800_000_000,
    correlationId: 'c-1',
    subject: 'alice',
    account: 'a-1',
    tokenId: 'jag-1',
    issuedTokenId: 'at-1',
  },
  {
    at: 1_800_000_060,
    correlationId: 'c-2',
    subject: 'bob',
    client: 'notebook-at-chat',
    issuer: 'https://id.acme.example',
  },
  {
    at: 1_800_000_120,
    correlationId: 'c-3',
    action: 'exchange',
    outcome: 'refused',
    reason: 'target_unknown',
    error: 'invalid_target',
    detail: 'no connection',
    clientThere: 'notebook-at-chat',
    resource: ['https://api.chat.example', 'https://api.files.example'],
  },
  {
    at: 1_800_000_180,
    correlationId: 'c-4',
    outcome: 'refused',
    reason: 'replay',
    audience: 'https://auth.chat.example',
  },
]

let folder: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xaa-audit-'))
  file = await written('audit.log')
})
afterAll(() => rm(folder, { recursive: true }))

async function written(name: string, changes: Partial<AuditEvent>[] = events): Promise<string> {
  const path = join(folder, name)
  const audit = await fileAudit(path, { instance: 'one', now: () => 1_800_000_000, warn: () => {}, deadline: 20_000 })
  for (const change of changes) await audit.record(auditEvent(change))
  await audit.close()
  return path
}

async function xaa(args: string[], env: NodeJS.ProcessEnv = {}) {
  const io = printed(env)
  const code = await main(['audit', ...args], io)
  return { code, stdout: io.stdout, stderr: io.stderr }
}

describe('xaa audit verify', () => {
  it('says that an audit is intact, with code 0', async () => {
    expect(await xaa(['verify', file])).toEqual({
      code: 0,
      stdout: 'intact: 6 lines of 1 instance, 0 problems\n',
      stderr: '',
    })
    const { code, stdout } = await xaa(['verify', file, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      intact: true,
      lines: 6,
      instances: [{ instance: 'one', first: 1, last: 6, head: expect.any(String), closed: true }],
      problems: [],
      notes: [],
      unlisted: 0,
    })
  })

  it('names file, line and fault of a broken one, with code 1', async () => {
    const broken = join(folder, 'broken.log')
    await writeFile(broken, (await readFile(file, 'utf8')).replace('"bob"', '"eve"'))
    expect(await xaa(['verify', broken])).toEqual({
      code: 1,
      stdout: `broken  ${broken}:4: instance one: line 4 does not fit line 3 before it: one of the two was changed
BROKEN: 6 lines of 1 instance, 1 problem
`,
      stderr: '',
    })
    const json = await xaa(['verify', '--json', file, broken])
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({
      intact: false,
      problems: expect.arrayContaining([{ file: broken, line: 4, says: expect.any(String) }]),
    })
  })

  it('says where a line was cut short and which instance has no end, with code 0', async () => {
    const torn = join(folder, 'torn.log')
    const text = await readFile(file, 'utf8')
    await writeFile(torn, text.slice(0, text.lastIndexOf('{"at"') + 30))
    expect(await xaa(['verify', torn])).toEqual({
      code: 0,
      stdout: `note    ${torn}:6: 30 bytes of a line that was cut short
note    1 instance without a closing line: still running, or killed
intact: 5 lines of 1 instance, 0 problems
`,
      stderr: '',
    })
  })

  it('says why a file cannot be read, with code 1', async () => {
    expect(await xaa(['verify', join(folder, 'none.log')])).toEqual({
      code: 1,
      stdout: '',
      stderr: `xaa audit: ${join(folder, 'none.log')} cannot be read (ENOENT)\n`,
    })
    expect(await xaa(['verify', folder])).toMatchObject({ code: 1, stderr: expect.stringContaining('(EISDIR)') })
  })
})

describe('the file that xaa audit takes when none is named', () => {
  it('is that of the configuration, whose secrets it does not need', async () => {
    const config = join(folder, 'xaa.yaml')
    await writeFile(config, 'idp: { pairwiseSecret: { env: NOT_SET } }\naudit: { file: audit.log }\n')
    const { stdout } = await xaa(['verify', file])
    expect(await xaa(['verify', '--config', config])).toMatchObject({ code: 0, stdout })
    expect(await xaa(['verify'], { XAA_CONFIG: config })).toMatchObject({ code: 0, stdout })
    const elsewhere = await xaa(['tail', '--config', config], { XAA_AUDIT: 'elsewhere.log' })
    expect(elsewhere).toMatchObject({
      code: 1,
      stderr: `xaa audit: ${join(folder, 'elsewhere.log')} cannot be read (ENOENT)\n`,
    })
  })

  it('must be named when the configuration names none, or cannot be read', async () => {
    const config = join(folder, 'stdout.yaml')
    await writeFile(config, 'audit: stdout\n')
    expect(await xaa(['query', '--config', config])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('writes the audit to standard output: name the FILE'),
    })
    await writeFile(config, 'audit: [\n')
    expect(await xaa(['query', '--config', config])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot be read as a configuration'),
    })
    expect(await xaa(['query', '--config', join(folder, 'none.yaml')])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('none.yaml cannot be read (ENOENT): name the audit FILE'),
    })
  })
})

describe('xaa audit query', () => {
  const found = async (...args: string[]) => {
    const { code, stdout } = await xaa(['query', file, '--json', ...args])
    const ids =
      stdout.trim() === ''
        ? []
        : stdout
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line).correlationId)
    expect(code).toBe(ids.length === 0 ? 1 : 0)
    return ids
  }

  it.each([
    ['every event, and no line of an instance itself', [], ['c-1', 'c-2', 'c-3', 'c-4']],
    ['a user by the subject', ['--user', 'bob'], ['c-2']],
    ['a user by the account', ['--user', 'a-1'], ['c-1']],
    ['a client at either side', ['--client', 'notebook-at-chat'], ['c-2', 'c-3']],
    ['an authorization server', ['--audience', 'https://auth.chat.example'], ['c-4']],
    ['one of several resources', ['--audience', 'https://api.files.example'], ['c-3']],
    ['an issuer', ['--issuer', 'https://id.acme.example'], ['c-2']],
    ['an outcome', ['--outcome', 'refused'], ['c-3', 'c-4']],
    ['a reason', ['--reason', 'replay'], ['c-4']],
    ['an action', ['--action', 'exchange'], ['c-3']],
    ['a token that was shown', ['--token-id', 'jag-1'], ['c-1']],
    ['a token that was issued', ['--token-id', 'at-1'], ['c-1']],
    ['a correlation id', ['--correlation-id', 'c-2'], ['c-2']],
    ['a time from which', ['--since', '2027-01-15T08:01:00Z'], ['c-2', 'c-3', 'c-4']],
    ['a time up to which', ['--until', '2027-01-15T08:01:00Z'], ['c-1', 'c-2']],
    ['a time ago', ['--until', '99999999s'], []],
    ['several at once', ['--outcome', 'refused', '--user', 'alice', '--until', '2027-01-15T08:02:30Z'], ['c-3']],
    ['what is nowhere', ['--user', 'nobody'], []],
  ])('finds %s', async (_, args, ids) => {
    expect(await found(...args)).toEqual(ids)
  })

  it('prints a line for a person, and says when there is none', async () => {
    expect(await xaa(['query', file, '--reason', 'target_unknown'])).toEqual({
      code: 0,
      stdout:
        '2027-01-15T08:02:00.000Z  refused  exchange       resource-as  server=https://auth.chat.example reason=target_unknown correlationId=c-3 client=assistant-at-chat subject=alice error=invalid_target detail="no connection" clientThere=notebook-at-chat resource=["https://api.chat.example","https://api.files.example"]\n',
      stderr: '',
    })
    expect(await xaa(['query', file, '--user', 'nobody'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'xaa audit: no event fits\n',
    })
  })

  it('gives lines exactly as they stand in the file', async () => {
    const { stdout } = await xaa(['query', file, '--json'])
    expect((await readFile(file, 'utf8')).split('\n').slice(1, -2).join('\n')).toBe(stdout.trimEnd())
  })

  it('reads several files, and counts what is no line of an audit', async () => {
    const second = await written('second.log', [{ correlationId: 'c-9' }])
    await appendFile(second, 'hello\n')
    const { code, stdout, stderr } = await xaa(['query', file, second, '--outcome', 'granted'])
    expect(code).toBe(0)
    expect(stdout.split('\n')).toHaveLength(4)
    expect(stderr).toBe(`xaa audit: ${second}: lines that are none of an audit: 1; see xaa audit verify\n`)
  })

  it('lets nothing that a stranger sent steer the terminal [ATK-132] [ATK-135]', async () => {
    const subject = 'a\r\nb\u001b[2J\u009b\u2028"c'
    const path = await written('stranger.log', [{ subject }])
    const { stdout } = await xaa(['query', path])
    expect(stdout).toMatch(/^[\x20-\x7e]+\n$/)
  })
})

describe('xaa audit tail', () => {
  it('shows the newest ten lines, or as many as asked for', async () => {
    const { code, stdout } = await xaa(['tail', file])
    expect(code).toBe(0)
    expect(stdout.split('\n')).toHaveLength(7)
    expect(stdout).toMatch(/^2027-01-15T08:00:00.000Z {2}instance one started, line 1\n/)
    expect((await xaa(['tail', file, '-n', '2'])).stdout).toMatch(
      /^.* c-4.*\n.*instance one stopped, line 6\n$|correlationId=c-4.*\n.*instance one stopped, line 6\n$/,
    )
    expect((await xaa(['tail', file, '-n', '2'])).stdout.split('\n')).toHaveLength(3)
    expect((await xaa(['tail', file, '-n', '0'])).stdout).toBe('')
  })

  it('goes on with what comes, also into the file that takes the place of this one, until it is stopped', async () => {
    const path = await written('followed.log', [{ correlationId: 'before' }])
    const child = spawn(process.execPath, [executable, 'audit', 'tail', path, '-n', '2', '--follow'])
    let shown = ''
    child.stdout.on('data', (chunk) => {
      shown += chunk
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    const sees = (text: string) => expect.poll(() => shown, { timeout: 20_000 }).toContain(text)
    await sees('stopped, line 3')
    await appendFile(path, '{"at":1,"instance":"two","seq')
    await appendFile(path, 'uence":1,"outcome":"granted","correlationId":"during"}\n')
    await sees('during')
    await rename(path, `${path}.1`)
    await written('followed.log', [{ correlationId: 'after' }])
    await sees('after')
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    expect(shown.match(/correlationId=\w+/g)).toEqual(['before', 'during', 'after'].map((id) => `correlationId=${id}`))
  })
})

describe('a command line of xaa audit', () => {
  it.each([
    { args: [], says: 'verify, tail or query' },
    { args: ['toString'], says: 'verify, tail or query' },
    { args: ['verify', '--since', '1h'], says: "Unknown option '--since'" },
    { args: ['query', '--outcome', 'maybe'], says: '--outcome must be granted or refused, and is "maybe"' },
    {
      args: ['query', '--reason', 'replai'],
      says: '--reason "replai" is no word of the audit; did you mean "replay"?',
    },
    { args: ['query', '--since', 'yesterday'], says: '--since must be a date such as' },
    { args: ['query', '--until', '5w'], says: '--until must be a date such as' },
    { args: ['tail', '-n', 'ten', 'a'], says: '-n must be a number' },
    { args: ['tail', 'a', 'b'], says: 'tail takes one FILE' },
  ])('$args is answered with how it is used, and code 2', async ({ args, says }) => {
    const { code, stdout, stderr } = await xaa(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(`xaa audit: ${says}`)
    expect(stderr).toContain('xaa audit verify [FILE …]')
  })

  it('asks for help', async () => {
    for (const args of [['--help'], ['query', '-h']])
      expect(await xaa(args)).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^xaa audit verify/) })
  })
})
