/** An audit file whose disk fails, fills, hangs or is swapped, whose process is killed, and that several processes write. */

import { execFileSync, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { appendFile, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Audit, fileAudit } from '../../src/server/audit.ts'
import { verifyAudit } from '../../src/server/audit-verify.ts'
import { auditEvent, keptIn, linesIn } from './audit-event.ts'

let folder: string
let file: string
let files = 0
let now = 1_800_000_000
let warnings: string[]
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xaa-audit-'))
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(() => {
  files += 1
  file = join(folder, `audit-${files}.log`)
  warnings = []
})

/** Only one of these tests is about a disk that is slow. */
const patient = 20_000
const opened = (path = file, instance = 'one', deadline = patient) =>
  fileAudit(path, { instance, now: () => now, warn: (message) => warnings.push(message), deadline })
const recorded = (audit: Audit, correlationId: string) => audit.record(auditEvent({ correlationId }))

describe('an audit file that cannot be written', () => {
  /** A path that leads elsewhere at the next look. */
  const link = () => {
    const path = join(folder, `link-${files}`)
    return {
      path,
      async leadTo(target: string) {
        // In one step: the audit may look at any moment.
        await symlink(target, `${path}.new`)
        await rename(`${path}.new`, path)
        now += 2
      },
    }
  }

  it.each([
    ['full', (): string => '/dev/full', 'ENOSPC'],
    ['where nothing can be written', (): string => folder, 'EISDIR'],
    ['where there is no folder', (): string => join(folder, 'none', 'audit.log'), 'ENOENT'],
    ['read-only, or broken', (): string => '/proc/version', /^E[A-Z]+$/],
  ] as const)('refuses while its disk is %s, and goes on by itself when it is good again', async (_, target, code) => {
    const { path, leadTo } = link()
    await leadTo(file)
    const audit = await opened(path)
    await recorded(audit, 'before')
    await leadTo(target())
    for (const id of ['lost-1', 'lost-2'])
      await expect(recorded(audit, id)).rejects.toMatchObject({
        name: 'AuditUnavailableError',
        cause: { code: typeof code === 'string' ? code : expect.stringMatching(code) },
      })
    await leadTo(file)
    await recorded(audit, 'after')
    await audit.close()
    expect(await keptIn(file)).toEqual(['before', 'after'])
    expect(await verifyAudit([file])).toMatchObject({ problems: [], notes: [] })
    expect(warnings).toEqual([
      expect.stringMatching(/cannot be written \(E[A-Z]+\): requests are refused until it can$/),
      expect.stringMatching(/is written again; events answered with an error meanwhile: 2$/),
    ])
  })

  it('is not opened at all when that is so at the start', async () => {
    await expect(opened('/dev/full')).rejects.toMatchObject({ code: 'ENOSPC' })
    await expect(opened(join(folder, 'none', 'audit.log'))).rejects.toMatchObject({ code: 'ENOENT' })
    await writeFile(file, 'x'.repeat(5 * 1024 * 1024))
    await expect(opened()).rejects.toThrow('a longer line than an audit writes')
  })

  it('gives its callers up while the disk hangs, holds no more than so many of them, and goes on afterwards', async () => {
    const { path, leadTo } = link()
    await leadTo(file)
    const audit = await opened(path, 'one', 300)
    await recorded(audit, 'before')
    // A pipe that nobody reads from takes 64 KiB, and then nothing.
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    await leadTo(pipe)
    const hanging = audit.record(auditEvent({ detail: 'x'.repeat(200_000) }))
    // Until it is being written: those who come at once are written together.
    await new Promise((resolve) => setTimeout(resolve, 50))
    const waiting = Array.from({ length: 10_000 }, (_, at) => recorded(audit, `waiting-${at}`))
    const refused = Promise.allSettled([hanging, ...waiting])
    await expect(recorded(audit, 'too many')).rejects.toThrow('10000 events wait for the audit already')
    const answers = await refused
    expect(new Set(answers.map((answer) => answer.status === 'rejected' && answer.reason.message))).toEqual(
      new Set(['the audit did not take the event within 300 ms']),
    )
    await leadTo(file)
    await expect(recorded(audit, 'still hanging')).rejects.toThrow('within 300 ms')
    const reader = createReadStream(pipe)
    for await (const chunk of reader) if (String(chunk).endsWith('\n')) break
    // The write that hung has ended, in an error: a pipe keeps nothing.
    await expect
      .poll(() =>
        recorded(audit, 'after').then(
          () => 'kept',
          () => 'lost',
        ),
      )
      .toBe('kept')
    await audit.close()
    expect(await keptIn(file)).toEqual(['before', 'after'])
    expect(await verifyAudit([file])).toMatchObject({ problems: [], notes: [] })
    expect(warnings[0]).toMatch(/ is slow: what it does not take within 300 ms is refused$/)
  })

  it('takes a write that was cut short for none, and tells where it is', async () => {
    // The shell's limit is in blocks of 1 024 bytes: the write that crosses it is cut short, and every later one fails.
    const script = fileURLToPath(new URL('./audit-writer.ts', import.meta.url))
    const command = `ulimit -f 40; exec "$0" --import tsx "$1" "$2" limited 2000`
    const child = spawn('bash', ['-c', command, process.execPath, script, file], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const told: { kept?: string; lost?: string }[] = []
    child.on('message', (message: object) => told.push(message))
    await once(child, 'exit')
    const kept = told.flatMap((one) => one.kept ?? [])
    expect(kept.length).toBeGreaterThan(0)
    expect(kept.length + told.filter((one) => one.lost !== undefined).length).toBe(2000)
    expect((await readFile(file)).length).toBe(40 * 1024)
    expect(await keptIn(file)).toEqual(expect.arrayContaining(kept))
    const audit = await opened()
    await recorded(audit, 'after')
    await audit.close()
    const { problems, notes } = await verifyAudit([file])
    expect(problems).toEqual([])
    expect(notes).toEqual([
      expect.objectContaining({ says: expect.stringMatching(/bytes of a line that was cut short$/) }),
    ])
  })
})

describe('an audit file that many events come for', () => {
  const turn = () => new Promise((next) => setImmediate(next))

  /** Whether an event was written together with one that came three turns of the event loop later, after so many at once. */
  const waitedForOthers = async (audit: Audit, before: number) => {
    await Promise.all(Array.from({ length: before }, () => recorded(audit, 'before')))
    let isKept = false
    const early = recorded(audit, 'early')
    for (let turns = 0; turns < 3; turns++) await turn()
    const late = recorded(audit, 'late').then(() => {
      isKept = true
    })
    await early
    await turn()
    const together = isKept
    await late
    return together
  }

  it('waits a moment for others after a crowd, and not where they come one by one', async () => {
    const audit = await opened()
    // A machine that was busy for a millisecond has let it pass.
    let together = 0
    for (let attempt = 0; attempt < 20; attempt++) if (await waitedForOthers(audit, 8)) together++
    expect(together).toBeGreaterThan(0)
    for (let attempt = 0; attempt < 20; attempt++) expect(await waitedForOthers(audit, 7)).toBe(false)
    await audit.close()
    expect(await verifyAudit([file])).toMatchObject({ problems: [], notes: [] })
  })
})

describe('an audit file that is swapped for another', () => {
  it('is left within a second, and the chain goes on in the new one', async () => {
    const audit = await opened()
    const other = await opened(file, 'two')
    await recorded(audit, 'a')
    await recorded(other, 'b')
    const old = `${file}.1`
    await rename(file, old)
    await recorded(audit, 'c')
    now += 1
    await recorded(audit, 'd')
    await recorded(other, 'e')
    await audit.close()
    await other.close()
    expect(await keptIn(old)).toEqual(['a', 'b', 'c'])
    expect(await keptIn(file)).toEqual(['d', 'e'])
    expect(await verifyAudit([old, file])).toMatchObject({
      problems: [],
      notes: [],
      instances: [{ last: 6 }, { last: 5 }],
    })
    expect((await verifyAudit([file])).problems).toEqual([])
    expect((await verifyAudit([file])).notes).toHaveLength(2)
    expect(warnings).toEqual([])
  })

  it('is not left while it stays, however often that is looked at', async () => {
    const audit = await opened()
    for (let at = 0; at < 5; at++) {
      now += 2
      await recorded(audit, `${at}`)
    }
    await audit.close()
    expect((await linesIn(file)).filter((line) => line.opened !== undefined)).toHaveLength(1)
  })

  it('shows what was missing from the old one when its lines were copied and cut away', async () => {
    const audit = await opened()
    await recorded(audit, 'a')
    await recorded(audit, 'b')
    const text = await readFile(file, 'utf8')
    await writeFile(`${file}.1`, text.slice(0, text.lastIndexOf('{"at"')))
    await writeFile(file, '')
    await recorded(audit, 'c')
    await audit.close()
    expect((await verifyAudit([`${file}.1`, file])).problems).toMatchObject([
      { file, line: 1, says: 'instance one: line 4 follows line 2: 1 line is missing' },
    ])
    await writeFile(`${file}.1`, text)
    expect((await verifyAudit([`${file}.1`, file])).problems).toEqual([])
  })
})

describe('several processes', () => {
  const script = fileURLToPath(new URL('./audit-writer.ts', import.meta.url))
  const writer = async (name: string, count: number) => {
    const child = fork(script, [file, name, String(count)], { execArgv: ['--import', 'tsx'] })
    const kept: string[] = []
    child.on('message', (message: { kept?: string }) => {
      if (message.kept !== undefined) kept.push(message.kept)
    })
    await once(child, 'message')
    return { child, kept, ended: once(child, 'exit') }
  }

  it('write one file, each its own chain, and lose no line', async () => {
    const writers = await Promise.all(['a', 'b', 'c'].map((name) => writer(name, 2000)))
    await Promise.all(writers.map(({ ended }) => ended))
    const { problems, notes, instances, lines } = await verifyAudit([file])
    expect({ problems, notes }).toEqual({ problems: [], notes: [] })
    expect(instances.map(({ closed, last }) => ({ closed, last }))).toEqual(Array(3).fill({ closed: true, last: 2002 }))
    expect(lines).toBe(6006)
    expect((await keptIn(file)).sort()).toEqual(writers.flatMap(({ kept }) => kept).sort())
  })

  it('may be killed while they write: what they told of is in the file, and the chain of each holds', async () => {
    const told: string[] = []
    const survivor = await writer('survivor', 8000)
    for (let round = 0; round < 3; round++) {
      const { child, kept, ended } = await writer(`killed-${round}`, 1_000_000)
      while (kept.length < 300) await once(child, 'message')
      child.kill('SIGKILL')
      await ended
      told.push(...kept)
    }
    await survivor.ended
    told.push(...survivor.kept)
    const kept = new Set(await keptIn(file))
    expect(told.filter((id) => !kept.has(id))).toEqual([])
    const { problems, instances } = await verifyAudit([file])
    expect(problems).toEqual([])
    expect(instances.filter(({ closed }) => closed)).toHaveLength(1)
    expect(instances).toHaveLength(4)
  })
})

describe('the folder of an audit file', () => {
  it('may be another process’s, as long as the file is there', async () => {
    const place = join(folder, 'place')
    await mkdir(place)
    await appendFile(join(place, 'audit.log'), '')
    const audit = await opened(join(place, 'audit.log'))
    await recorded(audit, 'a')
    await audit.close()
    expect(await keptIn(join(place, 'audit.log'))).toEqual(['a'])
  })
})
