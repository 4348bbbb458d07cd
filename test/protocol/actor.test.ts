/** How much of an actor claim is carried on. */

import { expect, it } from 'vitest'
import { isBoundedActor } from '../../src/protocol/actor.ts'

const nested = (depth: number): object => (depth === 1 ? { sub: 'a' } : { sub: 'a', act: nested(depth - 1) })

it.each<[string, unknown, boolean]>([
  ['one actor', { sub: 'a' }, true],
  ['one that is named by other members', { client_id: 'a' }, true],
  ['four', nested(4), true],
  ['five', nested(5), false],
  ['a name', 'a', false],
  ['nothing', null, false],
  ['nobody', undefined, false],
  ['a list', [{ sub: 'a' }], false],
  ['an actor inside that is none', { sub: 'a', act: 'b' }, false],
  ['2048 characters', { sub: 'a'.repeat(2038) }, true],
  ['2049 characters', { sub: 'a'.repeat(2039) }, false],
])('[JAG-13] %s', (_, actor, carried) => {
  expect(isBoundedActor(actor)).toBe(carried)
})
