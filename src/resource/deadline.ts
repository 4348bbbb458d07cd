/** An end to waiting for somebody else's server. */

import type { Seconds } from '../protocol/ports.ts'

/** The result of `work`, or a rejection when it takes longer. Does NOT stop the work itself; what becomes of it is dropped. */
export async function within<Result>(deadline: Seconds, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${deadline} s`)), deadline * 1000)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
