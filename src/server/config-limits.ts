/** How often clients may ask, how often credentials may be wrong, and whose word on a sender's address is taken. */

import * as z from 'zod'
import { addressRange, count } from './config-values.ts'
import { mapping } from './schema-problems.ts'

/** What they are where nothing is said. */
export const usualLimits = { wrongCredentials: 10, requestsPerSecond: 1000, pagesPerMinute: 600 }

/** The limits at the endpoints of both roles. */
export const limits = z
  .union(
    [
      z.literal('off'),
      mapping({
        /** Wrong credentials for one client from one address, in a minute; at every process on the store together. */
        wrongCredentials: count(1000).default(usualLimits.wrongCredentials),
        /** Token requests of one client, in a second, at each process; twice as many at once. */
        requestsPerSecond: count(1_000_000).default(usualLimits.requestsPerSecond),
        /** Pages of the code grant from one address, in a minute, at each process. A sign-in with its consent takes six. */
        pagesPerMinute: count(1_000_000).default(usualLimits.pagesPerMinute),
      }),
    ],
    { error: 'must be off, or a mapping with wrongCredentials, requestsPerSecond and pagesPerMinute' },
  )
  .prefault({})

/** Limits that were read. */
export type LimitsConfig = z.output<typeof limits>

/** The proxies in front: only from them `X-Forwarded-For` says who the sender is. */
export const trustedProxies = z.array(addressRange).default([])
