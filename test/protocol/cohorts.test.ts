import { expect, it } from 'vitest'
import { newCohorts, settled } from '../../src/protocol/cohorts.ts'

const turn = () => new Promise<void>((next) => setImmediate(next))

it('waits for all who come with every turn of the event loop, until there are enough', async () => {
  for (const [come, seen] of [
    [5, 5],
    [1000, 64],
  ]) {
    let came = 0
    const coming = (async () => {
      while (came < (come ?? 0)) {
        came += 1
        await turn()
      }
    })()
    await settled(() => came)
    expect(came).toBe(seen)
    await coming
  }
})

it('lets those who came at once go on in a row, and whoever comes later in another', async () => {
  const together = newCohorts()
  const steps: string[] = []
  const walk = async (name: string) => {
    steps.push(`${name} comes`)
    await together()
    steps.push(`${name} goes on`)
  }
  const first = [walk('a'), walk('b')]
  await turn()
  const late = walk('c')
  await Promise.all([...first, late])
  await walk('d')
  expect(steps).toEqual([
    'a comes',
    'b comes',
    'c comes',
    'a goes on',
    'b goes on',
    'c goes on',
    'd comes',
    'd goes on',
  ])
})
