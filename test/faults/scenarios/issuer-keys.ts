/** G-10: the address of an issuer's keys is broken in every way, and known keys serve until they are too old. */

import type { Seconds } from '../../../src/protocol/ports.ts'
import { lasting } from '../rig/clock.ts'
import type { FaultEnterprise } from '../rig/enterprise.ts'
import type { KeyService } from '../rig/identity-provider.ts'
import { underLoad } from '../rig/load.ts'
import { judged, type Notes, type Outcome, recovered, type Scenario, type ScenarioOptions } from './scenario.ts'

const troubles: { readonly [name: string]: Partial<KeyService> } = {
  'resets connections': { accepts: false },
  'never answers': { answers: false },
  'answers 500': { status: 500 },
  'answers HTML': { body: { text: '<!doctype html><title>Sign in</title>' } },
  'breaks off': { body: 'truncated' },
  'publishes no key': { body: { text: '{"keys":[]}' } },
  'answers 100 MB': { body: { bytes: 100_000_000 } },
}

/** From these ages on a set of keys is fetched again, is waited for, and serves no longer. */
const ages = { fetchedAgain: 330, waitedFor: 660, tooOld: 3700 } as const
/** An attempt is repeated after 15 s at the earliest. */
const retry: Seconds = 20

/** Ages the keys that an instance knows by its clock, one step for each age, under load. */
export async function keysUnreachable({ seed, bounds, progress }: ScenarioOptions, length: Seconds): Promise<Outcome> {
  return await judged('G-10', { seed, bounds, instances: 1, rigged: true }, async (enterprise, notes) => {
    let ahead: Seconds = 0
    const [instance] = enterprise.instances
    if (instance === undefined) throw new Error('there is no instance')
    const age = async (by: Seconds) => {
      ahead += by
      // Whatever else goes by the clock finds its own knowledge old for a moment; that is not what is asked here.
      const over = enterprise.fault('clock', instance)
      await instance.tell({ clockAhead: ahead })
      await lasting(1.5)
      over()
    }
    for (const [name, trouble] of Object.entries(troubles)) {
      // The issuer's clock goes with the instance's: what is wrong here is its keys alone.
      await recovered(enterprise, [instance], ahead)
      enterprise.idp.serveKeys(trouble)
      let reached: Seconds = 0
      for (const known of [ages.fetchedAgain, ages.waitedFor]) {
        await age(known - reached)
        reached = known
        await fewFetches(enterprise, notes, () =>
          underLoad(enterprise, { rate: 50, times: 1, ahead }, () => lasting(length)),
        )
      }
      const over = enterprise.fault('keys')
      await age(ages.tooOld - reached)
      const [minted] = await enterprise.mint(1, ahead)
      if (minted === undefined) throw new Error('nothing was minted')
      const { status } = await enterprise.redeem({ minted, instance })
      if (status !== 503) notes.objects(`with keys an hour old that ${name}, the answer is ${status}`)
      enterprise.idp.serveKeys()
      await age(retry)
      await recovered(enterprise, [instance], ahead)
      over()
      notes.tried('ways to be broken')
      progress(name)
    }
  })
}

async function fewFetches({ idp }: FaultEnterprise, notes: Notes, run: () => Promise<void>): Promise<void> {
  const before = idp.asked()
  await run()
  notes.measured('fetches in less than 30 s', idp.asked() - before, 2)
}

export const issuerKeysScenarios: readonly Scenario[] = [
  {
    goal: 'G-10',
    name: 'issuer-keys',
    title: 'the keys of an issuer are refused, hang, 500, HTML, truncated, empty, 100 MB',
    needsRedis: false,
    run: (options) => keysUnreachable(options, options.share < 1 ? 3 : 14),
  },
]
