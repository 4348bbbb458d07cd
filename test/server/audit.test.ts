import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditEvent } from '../../src/protocol/ports.ts'
import { fileAudit, streamAudit } from '../../src/server/audit.ts'

const event: AuditEvent = {
  at: 1,
  role: 'idp',
  server: 'https://id.acme.example',
  action: 'exchange',
  outcome: 'refused',
  reason: 'malformed',
  correlationId: 'id-1',
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xaa-audit-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('the audit', () => {
  it('in a file is one line for each event, in order, for its owner alone', async () => {
    const file = join(folder, 'audit.log')
    const audit = await fileAudit(file)
    await Promise.all(Array.from({ length: 50 }, (_, at) => audit.record({ ...event, at })))
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).at)).toEqual(Array.from({ length: 50 }, (_, at) => at))
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    await audit.close()
    await expect(audit.record(event)).rejects.toThrow()
  })

  it('in a file goes on where an earlier process stopped', async () => {
    const file = join(folder, 'again.log')
    for (const at of [1, 2]) {
      const audit = await fileAudit(file)
      await audit.record({ ...event, at })
      await audit.close()
    }
    expect((await readFile(file, 'utf8')).trimEnd().split('\n')).toHaveLength(2)
  })

  it('cannot be split or steered by what a stranger sent [ATK-135]', async () => {
    const stream = new PassThrough()
    const audit = streamAudit(stream)
    const subject = 'a\r\nb\u001b[2Jc\u2028d\u2029e\u0085f\u009bg"}\u007f'
    await audit.record({ ...event, subject })
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
    await expect(streamAudit(broken).record(event)).rejects.toThrow('EPIPE')
  })
})
