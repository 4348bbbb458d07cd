/** Narrowing of authorization details: whatever is asked, no more than is given comes out. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AuthorizationDetail } from '../../src/protocol/authorization-details.ts'
import { narrowDetails } from '../../src/protocol/detail-narrowing.ts'
import { mcp, search } from '../fixture/addresses.ts'
import { detailTypes } from '../fixture/authorization-details.ts'

const types = detailTypes()
const channel = (members: object): AuthorizationDetail => ({ type: 'channel', ...members })
const narrowed = (asked: object, given: object | object[], resources: string[] = [mcp, search]) =>
  narrowDetails([channel(asked)], { types, given: [given].flat().map(channel), locationsFor: () => resources })

describe('one object is narrowed', () => {
  it.each<[string, object, object, object]>([
    ['a set to what both have', { actions: ['read', 'delete'] }, { actions: ['write', 'read'] }, { actions: ['read'] }],
    ['a set of a rule of its own', { channels: ['#a', '#b'] }, { channels: ['#b'] }, { channels: ['#b'] }],
    ['a number to the smaller one', { limit: 100 }, { limit: 10 }, { limit: 10 }],
    ['a number that is small enough to itself', { limit: 1 }, { limit: 10 }, { limit: 1 }],
    ['a free member to what was asked', { note: 'x' }, {}, { note: 'x' }],
    ['a free member that policy names, when it is the same', { note: 'x' }, { note: 'x' }, { note: 'x' }],
    [
      'a member that is the same, whatever the order within',
      { keep: { a: 1, b: [2] } },
      { keep: { b: [2], a: 1 } },
      { keep: { a: 1, b: [2] } },
    ],
    [
      'a member that was not asked to what policy says',
      {},
      { identifier: 'c-1', limit: 5 },
      { identifier: 'c-1', limit: 5 },
    ],
    ['locations to the resources', { locations: [mcp, search] }, {}, { locations: [mcp, search] }],
    ['locations to those of policy', { locations: [mcp, search] }, { locations: [search] }, { locations: [search] }],
    ['locations that were not asked to those of policy', {}, { locations: [search] }, { locations: [search] }],
  ])('%s', (_, asked, given, left) => {
    const actions = ['read']
    expect(narrowed({ actions, ...asked }, { actions, ...given })).toEqual([channel({ actions, ...left })])
  })

  it.each<[string, object, object]>([
    ['no action in common', { actions: ['read'] }, { actions: ['write'] }],
    ['actions where policy names none', { actions: ['read'] }, {}],
    ['a member that policy does not name', { actions: ['read'], identifier: 'c-1' }, { actions: ['read'] }],
    ['a member of another value', { actions: ['read'], identifier: 'c-1' }, { actions: ['read'], identifier: 'c-2' }],
    [
      'a free member of another value than policy names',
      { actions: ['read'], note: 'x' },
      { actions: ['read'], note: 'y' },
    ],
    ['a set where policy has none', { actions: ['read'], channels: ['#a'] }, { actions: ['read'], channels: '#a' }],
    ['a limit that is no number', { actions: ['read'], limit: '5' }, { actions: ['read'], limit: 10 }],
    [
      'a location that is no resource',
      { actions: ['read'], locations: ['https://other.example'] },
      { actions: ['read'] },
    ],
    [
      'a location outside of policy',
      { actions: ['read'], locations: [mcp] },
      { actions: ['read'], locations: [search] },
    ],
    ['what its type refuses then', { note: 'x' }, {}],
    ['an object of every name', { actions: ['read'], constructor: ['x'] }, { actions: ['read'] }],
  ])('to nothing: %s', (_, asked, given) => {
    expect(narrowed(asked, given)).toEqual([])
  })

  it('to nothing where its type is good nowhere, or not known', () => {
    const given = [channel({ actions: ['read'] })]
    expect(narrowDetails(given, { types, given, locationsFor: () => undefined })).toEqual([])
    for (const known of [undefined, new Map()])
      expect(narrowDetails(given, { types: known, given, locationsFor: () => [mcp] })).toEqual([])
    expect(narrowDetails(given, { types, given, locationsFor: () => [mcp] })).toEqual(given)
  })
})

it('what two entries of a policy allow in part becomes two objects, and the same is there once', () => {
  const given = [{ actions: ['read'] }, { actions: ['write'], locations: [mcp] }, { actions: ['read', 'delete'] }]
  expect(narrowed({ actions: ['read', 'write'] }, given)).toEqual([
    channel({ actions: ['read'] }),
    channel({ actions: ['write'], locations: [mcp] }),
  ])
})

it('what would become more than 16 objects is refused', () => {
  const given = Array.from({ length: 17 }, (_, at) => ({ actions: ['read'], identifier: `c-${at}` }))
  expect(() => narrowed({ actions: ['read'] }, given)).toThrow(/more than 16/)
  expect(narrowed({ actions: ['read'] }, given.slice(1))).toHaveLength(16)
})

it('whatever is asked and given, every action and number that comes out is in both', () => {
  const actions = fc.uniqueArray(fc.constantFrom('read', 'write', 'delete'), { minLength: 1 })
  const limit = fc.integer({ min: 1, max: 9 })
  const detail = fc.record({ actions, limit }, { requiredKeys: ['actions'] })
  fc.assert(
    fc.property(detail, detail, (asked, given) => {
      for (const one of narrowed(asked, given)) {
        expect(asked.actions).toEqual(expect.arrayContaining(one.actions as string[]))
        expect(given.actions).toEqual(expect.arrayContaining(one.actions as string[]))
        for (const most of [asked.limit, given.limit])
          if (most !== undefined) expect(one.limit).toBeLessThanOrEqual(most)
      }
    }),
  )
})
