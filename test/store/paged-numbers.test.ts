/** Numbers in pages: what a plain array would hold, across the borders of pages. */

import { describe, expect, it } from 'vitest'
import { pagedNumbers } from '../../src/store/paged-numbers.ts'

describe('paged numbers', () => {
  it('are 0 until they are set, wherever they stand', () => {
    const numbers = pagedNumbers()
    expect(numbers.get(0)).toBe(0)
    numbers.set(200_000, 7)
    numbers.set(65_535, 1)
    numbers.set(65_536, 2 ** 32 - 2)
    expect([199_999, 200_000, 65_535, 65_536, 0].map(numbers.get)).toEqual([0, 7, 1, -2, 0])
  })

  it('lose what lies two pages beyond the length they are trimmed to, and nothing before it', () => {
    const numbers = pagedNumbers()
    for (const index of [10, 70_000, 140_000, 210_000]) numbers.set(index, index)
    numbers.trim(11)
    expect([10, 70_000, 140_000, 210_000].map(numbers.get)).toEqual([10, 70_000, 0, 0])
  })
})
