/** Limits on wrong credentials and on requests: whom they stop, and whom they leave alone. */

import { describe, expect, it } from 'vitest'
import { senderOf } from '../../src/http/sender.ts'
import { endpointLimits } from '../../src/server/endpoint-limits.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { type Store, StoreUnavailableError } from '../../src/store/store.ts'

const issuer = 'https://auth.chat.example'

/** Two instances of one server on one store, and a clock. */
function twoInstances({ requestsPerSecond = 1000, pagesPerMinute = 600 } = {}) {
  let time = 1_800_000_000
  const now = () => time
  let down = false
  const kept = memoryStore({ now })
  const orDown = async <Answer>(answer: () => Promise<Answer>) => {
    if (down) throw new StoreUnavailableError('down')
    return await answer()
  }
  const store: Store = {
    ...kept,
    count: (key, window) => orDown(() => kept.count(key, window)),
    countOf: (key) => orDown(() => kept.countOf(key)),
  }
  const instance = () => {
    const limits = endpointLimits({ wrongCredentials: 10, requestsPerSecond, pagesPerMinute }, { store, now, issuer })
    if (limits?.throttle === undefined || limits.takeShare === undefined || limits.takePage === undefined)
      throw new Error('there are limits')
    return { throttle: limits.throttle, takeShare: limits.takeShare, takePage: limits.takePage }
  }
  return {
    one: instance(),
    other: instance(),
    pass: (seconds: number) => {
      time += seconds
    },
    loseStore: () => {
      down = true
    },
  }
}
type Instance = ReturnType<typeof twoInstances>['one']
const wrongTimes = async ({ throttle }: Instance, times: number, sender = '192.0.2.7', client = 'assistant') => {
  for (let at = 0; at < times; at++) await throttle.wrong(sender, client)
}
const heldFor = ({ throttle }: Instance, sender = '192.0.2.7', client = 'assistant') =>
  throttle.heldFor(sender, () => client)

describe('wrong credentials', () => {
  it('[ATK-074] [T58] ten in a minute hold their sender back for that client at every instance, and nobody else', async () => {
    const { one, other } = twoInstances()
    await wrongTimes(one, 9)
    expect(await heldFor(one)).toBe(0)
    await wrongTimes(one, 1)
    for (const instance of [one, other]) {
      expect(await heldFor(instance)).toBeGreaterThan(0)
      expect(await heldFor(instance, '192.0.2.8')).toBe(0)
      expect(await heldFor(instance, '192.0.2.7', 'notebook')).toBe(0)
    }
  })

  it('are one household of IPv6 together, and nobody gets new ones by changing the address in it', async () => {
    const { one } = twoInstances()
    for (let at = 0; at < 10; at++) await wrongTimes(one, 1, `2001:db8:1:2::${at}`)
    expect(await heldFor(one, '2001:db8:1:2::ffff')).toBe(60)
    expect(await heldFor(one, '2001:db8:1:3::1')).toBe(0)
  })

  it('count together wherever they were sent', async () => {
    const { one, other, pass } = twoInstances()
    await wrongTimes(one, 5)
    await wrongTimes(other, 5)
    pass(1)
    expect(await heldFor(one)).toBeGreaterThan(0)
    expect(await heldFor(other)).toBeGreaterThan(0)
  })

  it('are forgotten a minute after the first', async () => {
    const { one, pass } = twoInstances()
    await wrongTimes(one, 30)
    expect(await heldFor(one)).toBe(60)
    pass(59)
    expect(await heldFor(one)).toBe(1)
    pass(1)
    expect(await heldFor(one)).toBe(0)
  })

  it('that a sender sent elsewhere are noticed within a second, also where that sender was honest before', async () => {
    const { one, other, pass } = twoInstances()
    expect(await heldFor(other)).toBe(0)
    await wrongTimes(one, 10)
    pass(1)
    expect(await heldFor(other)).toBeGreaterThan(0)
  })

  it('are counted by each instance for itself while the store does not answer, and never without limit', async () => {
    const { one, other, loseStore, pass } = twoInstances()
    loseStore()
    await wrongTimes(one, 10)
    expect(await heldFor(one)).toBe(60)
    expect(await heldFor(other)).toBe(0)
    pass(2)
    expect(await heldFor(one)).toBe(58)
    pass(58)
    expect(await heldFor(one)).toBe(0)
  })

  it('of a sender whose request names no client hold nobody back', async () => {
    const { one } = twoInstances()
    await wrongTimes(one, 10)
    expect(await one.throttle.heldFor('192.0.2.7', () => undefined)).toBe(0)
  })
})

it('a name that a guesser makes up takes no more room than a short one', async () => {
  const keys: string[] = []
  const kept = memoryStore({ now: () => 0 })
  const store: Store = {
    ...kept,
    count: async (key, window) => {
      keys.push(key)
      return await kept.count(key, window)
    },
  }
  const limits = endpointLimits(
    { wrongCredentials: 2, requestsPerSecond: 9, pagesPerMinute: 30 },
    { store, now: () => 0, issuer },
  )
  for (const name of ['x'.repeat(60_000), 'x'.repeat(60_000), 'x'.repeat(59_999)])
    await limits?.throttle?.wrong('192.0.2.7', name)
  expect(new Set(keys.map(({ length }) => length))).toEqual(new Set([43]))
  expect(await limits?.throttle?.heldFor('192.0.2.7', () => 'x'.repeat(60_000))).toBe(60)
  expect(await limits?.throttle?.heldFor('192.0.2.7', () => 'x'.repeat(59_999))).toBe(0)
})

describe('the requests of a client', () => {
  it('are as many as its share, and a burst of two seconds', () => {
    const { one, pass } = twoInstances({ requestsPerSecond: 5 })
    for (let at = 0; at < 10; at++) one.takeShare('assistant')
    expect(() => one.takeShare('assistant')).toThrow(
      expect.objectContaining({ status: 429, reason: 'rate_limited', headers: { 'retry-after': '1' } }),
    )
    one.takeShare('notebook')
    pass(1)
    for (let at = 0; at < 5; at++) one.takeShare('assistant')
    expect(() => one.takeShare('assistant')).toThrow()
  })
})

describe('a clock that is set back', () => {
  it('takes nothing from anybody, and gives nothing', () => {
    const { one, pass } = twoInstances({ requestsPerSecond: 5 })
    for (let at = 0; at < 4; at++) one.takeShare('assistant')
    pass(-3600)
    for (let at = 0; at < 6; at++) one.takeShare('assistant')
    expect(() => one.takeShare('assistant')).toThrow()
    pass(1)
    for (let at = 0; at < 5; at++) one.takeShare('assistant')
    expect(() => one.takeShare('assistant')).toThrow()
  })
})

describe('the pages of the code grant', () => {
  it('are as many for one sender as the limit says, for a minute at once, and then as they are due', () => {
    const { one, pass } = twoInstances({ pagesPerMinute: 30 })
    for (let at = 0; at < 30; at++) one.takePage('192.0.2.7')
    expect(() => one.takePage('::ffff:192.0.2.7')).toThrow(
      expect.objectContaining({ status: 429, reason: 'rate_limited', headers: { 'retry-after': '2' } }),
    )
    one.takePage('192.0.2.8')
    pass(2)
    one.takePage('192.0.2.7')
    expect(() => one.takePage('192.0.2.7')).toThrow()
    pass(3600)
    for (let at = 0; at < 30; at++) one.takePage('192.0.2.7')
    expect(() => one.takePage('192.0.2.7')).toThrow()
  })

  it('are counted for a household of IPv6 together', () => {
    const { one } = twoInstances({ pagesPerMinute: 2 })
    one.takePage('2001:db8:1:2::7')
    one.takePage('2001:db8:1:2:ffff::')
    expect(() => one.takePage('2001:db8:1:2::8')).toThrow()
    one.takePage('2001:db8:1:3::7')
  })
})

describe('limits that are off', () => {
  it('are none', () => {
    const store = memoryStore({ now: () => 0 })
    expect(endpointLimits('off', { store, now: () => 0, issuer })).toBeUndefined()
  })
})

describe('one sender', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2::7', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2:ffff::', '2001:db8:1:2::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['not an address', 'not an address'],
  ])('%s is %s', (address, sender) => {
    expect(senderOf(address)).toBe(sender)
  })
})
