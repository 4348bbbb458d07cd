/** A copy that must be young: when it is asked for anew, who waits, and how long an old one serves. */

import { beforeEach, describe, expect, it } from 'vitest'
import { type YoungCopy, youngCopy } from '../../src/resource/young-copy.ts'

let now: number
let asked: number
let answer: (known: string | undefined) => Promise<string>
let copy: YoungCopy<string>
const read = () => copy.read()
const failed = (cause: unknown) => new Error(`failed: ${(cause as Error).message}`)
const settled = () => new Promise((resolve) => setImmediate(resolve))

beforeEach(() => {
  now = 100
  asked = 0
  answer = async () => `copy ${asked}`
  copy = youngCopy<string>({
    load(known) {
      asked++
      return answer(known)
    },
    agesOf: () => ({ freshFor: 1, waitFrom: 2.5, usableFor: 3 }),
    failed,
    now: () => now,
  })
})

describe('a young copy', () => {
  it('is asked for once by everybody who waits, and serves without a question while it is fresh', async () => {
    expect(new Set(await Promise.all(Array.from({ length: 1000 }, read)))).toEqual(new Set(['copy 1']))
    now += 0.99
    expect(await read()).toBe('copy 1')
    expect(asked).toBe(1)
  })

  it('is at hand while it is fresh, and not before it was asked for nor from a future', async () => {
    expect(copy.fresh(now)).toBeUndefined()
    await read()
    expect(copy.fresh(now)).toBe('copy 1')
    now -= 1
    expect(copy.fresh(now)).toBeUndefined()
    now += 2
    expect(copy.fresh(now)).toBeUndefined()
    expect(asked).toBe(1)
  })

  it('is renewed in the background, once, while the old one serves', async () => {
    await read()
    now += 1
    expect(await Promise.all([read(), read()])).toEqual(['copy 1', 'copy 1'])
    await settled()
    expect(await read()).toBe('copy 2')
    expect(asked).toBe(2)
  })

  it('is waited for when the old one is too old for the background', async () => {
    await read()
    now += 2.5
    expect(await Promise.all([read(), read()])).toEqual(['copy 2', 'copy 2'])
  })

  it('is not asked for while nobody uses it', async () => {
    await read()
    now += 1000
    await settled()
    expect(asked).toBe(1)
    expect(await read()).toBe('copy 2')
  })

  it('is asked for with the one before', async () => {
    const before: unknown[] = []
    answer = async (known) => {
      before.push(known)
      return `copy ${asked}`
    }
    await read()
    now += 2.5
    await read()
    expect(before).toEqual([undefined, 'copy 1'])
  })

  it('is asked for anew when the clock was set back', async () => {
    await read()
    now -= 50
    expect(await read()).toBe('copy 2')
  })
})

describe('a copy that cannot be had', () => {
  it('is an error, without another question for half a second', async () => {
    answer = () => Promise.reject(new Error('down'))
    await expect(read()).rejects.toThrow('failed: down')
    now += 0.49
    await expect(read()).rejects.toThrow('failed: down')
    expect(asked).toBe(1)
    answer = async () => 'back'
    now += 0.01
    expect(await read()).toBe('back')
  })

  it('leaves the old one to serve until it is too old', async () => {
    await read()
    answer = () => Promise.reject(new Error('down'))
    now += 3
    expect(await read()).toBe('copy 1')
    now += 0.01
    await expect(read()).rejects.toThrow('failed: down')
  })

  it('is an error too when it was asked for too long ago to be used', async () => {
    answer = async () => {
      now += 3.5
      return 'late'
    }
    await expect(read()).rejects.toThrow('failed: the answer was too slow')
    answer = async () => 'in time'
    expect(await read()).toBe('in time')
  })
})
