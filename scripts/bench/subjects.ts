/** Every subject of the benchmark, in the order in which they are measured. */

import { entries } from './entries.ts'
import { guard } from './guard.ts'
import { policyFeed } from './policy-feed.ts'
import { redemption } from './redemption.ts'
import { roundTrips } from './round-trips.ts'
import type { Subject } from './subject.ts'
import { tenants } from './tenants.ts'
import { tokenPath } from './token-path.ts'

export const subjects: readonly Subject[] = [tokenPath, redemption, guard, roundTrips, entries, policyFeed, tenants]
