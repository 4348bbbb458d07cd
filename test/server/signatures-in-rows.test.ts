import { expect, it } from 'vitest'
import { inRows } from '../../src/server/signatures-in-rows.ts'

it('computes what was asked for at the same time in one row, each with its own outcome', async () => {
  const computed: string[] = []
  const { verify, sign } = inRows({
    verify({ token }) {
      computed.push(token)
      if (token === 'bad key') throw new Error(token)
      return token === 'later' ? Promise.resolve(false) : token === 'good'
    },
    sign(input) {
      computed.push(input)
      return Buffer.from(input)
    },
  })
  const shown = (token: string) => verify({ token } as Parameters<typeof verify>[0])
  const signer = {} as Parameters<typeof sign>[1]
  const asked = [
    shown('good'),
    sign('one', signer),
    shown('bad key'),
    shown('later'),
    shown('forged'),
    sign('two', signer),
  ]
  expect(computed).toEqual([])
  const outcomes = await Promise.allSettled(asked)
  expect(computed).toEqual(['good', 'bad key', 'later', 'forged', 'one', 'two'])
  expect(outcomes).toEqual([
    { status: 'fulfilled', value: true },
    { status: 'fulfilled', value: Buffer.from('one') },
    { status: 'rejected', reason: new Error('bad key') },
    { status: 'fulfilled', value: false },
    { status: 'fulfilled', value: false },
    { status: 'fulfilled', value: Buffer.from('two') },
  ])
  expect(await shown('good')).toBe(true)
})
