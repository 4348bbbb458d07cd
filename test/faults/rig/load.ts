/** Redemptions by a fixed schedule, whether the server keeps up or not. */

import type { Seconds } from '../../../src/protocol/ports.ts'
import { generatorNow } from './clock.ts'
import type { FaultEnterprise } from './enterprise.ts'
import type { MintedToken } from './identity-provider.ts'
import type { Instance } from './instance.ts'

export interface Load {
  /** New ID-JAGs for each second. */
  rate: number
  /** How often each is presented, within 50 ms. */
  times: number
  /** How far the issuer's clock is before ours. */
  ahead?: Seconds
  /** Where the next one goes; any instance that is up, unless given. */
  route?: () => Instance
}

/**
 * Runs a script while redemptions go out, and gives what it gives once the last of them was answered. Each part of the schedule is
 * minted while the one before is sent, so that signing delays nothing and no ID-JAG is older than two seconds.
 */
export async function underLoad<Result>(
  enterprise: FaultEnterprise,
  { rate, times, ahead = 0, route = enterprise.anyInstance }: Load,
  script: () => Promise<Result>,
): Promise<Result> {
  let over = false
  const running = script().finally(() => {
    over = true
  })
  const answers: Promise<unknown>[] = []
  const start = generatorNow()
  // Whatever the script throws is thrown at the end, when nothing is under way any more.
  running.catch(() => {})
  let next = enterprise.mint(rate, ahead)
  for (let second = 0; !over; second++) {
    const tokens = await next
    next = enterprise.mint(rate, ahead)
    const plan = tokens.flatMap((minted, at) =>
      Array.from({ length: times }, (_, nth) => ({
        minted,
        due: start + second + at / rate + (nth === 0 ? 0 : enterprise.random.next() * 0.05),
      })),
    )
    await send(
      plan.sort((one, other) => one.due - other.due),
      ({ minted, due }) => void answers.push(enterprise.redeem({ minted, due, instance: route() })),
      () => over,
    )
  }
  await Promise.all([next, ...answers])
  return await running
}

interface Planned {
  minted: MintedToken
  due: Seconds
}

async function send(plan: readonly Planned[], redeem: (one: Planned) => void, over: () => boolean): Promise<void> {
  for (let next = 0; next < plan.length && !over(); ) {
    const now = generatorNow()
    for (let one = plan[next]; one !== undefined && one.due <= now; one = plan[next]) {
      next += 1
      redeem(one)
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
