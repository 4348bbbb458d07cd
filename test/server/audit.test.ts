/** The audit as the server sees it: in a file, and on a stream. */

import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fileAudit, streamAudit } from '../../src/server/audit.ts'
import { auditCheck } from '../../src/server/audit-check.ts'
import { verifyAudit } from '../../src/server/audit-verify.ts'
import { auditEvent, linesIn } from './audit-event.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xaa-audit-'))
})
afterAll(() => rm(folder, { recursive: true }))

const now = () => 1_800_000_000
const options = (instance = 'one') => ({
  instance,
  now,
  deadline: 20_000,
  warn: (message: string) => expect.fail(message),
})

describe('the audit in a file', () => {
  it('is one line for each event, in order, for its owner alone, between a first and a last line', async () => {
    const file = join(folder, 'audit.log')
    const audit = await fileAudit(file, options())
    await Promise.all(Array.from({ length: 50 }, (_, at) => audit.record(auditEvent({ at }))))
    await audit.close()
    const lines = await linesIn(file)
    expect(lines[0]).toEqual({ at: now(), opened: 'start', offset: 0, instance: 'one', sequence: 1 })
    expect(lines.slice(1, -1).map(({ at }) => at)).toEqual(Array.from({ length: 50 }, (_, at) => at))
    expect(lines.at(-1)).toMatchObject({ closed: true, sequence: 52 })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    await expect(audit.record(auditEvent())).rejects.toThrow('the audit is closed')
  })

  it('is written when its event is acknowledged', async () => {
    const file = join(folder, 'acknowledged.log')
    const audit = await fileAudit(file, options())
    for (let at = 1; at <= 10; at++) {
      await audit.record(auditEvent({ at }))
      expect((await linesIn(file)).at(-1)).toMatchObject({ ...auditEvent({ at }), instance: 'one', sequence: at + 1 })
    }
    await audit.close()
  })

  it('goes on where an earlier process stopped, and says what it found there', async () => {
    const file = join(folder, 'again.log')
    for (const instance of ['one', 'two']) {
      const audit = await fileAudit(file, options(instance))
      await audit.record(auditEvent())
      await audit.close()
    }
    const text = await readFile(file, 'utf8')
    const second = (await linesIn(file)).find(({ instance }) => instance === 'two')
    expect(second).toMatchObject({
      opened: 'start',
      offset: text.indexOf(text.split('\n')[3] ?? '?'),
      follows: expect.any(String),
    })
    expect(await verifyAudit([file])).toMatchObject({ problems: [], notes: [] })
  })
})

describe('the audit on a stream', () => {
  const judged = (text: string) => {
    const check = auditCheck()
    for (const [at, line] of text.split('\n').entries()) check.line(Buffer.from(line), { file: 'stdout', line: at + 1 })
    check.endFile(true)
    return check.judgement()
  }

  it('is chained like that in a file', async () => {
    const stream = new PassThrough()
    const audit = streamAudit(stream, options())
    await Promise.all(Array.from({ length: 20 }, (_, at) => audit.record(auditEvent({ at }))))
    await audit.close()
    const text = String(stream.read())
    expect(judged(text)).toMatchObject({ lines: 22, problems: [], instances: [{ last: 22, closed: true }] })
    const changed = text.split('\n').toSpliced(7, 1).join('\n')
    expect(judged(changed).problems).toMatchObject([{ line: 8, says: expect.stringContaining('1 line is missing') }])
  })

  it('cannot be split or steered by what a stranger sent [ATK-135]', async () => {
    const stream = new PassThrough()
    const audit = streamAudit(stream, options())
    stream.read()
    const subject = 'a\r\nb\u001b[2Jc\u2028d\u2029e\u0085f\u009bg"}\u007f'
    await audit.record(auditEvent({ subject }))
    const text = String(stream.read())
    expect(text).toMatch(/^[\x20-\x7e]+\n$/)
    expect(JSON.parse(text).subject).toBe(subject)
  })

  it('says that an event was not kept when its reader is gone', async () => {
    const broken = new Writable({
      write(_chunk, _encoding, callback) {
        callback(new Error('EPIPE'))
      },
    })
    const audit = streamAudit(broken, options())
    await expect(audit.record(auditEvent())).rejects.toThrow()
    await audit.close()
  })

  it('gives an event up that its reader does not take, and holds no more than so many', async () => {
    const stuck = new Writable({ write() {} })
    const audit = streamAudit(stuck, { instance: 'one', now })
    const waiting = Array.from({ length: 9999 }, () => audit.record(auditEvent()))
    const answers = Promise.allSettled(waiting)
    await expect(audit.record(auditEvent())).rejects.toThrow('10000 events wait for the audit already')
    expect(new Set((await answers).map((answer) => answer.status === 'rejected' && answer.reason.message))).toEqual(
      new Set(['the audit did not take the event within 300 ms']),
    )
    await audit.close()
  })
})
