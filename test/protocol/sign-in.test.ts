/** Demands on a sign-in, joined to one that says what all of them do. */

import { expect, it } from 'vitest'
import { type SignInDemand, together } from '../../src/protocol/sign-in.ts'

it.each<[string, SignInDemand[], SignInDemand]>([
  ['none of none', [{}, {}], {}],
  ['the shortest age', [{ maxAge: 600 }, {}, { maxAge: 0 }], { maxAge: 0 }],
  ['the classes that all take, best first', [{ acr: ['b', 'a', 'c'] }, { acr: ['c', 'b'] }], { acr: ['b', 'c'] }],
  ['both kinds', [{ acr: ['a'] }, { maxAge: 5 }], { acr: ['a'], maxAge: 5 }],
  ['the first where no class is enough for all', [{ acr: ['a'] }, { acr: ['b'] }], { acr: ['a'] }],
])('together they demand %s', (_, demands, demanded) => {
  expect(together(demands)).toEqual(demanded)
})
