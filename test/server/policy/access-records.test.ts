/** The names of accesses in one process: what is another access never has the name of this one, or a block would end the wrong tokens. */

import { expect, it } from 'vitest'
import type { Access } from '../../../src/protocol/blocks.ts'
import { accessName, accessText } from '../../../src/server/policy/access-records.ts'

const day = 24 * 3600
const access: Access = {
  users: ['alice', 'u-1'],
  client: 'robot',
  audiences: ['https://a', 'https://b'],
  issuer: 'https://i',
}

it('two accesses have one name only when they have one record', () => {
  const others: Access[] = [
    access,
    { ...access, users: ['alice', 'u-2'] },
    { ...access, users: ['alice 3 u-1'] },
    { ...access, users: ['alice', 'u-1', 'https://a'], audiences: ['https://b'] },
    { ...access, users: [] },
    { ...access, audiences: ['https://a', 'https://b', '5'] },
    { ...access, audiences: ['https://a'] },
    { ...access, client: 'robot9 https://i', issuer: '' },
    { ...access, client: 'robo', issuer: 'thttps://i' },
    { ...access, issuer: 'https://j' },
    { ...access, tenant: '' },
    { ...access, tenant: 'acme' },
    { ...access, tenant: 'beta' },
    { ...access, issuer: 'https://iacme' },
  ]
  const at = [day, 2 * day]
  const names = at.flatMap((now) => others.map((one) => accessName(one, now)))
  const texts = at.flatMap((now) => others.map((one) => accessText(one, now)))
  expect(new Set(texts).size).toBe(texts.length)
  expect(new Set(names).size).toBe(names.length)
  expect(accessName({ ...access }, day + 1)).toBe(names[0])
})
