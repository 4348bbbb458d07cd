import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { lineMerge } from '../../src/cli/line-merge.ts'

describe('lines of several processes on one stream', () => {
  it('stay whole, however long they are and in however many pieces they come', async () => {
    const target = new PassThrough({ highWaterMark: 1024 * 1024 })
    const merge = lineMerge(target)
    const [one, other] = [new PassThrough(), new PassThrough()]
    merge.take(one)
    merge.take(other)
    const [long, wide] = ['a'.repeat(9000), 'ü'.repeat(7000)]
    for (let at = 0; at < 9000; at += 1000) {
      one.write(long.slice(at, at + 1000))
      other.write(Buffer.from(wide).subarray(at * 2, at * 2 + 2000))
    }
    one.end('\nshort\n')
    other.end('\n')
    await Promise.all([once(one, 'close'), once(other, 'close')])
    expect(String(target.read()).split('\n').sort()).toEqual(['', 'short', long, wide].sort())
  })

  it('end also where a process died in the middle of one', async () => {
    const target = new PassThrough()
    const source = new PassThrough()
    lineMerge(target).take(source)
    source.end('whole\nto')
    await once(source, 'close')
    expect(String(target.read())).toBe('whole\nto\n')
  })

  it('make their writers wait when the reader is slow, and lose nothing', async () => {
    const target = new PassThrough({ highWaterMark: 16 })
    const source = new PassThrough()
    lineMerge(target).take(source)
    const lines = Array.from({ length: 200 }, (_, at) => `line ${at}\n`).join('')
    for (const line of lines.split(/(?<=\n)/)) source.write(line)
    source.end()
    await new Promise((resolve) => setImmediate(resolve))
    expect(source.isPaused()).toBe(true)
    let read = ''
    target.on('data', (chunk) => {
      read += chunk
    })
    await once(source, 'close')
    await new Promise((resolve) => setImmediate(resolve))
    expect(read).toBe(lines)
  })

  it('are no longer taken when the reader is gone', async () => {
    const target = new PassThrough()
    const merge = lineMerge(target)
    const source = new PassThrough()
    merge.take(source)
    target.destroy(new Error('EPIPE'))
    await once(source, 'close')
    const late = new PassThrough()
    merge.take(late)
    expect(late.destroyed).toBe(true)
  })
})
