/** The closed list of reasons, and the one question about hosts. */

import { describe, expect, it } from 'vitest'
import { isLoopbackHost } from '../../src/protocol/loopback.ts'
import { reasons } from '../../src/protocol/reasons.ts'

describe('the list of reasons', () => {
  it('has each word once, in one spelling', () => {
    expect(new Set(reasons).size).toBe(reasons.length)
    for (const reason of reasons) expect(reason).toMatch(/^[a-z]+(_[a-z]+)*$/)
  })
})

describe('this very machine', () => {
  it.each(['localhost', '127.0.0.1', '127.8.9.10', '[::1]'])('is %s', (host) => {
    expect(isLoopbackHost(host)).toBe(true)
  })

  it.each(['localhost.evil.example', '127.0.0.1.evil.example', '128.0.0.1', '[::2]', '', '0.0.0.0', 'x127.0.0.1'])(
    'is not %j',
    (host) => {
      expect(isLoopbackHost(host)).toBe(false)
    },
  )
})
