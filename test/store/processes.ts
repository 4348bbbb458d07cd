/** Several processes on one store: what must hold when they race, and when one of them is killed. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import type { Order } from './racer.ts'

export async function racer(place: string): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('./racer.ts', import.meta.url))
  const child = fork(script, [place], { execArgv: ['--import', 'tsx'] })
  await once(child, 'message')
  return child
}

/** Lets the processes race for the same ids; each id is spent by exactly one of them. */
export async function expectOneWinner(children: readonly ChildProcess[], ids: readonly string[]): Promise<void> {
  const order: Order = { spend: [...ids] }
  const answers = await Promise.all(
    children.map(async (child) => {
      const answer = once(child, 'message')
      child.send(order)
      return (await answer)[0] as string[]
    }),
  )
  expect(answers.flat().sort()).toEqual([...ids].sort())
}

/** Kills a process while it spends ids; none of those it was told about can be spent again. Gives how many there were. */
export async function expectNoneForgotten(
  child: ChildProcess,
  name: string,
  other: () => Promise<Store>,
): Promise<number> {
  const told: string[] = []
  const enough = new Promise<void>((resolve) => {
    child.on('message', (id: string) => {
      told.push(id)
      if (told.length === 200) resolve()
    })
  })
  const ended = once(child, 'exit')
  child.send({ flood: name } satisfies Order)
  await enough
  child.kill('SIGKILL')
  await ended
  const store = await other()
  const again = await Promise.all(told.map((id) => store.once(id, Date.now() / 1000 + 600)))
  expect(again.filter(Boolean)).toEqual([])
  expect(await store.once(`${name}-fresh`, Date.now() / 1000 + 600)).toBe(true)
  await store.close()
  return told.length
}
