import { expect, it } from 'vitest'
import { goingOnTogether, inRows } from '../../src/server/signatures-in-rows.ts'

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

it('lets those whose signatures are ready at the same time go on in a row, with their own outcomes', async () => {
  const steps: string[] = []
  const { verify, sign } = goingOnTogether({
    async verify({ token }) {
      steps.push(`${token} is ready`)
      if (token === 'bad key') throw new Error(token)
      return token === 'good'
    },
    sign: (input) => Buffer.from(input),
  })
  const shown = async (token: string) => {
    const isGood = await verify({ token } as Parameters<typeof verify>[0])
    steps.push(`${token} goes on`)
    return isGood
  }
  expect(await Promise.all([shown('good'), shown('forged')])).toEqual([true, false])
  expect(steps).toEqual(['good is ready', 'forged is ready', 'good goes on', 'forged goes on'])
  await expect(shown('bad key')).rejects.toThrow('bad key')
  expect(await sign('one', {} as Parameters<typeof sign>[1])).toEqual(Buffer.from('one'))
})
