/** What the verification of an audit finds, and what it takes for honest. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fileAudit } from '../../src/server/audit.ts'
import { newChain } from '../../src/server/audit-chain.ts'
import { verifyAudit } from '../../src/server/audit-verify.ts'
import { auditEvent } from './audit-event.ts'

let folder: string
let file: string
/** Two instances side by side, then a third one: each with five events. */
let lines: string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xaa-audit-'))
  file = join(folder, 'audit.log')
  const [one, two] = [await opened('one'), await opened('two')]
  for (let at = 1; at <= 5; at++) for (const audit of [one, two]) await audit.record(auditEvent({ at }))
  await one.close()
  await two.close()
  const three = await opened('three')
  for (let at = 1; at <= 5; at++) await three.record(auditEvent({ at }))
  await three.close()
  lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1)
})
afterAll(() => rm(folder, { recursive: true }))

async function opened(instance: string, path = file) {
  return await fileAudit(path, { instance, now: () => 1_800_000_000, warn: () => {}, deadline: 20_000 })
}

async function judged(changed: string[] | Buffer) {
  const path = join(folder, 'changed.log')
  await writeFile(path, Array.isArray(changed) ? changed.map((line) => `${line}\n`).join('') : changed)
  const { problems, notes, ...rest } = await verifyAudit([path])
  const said = (remarks: typeof problems) => remarks.map(({ line, says }) => `${line}: ${says}`)
  return { problems: said(problems), notes: said(notes), ...rest }
}

const without = (at: number) => lines.toSpliced(at, 1)
/** The place of an instance's line in the file. */
const placeOf = (instance: string, sequence: number) =>
  lines.findIndex(
    (line) =>
      line.includes(`"instance":"${instance}","sequence":${sequence},`) ||
      line.endsWith(`"instance":"${instance}","sequence":${sequence}}`),
  )

describe('an audit as it was written', () => {
  it('is intact, with every line of every instance', async () => {
    expect(await judged(lines)).toEqual({
      lines: 21,
      instances: ['one', 'two', 'three'].map((instance) => ({
        instance,
        first: 1,
        last: 7,
        head: expect.stringMatching(/^[\w-]{43}$/),
        closed: true,
      })),
      problems: [],
      notes: [],
      unlisted: 0,
    })
  })

  it('is intact when it is empty, and when lines are empty', async () => {
    expect(await judged([])).toMatchObject({ lines: 0, problems: [] })
    expect(await judged([...lines, '', ''])).toMatchObject({ lines: 21, problems: [] })
  })
})

describe('an audit that was tampered with', () => {
  it('shows the line that was taken out', async () => {
    const { problems } = await judged(without(placeOf('one', 3)))
    expect(problems).toContain('6: instance one: line 4 follows line 2: 1 line is missing')
  })

  it('shows a changed line by the one behind it', async () => {
    const at = placeOf('three', 3)
    const { problems } = await judged(lines.with(at, (lines[at] ?? '').replace('alice', 'alicf')))
    expect(problems).toEqual([
      `${at + 2}: instance three: line 4 does not fit line 3 before it: one of the two was changed`,
    ])
  })

  it('shows a doubled line', async () => {
    const at = placeOf('three', 3)
    const { problems } = await judged(lines.toSpliced(at, 0, lines[at] ?? ''))
    expect(problems).toEqual([`${at + 2}: instance three: line 3 stands behind line 3: it was doubled or moved`])
  })

  it('shows two lines that changed places', async () => {
    const at = placeOf('three', 3)
    const { problems } = await judged(lines.with(at, lines[at + 1] ?? '').with(at + 1, lines[at] ?? ''))
    expect(problems).toEqual([
      `${at + 1}: instance three: line 4 follows line 2: 1 line is missing`,
      `${at + 2}: instance three: line 3 stands behind line 4: it was doubled or moved`,
    ])
  })

  it.each(['one', 'two'])(
    'shows that the whole chain of instance %s is gone, by the opening behind it',
    async (gone) => {
      const { problems, instances } = await judged(lines.filter((line) => !line.includes(`"instance":"${gone}"`)))
      expect(instances).toHaveLength(2)
      expect(problems).toEqual([expect.stringMatching(/opened the file when other lines stood in its first \d+ bytes/)])
    },
  )

  it('shows a line of nobody, and one without a chain', async () => {
    const at = placeOf('three', 3)
    expect((await judged(lines.toSpliced(at, 0, 'hello'))).problems).toEqual([`${at + 1}: is no line of an audit`])
    const bare = JSON.stringify(auditEvent())
    expect((await judged(lines.toSpliced(at, 0, bare))).problems).toEqual([`${at + 1}: is no line of an audit`])
  })

  it('shows an instance without its beginning', async () => {
    const tail = lines.slice(placeOf('three', 2))
    expect((await judged(tail)).problems).toEqual([
      '1: instance three: begins with line 2; what it wrote before is missing',
    ])
  })

  it('shows what was written behind a closing line', async () => {
    const chain = newChain('four')
    const made = [chain.opening(1), chain.closing(2), chain.event(auditEvent())].map((line) => line.trimEnd())
    expect((await judged(made)).problems).toEqual(['3: instance four: line 3 stands behind its closing line'])
  })

  it('shows any byte that was changed before the newest opening', async () => {
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
    const newest = bytes.lastIndexOf('{"at":1800000000,"opened"')
    await fc.assert(
      fc.asyncProperty(fc.nat(newest - 1), fc.integer({ min: 1, max: 255 }), async (at, difference) => {
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ difference
        expect((await judged(changed)).problems).not.toEqual([])
      }),
      { numRuns: 400 },
    )
  })

  it('is broken however lines were taken out before the newest opening', async () => {
    const newest = placeOf('three', 1)
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(newest - 1), { minLength: 1 }), async (out) => {
        expect((await judged(lines.filter((_, at) => !out.includes(at)))).problems).not.toEqual([])
      }),
      { numRuns: 200 },
    )
  })

  it('lists the first thousand problems and counts the others', async () => {
    const { problems, unlisted } = await judged(Array.from({ length: 1500 }, () => 'hello'))
    expect(problems).toHaveLength(1000)
    expect(unlisted).toBe(500)
  })
})

describe('a line that was cut short by a kill', () => {
  const killed = async () => {
    const path = join(folder, `killed-${killedFiles++}.log`)
    const audit = await opened('killed', path)
    for (let at = 1; at <= 3; at++) await audit.record(auditEvent({ at }))
    const bytes = await readFile(path)
    await audit.close()
    await writeFile(path, bytes)
    return { path, bytes }
  }
  let killedFiles = 0

  it('is said with its place and size, at whatever byte it was cut, and nothing is glued to it', async () => {
    const { path, bytes } = await killed()
    const lastStart = bytes.lastIndexOf(10, bytes.length - 2) + 1
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: bytes.length - lastStart - 2 }), async (length) => {
        await writeFile(path, bytes.subarray(0, lastStart + length))
        const says = `${length} bytes of a line that was cut short`
        expect(await verifyAudit([path])).toMatchObject({ problems: [], notes: [{ line: 4, says }] })
        const warnings: string[] = []
        const audit = await fileAudit(path, {
          instance: 'next',
          now: () => 2,
          warn: (message) => warnings.push(message),
        })
        await audit.record(auditEvent())
        await audit.close()
        expect(warnings).toEqual([expect.stringContaining(`ends in ${length} bytes of a line that was cut short`)])
        expect(await verifyAudit([path])).toMatchObject({
          problems: [],
          notes: [{ line: 4, says }],
          instances: [
            { instance: 'killed', last: 3, closed: false },
            { instance: 'next', last: 3, closed: true },
          ],
        })
        expect(await readFile(path, 'utf8')).toMatch(/"opened":"start","follows":"[\w-]{43}","offset":\d+,"torn":\d+/)
      }),
      { numRuns: 30 },
    )
  })

  it('is found in front of the line of another process that wrote on', async () => {
    const { path, bytes } = await killed()
    const other = newChain('other')
    const start = other.opening(1)
    const glued = Buffer.concat([Buffer.from(start), bytes.subarray(0, -20), Buffer.from(other.event(auditEvent()))])
    await writeFile(path, Buffer.concat([glued, Buffer.from(other.closing(2))]))
    const { problems, notes, instances } = await verifyAudit([path])
    expect(notes).toEqual([{ file: path, line: 5, says: expect.stringContaining('and a whole line behind them') }])
    expect(instances).toMatchObject([
      { instance: 'other', last: 3, closed: true },
      { instance: 'killed', last: 3, closed: false },
    ])
    expect(problems).toEqual([])
  })

  it('is not taken for one when it was a line that somebody was told of and more lines follow', async () => {
    const at = placeOf('one', 4)
    const { problems } = await judged(lines.with(at, (lines[at] ?? '').slice(0, 30)))
    expect(problems).toContain(`${at + 1}: is no line of an audit`)
    expect(problems.join()).toContain('line 5 follows line 3: 1 line is missing')
  })
})

describe('lines that a failed write left', () => {
  /** What one instance wrote when the second of three batches failed and left the lines that are kept here. */
  const written = (left: (batch: string[]) => string[], changed?: 'uncertain') => {
    const chain = newChain('one')
    const text = [chain.opening(1), chain.event(auditEvent())]
    chain.settle(chain.head())
    const failed = [chain.event(auditEvent()), chain.event(auditEvent()), chain.event(auditEvent())]
    const again = chain.opening(2)
    text.push(...left(failed), changed ? again.replace('"uncertain":3', '"uncertain":1') : again)
    text.push(chain.event(auditEvent()), chain.closing(3))
    return text.map((line) => line.trimEnd())
  }

  it.each([
    ['none', () => []],
    ['all', (batch: string[]) => batch],
    ['the first', (batch: string[]) => batch.slice(0, 1)],
    ['the last, because a page of the disk was lost', (batch: string[]) => batch.slice(2)],
    ['a half', (batch: string[]) => [batch[0] ?? '', (batch[1] ?? '').slice(0, 40)]],
    ['zeros and the last', (batch: string[]) => ['\0'.repeat(50), batch[2] ?? '']],
  ] as const)('break no chain: %s', async (_, left) => {
    expect((await judged(written(left))).problems).toEqual([])
  })

  it('are no excuse for a line that was kept', async () => {
    const all = written((batch) => batch)
    expect((await judged(all.toSpliced(1, 1))).problems).not.toEqual([])
    expect((await judged(all.toSpliced(6, 1))).problems).not.toEqual([])
    expect((await judged(written((batch) => batch.slice(0, 1), 'uncertain'))).problems).not.toEqual([])
  })

  it('may come from several failures in a row', async () => {
    const chain = newChain('one')
    const text = [chain.opening(1)]
    chain.settle(chain.head())
    for (let failure = 0; failure < 4; failure++) {
      if (failure > 0) text.push(chain.opening(2))
      text.push(...Array.from({ length: 400 }, () => chain.event(auditEvent())))
    }
    text.push(chain.opening(3), chain.event(auditEvent()))
    expect(await judged(text.map((line) => line.trimEnd()))).toMatchObject({ problems: [], notes: [] })
  })
})

describe('several files in order', () => {
  it('are one audit: a chain goes on from one to the next, and a file that was left out is said', async () => {
    const [first, second, third] = [0, 1, 2].map((at) => join(folder, `part-${at}.log`)) as [string, string, string]
    const chain = newChain('rotated')
    const parts = [
      [...lines.map((line) => `${line}\n`), chain.opening(1), chain.event(auditEvent())],
      [chain.event(auditEvent()), chain.event(auditEvent())],
    ].map((part) => part.join(''))
    chain.settle(chain.head())
    await writeFile(first, parts[0] ?? '')
    await writeFile(second, parts[1] ?? '')
    await writeFile(third, chain.opening(2, { offset: 0, torn: 0 }) + chain.closing(3))
    expect(await verifyAudit([first, second, third])).toMatchObject({ problems: [], notes: [] })
    expect(await verifyAudit([third])).toMatchObject({
      problems: [],
      notes: [
        {
          file: third,
          line: 1,
          says: 'instance rotated goes on with line 5; its earlier lines are in a file that was not read',
        },
      ],
    })
    expect((await verifyAudit([first, third])).problems).toMatchObject([
      { file: third, line: 1, says: expect.stringContaining('goes on from line 4, which is missing') },
    ])
    expect((await verifyAudit([third, first])).problems).not.toEqual([])
  })
})
