/** G-14: instances are stopped and started one after the other, and no request notices. */

import { generatorNow, lasting } from '../rig/clock.ts'
import type { Instance } from '../rig/instance.ts'
import { underLoad } from '../rig/load.ts'
import { atLeastOnce, judged, type Outcome, type Scenario, type ScenarioOptions } from './scenario.ts'

export interface Restarts {
  restarts: number
  rate: number
  instances: number
  /** Of each instance. */
  workers: number
}

/**
 * Sends SIGTERM to each in turn, with requests still open, and starts it again. A load balancer takes it out of the rotation when it
 * says that it is not ready any more, which it asks ten times a second, and takes it in again when it is.
 */
export async function rollingRestarts({ seed, bounds, progress }: ScenarioOptions, size: Restarts): Promise<Outcome> {
  return await judged(
    'G-14',
    { seed, bounds, instances: size.instances, workers: size.workers },
    async (enterprise, notes) => {
      const away = new Set<Instance>()
      const route = () => enterprise.random.pick(enterprise.instances.filter((one) => !away.has(one)))
      await underLoad(enterprise, { rate: size.rate, times: 1, route }, async () => {
        for (let at = 0; at < size.restarts; at++) {
          await lasting(1)
          const instance = enterprise.instances[at % enterprise.instances.length]
          if (instance === undefined) throw new Error('there is no instance')
          const asked = generatorNow()
          instance.signal('SIGTERM')
          while (await instance.isReady()) await lasting(0.1)
          away.add(instance)
          // A second signal would end it at once.
          const code = await instance.ended()
          notes.measured('from SIGTERM to the end, s', generatorNow() - asked, 10)
          if (code !== 0) notes.objects(`${instance.name} ended with ${code} after SIGTERM`)
          await instance.start()
          away.delete(instance)
          notes.tried('restarts')
          progress(`${at + 1} of ${size.restarts} restarts`)
        }
      })
    },
  )
}

const full = (share: number, instances: number, workers: number): Restarts => ({
  restarts: atLeastOnce(20 * share),
  rate: 300,
  instances,
  workers,
})

export const rolling: readonly Scenario[] = [
  {
    goal: 'G-14',
    name: 'rolling',
    title: '20 rolling restarts of 3 instances on LMDB at 300 ID-JAGs/s',
    needsRedis: false,
    run: (options) => rollingRestarts(options, full(options.share, 3, 1)),
  },
  {
    goal: 'G-14',
    name: 'rolling-workers',
    title: '20 rolling restarts of 2 instances with 2 workers each on LMDB at 300 ID-JAGs/s',
    needsRedis: false,
    run: (options) => rollingRestarts(options, full(options.share, 2, 2)),
  },
]
