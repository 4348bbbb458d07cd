/** Whether this process keeps up with its work: how late its event loop gets to what is due. */

import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Seconds } from '../protocol/ports.ts'

export interface EventLoopWatch {
  /** True while most of what was due in the latest interval came too late. */
  isBehind(): boolean
  stop(): void
}

/** Looks at the delay every `interval`; half of the turns later than `latest` means behind. */
export function eventLoopWatch({
  latest = 0.25,
  interval = 0.5,
}: {
  latest?: Seconds
  interval?: Seconds
} = {}): EventLoopWatch {
  const resolution = 20
  const delay = monitorEventLoopDelay({ resolution })
  delay.enable()
  let behind = false
  const timer = setInterval(() => {
    // The histogram holds the time between two turns, in nanoseconds.
    behind = delay.percentile(50) / 1e9 - resolution / 1000 > latest
    delay.reset()
  }, interval * 1000)
  timer.unref()
  return {
    isBehind: () => behind,
    stop() {
      clearInterval(timer)
      delay.disable()
    },
  }
}
