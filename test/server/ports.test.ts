/** The ports of a real process. */

import { expect, it } from 'vitest'
import { systemId } from '../../src/server/ports.ts'

it('an id is 192 bits that were never given out before, also when the stock of random bytes is filled again', () => {
  const ids = Array.from({ length: 1000 }, systemId)
  expect(new Set(ids).size).toBe(1000)
  // No part of one is in another, and none of them is of zeros.
  const halves = ids.flatMap((id) => [id.slice(0, 16), id.slice(16)])
  expect(new Set(halves).size).toBe(2000)
  for (const id of ids) expect(Buffer.from(id, 'base64url')).toHaveLength(24)
})
