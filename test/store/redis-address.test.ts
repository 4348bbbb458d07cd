import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RedisAddressError, readRedisAddress, redisAddressText } from '../../src/store/redis-address.ts'

describe('the address of a Redis', () => {
  it.each([
    ['redis://cache', { kind: 'single', nodes: [{ host: 'cache', port: 6379 }], tls: false, database: 0 }],
    ['redis://127.0.0.1:7000/2', { kind: 'single', nodes: [{ host: '127.0.0.1', port: 7000 }], database: 2 }],
    [
      'rediss://xaa:p%40ss@[::1]:6380',
      { tls: true, username: 'xaa', password: 'p@ss', nodes: [{ host: '::1', port: 6380 }] },
    ],
    ['redis://:secret@cache', { password: 'secret' }],
    [
      'redis+sentinel://s1,s2:26380/main',
      {
        kind: 'sentinel',
        primary: 'main',
        nodes: [
          { host: 's1', port: 26_379 },
          { host: 's2', port: 26_380 },
        ],
      },
    ],
    [
      'rediss+cluster://a:7000,b:7001',
      {
        kind: 'cluster',
        tls: true,
        nodes: [
          { host: 'a', port: 7000 },
          { host: 'b', port: 7001 },
        ],
      },
    ],
  ])('%s is read', (text, expected) => {
    expect(readRedisAddress(text)).toMatchObject(expected)
  })

  it.each([
    ['redis//cache', 'must be redis://HOST:PORT/DB'],
    ['redis://', 'must be redis://HOST:PORT/DB'],
    ['redis://cache:0', 'must be redis://HOST:PORT/DB'],
    ['redis://cache:99999', 'must be redis://HOST:PORT/DB'],
    ['redis://cache?db=1', 'must be redis://HOST:PORT/DB'],
    ['redis://cache/main', 'must end with the number of a database'],
    ['redis://a,b', 'names several servers'],
    ['redis+sentinel://a', 'must end with the name that the Sentinels give the primary'],
    ['redis+cluster://a/1', 'must end with the last port'],
    ['redis+other://a', 'must be redis://HOST:PORT/DB'],
    ['redis://%zz:a@cache', 'has a user or password that is not percent-encoded'],
  ])('%s is refused', (text, fact) => {
    expect(() => readRedisAddress(text)).toThrow(fact)
  })

  it('is shown without user and password', () => {
    expect(redisAddressText(readRedisAddress('rediss+sentinel://xaa:hunter2@[::1],b:1/main'))).toBe(
      'rediss+sentinel://[::1]:26379,b:1/main',
    )
    expect(redisAddressText(readRedisAddress('redis://:hunter2@cache/0'))).toBe('redis://cache:6379')
  })

  it('is read or refused with a fact, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.constantFrom('', 'redis://', 'redis+sentinel://a:', 'rediss+cluster://'),
        (text, start) => {
          try {
            expect(readRedisAddress(redisAddressText(readRedisAddress(start + text))).kind).toMatch(
              /single|sentinel|cluster/,
            )
          } catch (error) {
            expect(error).toBeInstanceOf(RedisAddressError)
          }
        },
      ),
    )
  })
})
