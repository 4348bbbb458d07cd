/** Every subject of the benchmark, in the order in which they are measured. */

import { cores } from './cores.ts'
import { entries } from './entries.ts'
import { guard } from './guard.ts'
import { latency } from './latency.ts'
import { many } from './many.ts'
import { memory } from './memory.ts'
import { policyFeed } from './policy-feed.ts'
import { redemption } from './redemption.ts'
import { roundTrips } from './round-trips.ts'
import { start } from './start.ts'
import { stores } from './stores.ts'
import type { Subject } from './subject.ts'
import { tenants } from './tenants.ts'
import { tokenPath } from './token-path.ts'

export const subjects: readonly Subject[] = [
  tokenPath,
  latency,
  many,
  stores,
  cores,
  memory,
  start,
  redemption,
  guard,
  roundTrips,
  entries,
  policyFeed,
  tenants,
]
