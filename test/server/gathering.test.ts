import { expect, it } from 'vitest'
import { gathered } from '../../src/server/gathering.ts'

const turn = () => new Promise<void>((next) => setImmediate(next))

/** Comes once in every turn of the event loop, so many times; counts them. */
function visitors(many: number) {
  let came = 0
  const all = (async () => {
    while (came < many) {
      came += 1
      await turn()
    }
  })()
  return { came: () => came, all }
}

it('waits for all who come with every turn of the event loop', async () => {
  const { came } = visitors(5)
  await gathered(came, 0)
  expect(came()).toBe(5)
})

it('waits for nobody longer than some milliseconds', async () => {
  const { came, all } = visitors(1_000_000)
  const began = performance.now()
  await gathered(came, 0)
  expect(performance.now() - began).toBeGreaterThanOrEqual(10)
  expect(came()).toBeLessThan(1_000_000)
  void all
}, 60_000)

it('gives the others of a usual crowd a moment, and whoever is usually alone none', async () => {
  for (const { usual, comes } of [
    { usual: 3, comes: 2 },
    { usual: 2, comes: 1 },
  ]) {
    let there = 1
    let due = false
    const timer = setTimeout(() => {
      due = true
    })
    const soon = setInterval(() => {
      there = 2
    }, 0)
    await gathered(() => there, usual)
    clearInterval(soon)
    clearTimeout(timer)
    expect({ there, due }, `usual: ${usual}`).toEqual({ there: comes, due: comes === 2 })
  }
})
