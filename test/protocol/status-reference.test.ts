/** Where the status of a token stands: the claim, and the way back from it to the index. */

import { describe, expect, it } from 'vitest'
import { readStatusClaim, statusClaimOf, statusIndexOf } from '../../src/protocol/status-reference.ts'

const issuer = 'https://as.example'

describe('the place of an index', () => {
  it.each([
    [0, `${issuer}/status/0`, 0],
    [65_535, `${issuer}/status/0`, 65_535],
    [65_536, `${issuer}/status/1`, 0],
    [10_000_000, `${issuer}/status/152`, 38_528],
  ])('%i is found again by its claim', (index, uri, idx) => {
    const claim = statusClaimOf(issuer, index)
    expect(claim).toEqual({ status_list: { uri, idx } })
    expect(statusIndexOf(issuer, claim)).toBe(index)
  })

  it('has one slash after an issuer that ends in one', () => {
    expect(statusClaimOf('https://as.example/', 1).status_list.uri).toBe('https://as.example/status/0')
    expect(statusIndexOf('https://as.example/', statusClaimOf('https://as.example/', 7))).toBe(7)
  })

  it.each([
    ['no claim', undefined],
    ['a list of another issuer', statusClaimOf('https://other.example', 3)],
    ['a place beyond the list', { status_list: { idx: 65_536, uri: `${issuer}/status/0` } }],
    ['a list with another spelling', { status_list: { idx: 1, uri: `${issuer}/status/00` } }],
    ['a list that is no number', { status_list: { idx: 1, uri: `${issuer}/status/x` } }],
    ['a list with a fraction', { status_list: { idx: 1, uri: `${issuer}/status/0.5` } }],
  ])('is none for %s', (_, claim) => {
    expect(statusIndexOf(issuer, claim)).toBeUndefined()
  })
})

describe('the claim status', () => {
  it('may be absent, and may have more members than ours', () => {
    expect(readStatusClaim(undefined)).toBeUndefined()
    const claim = { status_list: { idx: 1, uri: 'https://x.example/1', more: 1 }, other: {} }
    expect(readStatusClaim(claim)).toMatchObject({ idx: 1, uri: 'https://x.example/1' })
  })

  it.each([
    ['no object', 'x'],
    ['null', null],
    ['another mechanism alone', { identifier_list: { id: 'a' } }],
    ['a negative place', { status_list: { idx: -1, uri: 'https://x.example' } }],
    ['a place that is no whole number', { status_list: { idx: 0.5, uri: 'https://x.example' } }],
    ['a place that is text', { status_list: { idx: '1', uri: 'https://x.example' } }],
    ['no address', { status_list: { idx: 1 } }],
    ['an endless address', { status_list: { idx: 1, uri: `https://x.example/${'x'.repeat(2048)}` } }],
  ])('with %s is refused', (_, claim) => {
    expect(() => readStatusClaim(claim)).toThrow(expect.objectContaining({ name: 'JwtError', reason: 'malformed' }))
  })
})
