/** The keys of another issuer over time: fetched when they must be, and never more often. */

import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { type FetchDocument, FetchError, issuerKeys } from '../../src/protocol/issuer-keys.ts'
import type { KeySource } from '../../src/protocol/keys.ts'
import { publicJwk } from '../fixture/keys.ts'

const issuer = 'https://idp.example/t1'
const first = 'https://idp.example/.well-known/oauth-authorization-server/t1'
const jwksUri = 'https://keys.example/jwks'

type Answer = { status: number; body: unknown } | Error
let documents: Map<string, Answer>
let fetched: string[]
let warnings: string[]
let now: number
let source: KeySource

const fetchDocument: FetchDocument = async (url, { maxBytes }) => {
  fetched.push(url)
  const answer = documents.get(url) ?? { status: 404, body: '' }
  if (answer instanceof Error) throw answer
  const { status, body } = answer
  expect(maxBytes).toBeGreaterThan(1000)
  return { status, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) }
}
const options = { issuer, fetchDocument, now: () => now, warn: (message: string) => warnings.push(message) }
const publish = async (...kids: string[]) =>
  documents.set(jwksUri, { status: 200, body: { keys: await Promise.all(kids.map((kid) => publicJwk(kid))) } })
const find = async (kid?: string) => await source.find({ alg: 'ES256', kid })
const jwksFetches = () => fetched.filter((url) => url === jwksUri).length
const unavailable = (reason: string) => expect.objectContaining({ code: 'temporarily_unavailable', reason })
const unknown = expect.objectContaining({ name: 'JwtError', reason: 'key_unknown' })

beforeEach(async () => {
  documents = new Map<string, Answer>([[first, { status: 200, body: { issuer, jwks_uri: jwksUri } }]])
  fetched = []
  warnings = []
  now = 1000
  source = issuerKeys(options)
  await publish('k1')
})

describe('a key', () => {
  it('[T60] is found by the issuer’s metadata, fetched once for everybody who waits', async () => {
    await Promise.all(Array.from({ length: 20 }, () => find('k1')))
    now += 299
    await find('k1')
    expect(fetched).toEqual([first, jwksUri])
  })

  it('is fetched in the open: whoever counts fetches is told how each of them ended', async () => {
    const ends: (string | undefined)[] = []
    source = issuerKeys({ ...options, onFetched: (failure) => ends.push(failure) })
    await find('k1')
    documents.set(jwksUri, { status: 500, body: {} })
    now += 601
    await find('k1')
    expect(ends).toEqual([undefined, 'jwks_unavailable'])
  })

  it('is found without metadata where the address of the set is configured', async () => {
    source = issuerKeys({ ...options, jwksUri })
    await find('k1')
    expect(fetched).toEqual([jwksUri])
  })

  it('[ATK-121] [T62] that is new is found at once', async () => {
    await find('k1')
    await publish('k1', 'k2')
    await find('k2')
    expect(jwksFetches()).toBe(2)
    await publish('k1', 'k2', 'k3')
    await find('k3')
    await publish('k1', 'k2', 'k3', 'k4')
    await expect(find('k4')).rejects.toEqual(unknown)
    now += 60
    await find('k4')
  })

  it('[ATK-121] [T62] that was withdrawn is refused after 600 s at the latest, and before when the set was looked at', async () => {
    await publish('k1', 'k2')
    await find('k2')
    await publish('k1')
    now += 300
    await find('k2')
    expect(jwksFetches()).toBe(1)
    now += 301
    await expect(find('k2')).rejects.toEqual(unknown)
    expect(jwksFetches()).toBe(2)
  })

  it('is looked for again in the background from 300 s on, while the old set serves', async () => {
    await find('k1')
    await publish('k2')
    now += 301
    await find('k1')
    await expect.poll(jwksFetches).toBe(2)
    await expect.poll(() => find('k2')).toBeDefined()
    await expect(find('k1')).rejects.toEqual(unknown)
  })

  it('[ATK-120] [T61] that nobody publishes leads to two fetches in a minute, however many ask', async () => {
    await find('k1')
    for (let asked = 0; asked < 10_000; asked++) {
      now = 1000 + asked * 0.0059
      await expect(find(randomUUID())).rejects.toEqual(unknown)
    }
    expect(jwksFetches()).toBe(1 + 2)
    await find('k1')
    expect(jwksFetches()).toBe(1 + 2)
  })

  it('[ATK-120] [T61] that nobody publishes leads to one fetch for all who ask at once', async () => {
    await find('k1')
    now += 30
    const asked = await Promise.allSettled(Array.from({ length: 50 }, () => find(randomUUID())))
    expect(asked.every(({ status }) => status === 'rejected')).toBe(true)
    expect(jwksFetches()).toBe(2)
  })

  it('that is not named, or is of another algorithm, leads to no fetch', async () => {
    await publish('k1', 'k2')
    await find('k1')
    now += 31
    await expect(find()).rejects.toMatchObject({ reason: 'key_ambiguous' })
    await expect(source.find({ alg: 'EdDSA', kid: undefined })).rejects.toEqual(unknown)
    await expect(source.find({ alg: 'EdDSA', kid: 'k1' })).rejects.toMatchObject({ reason: 'alg_not_allowed' })
    expect(jwksFetches()).toBe(1)
  })
})

describe('an issuer in trouble', () => {
  it('[ATK-119] that was never reached is 503, and is asked again after 30 s', async () => {
    documents.set(jwksUri, new FetchError('fetch_failed', 'no answer'))
    for (let asked = 0; asked < 5; asked++) await expect(find('k1')).rejects.toEqual(unavailable('jwks_unavailable'))
    expect(jwksFetches()).toBe(1)
    expect(warnings).toEqual([`keys of ${issuer}: no answer`])
    now += 30
    await publish('k1')
    await find('k1')
  })

  it('[ATK-119] [T63] serves known keys for an hour from its last good set, and then is 503', async () => {
    await find('k1')
    documents.set(jwksUri, { status: 500, body: '' })
    for (const age of [301, 601, 3600]) {
      now = 1000 + age
      await find('k1')
    }
    now = 1000 + 3601
    await expect(find('k1')).rejects.toEqual(unavailable('jwks_unavailable'))
    await publish('k1')
    now += 30
    await find('k1')
  })

  it('[ATK-119] is 503 for a key it may have published since', async () => {
    await find('k1')
    documents.set(jwksUri, { status: 503, body: '' })
    now += 30
    await expect(find('k2')).rejects.toEqual(unavailable('jwks_unavailable'))
    await expect(find('k2')).rejects.toEqual(unavailable('jwks_unavailable'))
    expect(jwksFetches()).toBe(2)
    await find('k1')
  })

  it.each<[string, string, Answer, string]>([
    ['[ATK-118] whose set is HTML', jwksUri, { status: 200, body: '<html>' }, 'jwks_invalid'],
    ['[ATK-118] whose set is an array', jwksUri, { status: 200, body: [] }, 'jwks_invalid'],
    ['[ATK-118] whose set has no keys', jwksUri, { status: 200, body: { keys: {} } }, 'jwks_invalid'],
    [
      '[ATK-118] whose set holds a secret',
      jwksUri,
      { status: 200, body: { keys: [{ kty: 'oct', k: 'AA' }] } },
      'jwks_invalid',
    ],
    ['[ATK-116] whose set is elsewhere', jwksUri, { status: 302, body: '' }, 'jwks_unavailable'],
    [
      '[ATK-114] whose set is at an address that may not be called',
      jwksUri,
      new FetchError('fetch_blocked', 'private'),
      'fetch_blocked',
    ],
    [
      '[ATK-122] whose metadata is another’s',
      first,
      { status: 200, body: { issuer: 'https://idp.example', jwks_uri: jwksUri } },
      'metadata_invalid',
    ],
    [
      '[D-09] whose metadata differs by a slash',
      first,
      { status: 200, body: { issuer: `${issuer}/`, jwks_uri: jwksUri } },
      'metadata_invalid',
    ],
    ['whose metadata names no set', first, { status: 200, body: { issuer } }, 'metadata_invalid'],
    ['whose metadata is HTML', first, { status: 200, body: '<html>' }, 'metadata_invalid'],
    ['whose metadata cannot be had now', first, { status: 500, body: '' }, 'jwks_unavailable'],
    ['that publishes nothing', first, { status: 404, body: '' }, 'metadata_invalid'],
  ])('%s is 503, and the operator is told', async (_, url, answer, reason) => {
    const good = documents.get(url)
    documents.set(url, answer)
    await expect(find('k1')).rejects.toEqual(unavailable(reason))
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain(issuer)
    if (good !== undefined) documents.set(url, good)
    now += 30
    await find('k1')
  })

  it('[ATK-118] with a bad set keeps its last good one', async () => {
    await find('k1')
    documents.set(jwksUri, { status: 200, body: { keys: [] } })
    now += 601
    await find('k1')
    expect(warnings).toHaveLength(1)
  })

  it('of which nothing sensible is thrown is 503 too', async () => {
    source = issuerKeys({ ...options, fetchDocument: () => Promise.reject('odd') })
    await expect(find('k1')).rejects.toMatchObject({ reason: 'metadata_invalid', detail: `keys of ${issuer}: unknown` })
  })

  it('whose set grows old between two looks at a clock that leaps is 503', async () => {
    const looks = [0, 0, 5000]
    let leaping = false
    source = issuerKeys({ ...options, now: () => now + (leaping ? (looks.shift() ?? 5000) : 0) })
    await find('k1')
    leaping = true
    await expect(find('k1')).rejects.toEqual(unavailable('jwks_unavailable'))
  })

  it('serves from its last good set while the clock of this server is set back', async () => {
    await find('k1')
    now -= 10_000
    await find('k1')
    expect(jwksFetches()).toBe(1)
  })
})

describe('a key at hand', () => {
  const atHand = (kid?: string) => source.atHand?.({ alg: 'ES256', kid })

  it('is the one that would be found, and nobody is asked for another', async () => {
    expect(atHand('k1')).toBeUndefined()
    const found = await find('k1')
    expect(atHand('k1')).toBe(found)
    expect(atHand('k9')).toBeUndefined()
    expect(atHand()).toBeUndefined()
    expect(jwksFetches()).toBe(1)
  })

  it('is none as soon as its set should be fetched again', async () => {
    await find('k1')
    now += 300
    expect(atHand('k1')).toBeDefined()
    now += 1
    expect(atHand('k1')).toBeUndefined()
  })

  it('is none that was purged, alone or with all keys of its issuer', async () => {
    let [purgedAt, purged] = [0, false]
    source = issuerKeys({ ...options, refuseBefore: () => purgedAt, isPurged: () => purged })
    await find('k1')
    expect(atHand('k1')).toBeDefined()
    purged = true
    expect(atHand('k1')).toBeUndefined()
    purged = false
    purgedAt = 1
    expect(atHand('k1')).toBeUndefined()
  })
})

describe('a purge', () => {
  it('of an issuer’s keys makes the next request fetch, however often others did, and is 503 until it can', async () => {
    let purgedAt = 0
    source = issuerKeys({ ...options, refuseBefore: () => purgedAt })
    await publish('k1', 'k2')
    await find('k1')
    await expect(find('k9')).rejects.toEqual(unknown)
    expect(jwksFetches()).toBe(2)
    await find('k1')
    purgedAt = 5_000_000
    const good = documents.get(jwksUri)
    documents.set(jwksUri, { status: 500, body: '' })
    for (const _ of [1, 2]) await expect(find('k1')).rejects.toEqual(unavailable('jwks_unavailable'))
    expect(jwksFetches()).toBe(3)
    if (good !== undefined) documents.set(jwksUri, good)
    await publish('k2')
    now += 15
    await find('k2')
    await expect(find('k1')).rejects.toEqual(unknown)
    expect(jwksFetches()).toBe(5)
  })

  it('of an issuer’s keys lets no answer in that was asked for before', async () => {
    let purgedAt = 0
    let answer = (): void => {}
    const asked = new Promise<void>((resolve) => {
      source = issuerKeys({
        ...options,
        refuseBefore: () => purgedAt,
        fetchDocument: async (url, limits) => {
          const document = await fetchDocument(url, limits)
          if (url !== jwksUri || purgedAt > 0) return document
          resolve()
          await new Promise<void>((go) => {
            answer = go
          })
          return document
        },
      })
    })
    const waiting = find('k1')
    await asked
    purgedAt = 1
    await publish('k2')
    await find('k2')
    answer()
    await expect(waiting).rejects.toEqual(unknown)
    await expect(find('k1')).rejects.toEqual(unknown)
  })

  it('of one key holds whatever its issuer publishes, and leads to no fetch', async () => {
    let purged: string[] = []
    source = issuerKeys({ ...options, isPurged: (kid) => purged.includes(kid) })
    await publish('k1', 'k2')
    await find('k1')
    purged = ['k1']
    await expect(find('k1')).rejects.toEqual(unknown)
    await find('k2')
    await find(undefined)
    expect(jwksFetches()).toBe(1)
  })
})
