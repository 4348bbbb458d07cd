/** Reading audit files by their bytes: from the start, and from the end. */

import { appendFile, mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endOf, type FileLine, linesOf, startOfLast } from '../../src/server/audit-lines.ts'

let folder: string
let file: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xaa-audit-'))
  file = join(folder, 'audit.log')
})
afterAll(() => rm(folder, { recursive: true }))

async function reading<Answer>(read: (handle: Awaited<ReturnType<typeof open>>, size: number) => Promise<Answer>) {
  const handle = await open(file)
  try {
    return await read(handle, (await handle.stat()).size)
  } finally {
    await handle.close()
  }
}

const allLines = () =>
  reading(async (handle) => {
    const all: FileLine[] = []
    for await (const some of linesOf(handle)) all.push(...some)
    return all
  })

describe('the lines of a file', () => {
  // Longer than one read.
  const longText = fc
    .tuple(fc.string({ minLength: 1 }), fc.nat(600_000))
    .map(([text, length]) => text.repeat(length / text.length))
  const texts = fc.array(fc.oneof(fc.string(), longText), { maxLength: 8 })

  it('are what stands between its line breaks, wherever a read ends', async () => {
    await fc.assert(
      fc.asyncProperty(texts, fc.boolean(), async (parts, ended) => {
        const expected = parts.map((part) => part.replaceAll('\n', ' '))
        await writeFile(file, expected.join('\n') + (ended && expected.length > 0 ? '\n' : ''))
        const lines = await allLines()
        const whole = ended ? expected.length : Math.max(0, expected.length - 1)
        const rest = ended ? [] : expected.slice(-1).filter((part) => part !== '')
        expect(lines.map(({ bytes }) => bytes.toString())).toEqual([...expected.slice(0, whole), ...rest])
        expect(lines.filter((line) => line.whole)).toHaveLength(whole)
        let start = 0
        for (const line of lines) {
          expect(line.start).toBe(start)
          start += line.bytes.length + 1
        }
      }),
      { numRuns: 60 },
    )
  })

  it('are found from the end as from the start', async () => {
    await fc.assert(
      fc.asyncProperty(texts, fc.nat(10), fc.boolean(), async (parts, count, ended) => {
        const expected = parts.map((part) => `-${part.replaceAll('\n', ' ')}`)
        await writeFile(file, expected.join('\n') + (ended && expected.length > 0 ? '\n' : ''))
        const lines = await allLines()
        const size = await reading(async (_, bytes) => bytes)
        const start = await reading((handle, bytes) => startOfLast(handle, bytes, count + 1))
        expect(start).toBe(lines.at(-count - 1)?.start ?? 0)
        const end = await reading((handle, bytes) => endOf(handle, bytes))
        const last = lines.at(-1)
        expect(end.torn).toBe(last === undefined || last.whole ? 0 : last.bytes.length)
        expect(end.offset).toBe(size - end.torn)
        expect(end.hash === undefined).toBe(end.offset === 0)
      }),
      { numRuns: 60 },
    )
  })

  it('longer than 4 MiB keep only their beginning, and the lines behind them are found', async () => {
    await writeFile(file, `one\n${'x'.repeat(5 * 1024 * 1024)}`)
    await expect(reading((handle, size) => endOf(handle, size))).rejects.toThrow('a longer line than an audit writes')
    await appendFile(file, '\nthree\n')
    const [one, two, three] = await allLines()
    expect(one?.bytes.toString()).toBe('one')
    expect(two?.bytes.length).toBeGreaterThanOrEqual(4 * 1024 * 1024)
    expect(three).toMatchObject({ start: 4 + 5 * 1024 * 1024 + 1, whole: true })
    expect(three?.bytes.toString()).toBe('three')
  })
})
