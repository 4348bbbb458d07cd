/** Every scenario of the long tier, in the order of the goals. */

import { clocks } from './clocks.ts'
import { disks } from './disks.ts'
import { failovers } from './failovers.ts'
import { issuerKeysScenarios } from './issuer-keys.ts'
import { killSwitch } from './kill-switch.ts'
import { kills } from './kills.ts'
import { partitions } from './partitions.ts'
import { policyChangesScenarios } from './policy-changes.ts'
import { races } from './race.ts'
import { redisScenarios } from './redis-outages.ts'
import { rolling } from './rolling.ts'
import { rotationScenarios } from './rotation.ts'
import type { Scenario } from './scenario.ts'

export const scenarios: readonly Scenario[] = [
  ...races,
  ...kills,
  ...redisScenarios,
  ...failovers,
  ...partitions,
  ...issuerKeysScenarios,
  ...clocks,
  ...rotationScenarios,
  ...rolling,
  ...killSwitch,
  ...policyChangesScenarios,
  ...disks,
].sort((one, other) => one.goal.localeCompare(other.goal))
