/** Our own verifier beside jose: the same verdict on every token, good, broken or nearly right. */

import { describe, expect, it } from 'vitest'
import { jwsCorpus } from '../fixture/jws-mutations.ts'
import { hostile, randomOf } from '../fixture/mutations.ts'

describe('our own verifier and jose', () => {
  it('[ATK-027] agree on 8000 tokens with changed bytes, numbers, headers and signatures', async () => {
    const corpus = await jwsCorpus()
    const below = randomOf(7)
    const disagreements: string[] = []
    for (let batch = 0; batch < 80; batch++) {
      const tokens = Array.from({ length: 100 }, () => corpus.mutant(below))
      const found = await Promise.all(tokens.map(corpus.disagreement))
      for (const [at, one] of found.entries()) if (one !== undefined) disagreements.push(`${tokens[at]}: ${one}`)
    }
    expect(disagreements).toEqual([])
  })

  it('are asked about tokens that are good, and about as many that are nearly good', async () => {
    const corpus = await jwsCorpus()
    const below = randomOf(8)
    const good = await Promise.all(Array.from({ length: 500 }, () => corpus.isGood(corpus.mutant(below))))
    const share = good.filter(Boolean).length / good.length
    expect(share).toBeGreaterThan(0.03)
    expect(share).toBeLessThan(0.3)
  })

  it('agree on text that breaks something somewhere', async () => {
    const corpus = await jwsCorpus()
    const below = randomOf(9)
    for (let count = 0; count < 500; count++)
      expect(await corpus.disagreement(hostile(corpus.mutant(below), below))).toBeUndefined()
  })
})
