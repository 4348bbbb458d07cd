/** How signatures are computed, in a configuration: in threads or not, by which verifier, and how many tokens are known again. */

import { availableParallelism } from 'node:os'
import * as z from 'zod'
import { verifiedByJose } from '../protocol/jose-signatures.ts'
import { nodeSignatures, type Signatures } from '../protocol/signatures.ts'
import { usualTokenCache } from '../protocol/verified-tokens.ts'
import { mapping } from './schema-problems.ts'
import { goingOnTogether, inRows } from './signatures-in-rows.ts'

/** `signatures` of the whole process. */
export const signatures = mapping({
  threads: z.enum(['auto', 'none'], { error: 'must be auto or none' }).default('auto'),
  verifier: z.enum(['own', 'jose'], { error: 'must be own or jose' }).default('own'),
}).prefault({})

/** How many ID Tokens an identity provider knows by their good signature when they come again; 0 for none. */
export const subjectTokenCache = z.int().min(0).max(1_000_000).default(usualTokenCache)

/**
 * How a process computes signatures: `auto` means in threads, unless it has one core to itself or shares the machine with other workers,
 * which use the other cores. jose always computes in threads.
 */
export function signaturesOf({
  signatures: { threads, verifier },
  workers,
}: {
  signatures: z.output<typeof signatures>
  workers: number
}): Signatures {
  const inThreads = threads === 'auto' && workers === 1 && availableParallelism() > 1
  const own = nodeSignatures({ threads: inThreads })
  const computed = inThreads ? goingOnTogether(own) : inRows(own)
  return verifier === 'jose' ? verifiedByJose(computed) : computed
}
