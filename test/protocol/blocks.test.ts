/** Blocks: the index finds what a look at each of them finds. */

import { describe, expect, it } from 'vitest'
import { type Access, type Block, BlockIndex, blockMembers, blockOf } from '../../src/protocol/blocks.ts'

const access: Access = {
  users: ['alice', 'alice@acme.example'],
  client: 'wiki',
  audiences: ['https://chat.example', 'https://chat.example/mcp'],
  issuer: 'https://acme.example',
  tenant: 'one',
}
const fitting: Required<Block> = {
  user: 'alice@acme.example',
  client: 'wiki',
  audience: 'https://chat.example/mcp',
  tenant: 'one',
  issuer: 'https://acme.example',
}

/** Every combination of members, each of them with the fitting name or with another. */
function everyBlock(): Block[] {
  return blockMembers.reduce<Block[]>(
    (blocks, member) =>
      blocks.flatMap((block) => [block, { ...block, [member]: fitting[member] }, { ...block, [member]: 'another' }]),
    [{}],
  )
}

describe('an index of blocks', () => {
  const all = everyBlock()

  it.each(all.map((block) => [JSON.stringify(block), block] as const))('judges %s as a list does', (_, block) => {
    expect(blockOf(new BlockIndex([block]), access)).toBe(blockOf([block], access))
    const { tenant: __, ...elsewhere } = access
    expect(blockOf(new BlockIndex([block]), elsewhere)).toBe(blockOf([block], elsewhere))
    expect(new BlockIndex(all.filter((one) => one !== block)).has(block)).toBe(false)
    expect(new BlockIndex(all).has(block)).toBe(Object.keys(block).length > 0)
  })

  it('looks at those of the names of an access, and at no others', () => {
    const others = Array.from({ length: 1000 }, (_, at) => ({ user: `user-${at}` }))
    const index = new BlockIndex([...others, { user: 'alice', client: 'wiki' }])
    expect(index.whichMayStop(access)).toEqual([{ user: 'alice', client: 'wiki' }])
    expect(blockOf(index, access)).toEqual({ user: 'alice', client: 'wiki' })
    expect([index.size, [...index].length]).toEqual([1001, 1001])
  })

  it('stops nobody while it is empty', () => {
    expect(blockOf(new BlockIndex([]), access)).toBeUndefined()
  })

  it('keeps what it was made from, whatever becomes of the list', () => {
    const list = [{ user: 'alice' }]
    const index = new BlockIndex(list)
    list.pop()
    expect(blockOf(index, access)).toEqual({ user: 'alice' })
  })
})
