/** Bodies read whole, in whatever pieces they come. */

import { describe, expect, it } from 'vitest'
import { bodyBytes } from '../../src/protocol/body-bytes.ts'

async function* pieces(...lengths: number[]): AsyncGenerator<Uint8Array> {
  let next = 0
  for (const length of lengths) yield Uint8Array.from({ length }, () => next++ % 251)
}
const read = async (most: number, ...lengths: number[]) =>
  await bodyBytes(pieces(...lengths), most, () => new RangeError('too large'))
const expected = (length: number) => Uint8Array.from({ length }, (_, at) => at % 251)

describe('the bytes of a body', () => {
  it.each<[string, number[]]>([
    ['nothing', []],
    ['one piece', [10]],
    ['a piece of no bytes', [0, 3, 0]],
    ['many small pieces', Array.from({ length: 9000 }, () => 1)],
    ['small and large pieces', [1, 5000, 2, 3000, 1]],
  ])('are those of %s', async (_, lengths) => {
    const length = lengths.reduce((sum, one) => sum + one, 0)
    const bytes = await read(10_000, ...lengths)
    expect(bytes).toEqual(expected(length))
    expect(bytes.buffer.byteLength).toBe(length)
  })

  it('are as many as may be, and one more is refused before the rest is asked for', async () => {
    expect(await read(5000, 2500, 2500)).toEqual(expected(5000))
    await expect(read(5000, 2500, 2501)).rejects.toThrow('too large')
    await expect(read(3, 4)).rejects.toThrow('too large')
  })

  it('are not there when the body breaks', async () => {
    const broken = (async function* () {
      yield new Uint8Array(1)
      throw new Error('it broke')
    })()
    await expect(bodyBytes(broken, 10, () => new RangeError('too large'))).rejects.toThrow('it broke')
  })
})
