/** The limits of a role's endpoints, as the configuration has them. */

import type { EndpointLimits } from '../http/throttle.ts'
import type { Seconds } from '../protocol/ports.ts'
import type { Store } from '../store/store.ts'
import { clientShare, pageShare } from './client-share.ts'
import type { LimitsConfig } from './config-limits.ts'
import { credentialThrottle } from './credential-throttle.ts'

/** Undefined where they are off. `issuer` is whose they are. */
export function endpointLimits(
  limits: LimitsConfig,
  { store, now, issuer }: { store: Store; now(): Seconds; issuer: string },
): EndpointLimits | undefined {
  if (limits === 'off') return undefined
  return {
    throttle: credentialThrottle({ store, server: issuer, now, most: limits.wrongCredentials }),
    takeShare: clientShare({ perSecond: limits.requestsPerSecond, now }),
    takePage: pageShare({ perMinute: limits.pagesPerMinute, now }),
  }
}
