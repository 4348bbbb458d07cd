/** How long an answer takes at a fixed arrival rate, beside the floor. */

import { newBroker } from './broker.ts'
import { interleavedMethod } from './interleaved.ts'
import { pinGenerator, unpinGenerator } from './pinned-process.ts'
import { atFixedRate } from './saturation.ts'
import { median, medianRatio, quantile, sum } from './statistics.ts'
import { judged, portion, type Row, type Subject } from './subject.ts'
import { makerFor, recipient, startFloor } from './token-path-targets.ts'

const rate = 4000
/** Milliseconds. An idle machine's floor takes one. */
const overloaded = 20

interface Target {
  name: string
  port: number
  p50: number[]
  p99: number[]
  /** Answers 503. */
  unavailable: number[]
}

export const latency: Subject = {
  name: 'latency',
  title: `How long a redemption takes at ${rate} a second`,
  method: `${interleavedMethod}Here requests arrive at a fixed rate, whatever the server does, and the time of each counts from when it was due. × is the p99 to the floor's in the same round: less is better. It is not judged where the floor's own is above ${overloaded} ms: the machine is too busy for the rate.`,
  async run(effort) {
    const broker = await newBroker()
    const floor = await startFloor('verify + sign')
    try {
      const server = await broker.serve('resourceAs')
      const requests = makerFor(broker).redemption(recipient(server), 'basic')
      const targets: Target[] = [
        { name: 'floor: verify + sign', port: floor.port, p50: [], p99: [], unavailable: [] },
        { name: 'jwt-bearer', port: server.process.port, p50: [], p99: [], unavailable: [] },
      ]
      pinGenerator()
      for (const { port } of targets) {
        const count = portion(8000, effort, 60)
        // Only to have the code compiled: here a machine may be as busy as it likes.
        await atFixedRate({ port, requests: requests(count), rate })
      }
      const rounds = portion(7, effort, 2)
      for (let round = 0; round < rounds; round++) {
        effort.progress(`round ${round + 1} of ${rounds}`)
        for (const { port, p50, p99, unavailable } of round % 2 === 0 ? targets : targets.toReversed()) {
          const answers = await atFixedRate({ port, requests: requests(portion(rate * 2, effort, 60)), rate })
          p50.push(quantile(answers.latencies, 0.5))
          p99.push(quantile(answers.latencies, 0.99))
          unavailable.push(answers.unavailable)
        }
      }
      return { rows: targets.map((target) => rowOf(target, targets[0] ?? target)), broken: [] }
    } finally {
      unpinGenerator()
      await floor.close()
      await broker.close()
    }
  },
}

function rowOf(target: Target, base: Target): Row {
  const { name, p50, p99, unavailable } = target
  const ratio = { value: medianRatio(p99, base.p99), unit: '×' } as const
  // Where the floor itself cannot keep up, both only wait, and their ratio says nothing.
  const says = target !== base && median(base.p99) < overloaded
  const { figures, verdict } = judged('p99 ratio', ratio, says ? { must: 4, aim: 2, less: true } : undefined)
  const times: Row['figures'] = {
    p50: { value: median(p50), unit: 'ms' },
    p99: { value: median(p99), unit: 'ms' },
    ...(unavailable.some((count) => count > 0) ? { 'answers 503': { value: sum(unavailable), unit: '' } } : {}),
  }
  return { name, figures: { ...figures, ...times }, ...(verdict === undefined ? {} : { verdict }) }
}
