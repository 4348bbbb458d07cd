/** Every fuzzer, in the order in which they take turns. */

import type { Fuzzer } from './fuzzer.ts'
import { claims } from './fuzzers/claims.ts'
import { form } from './fuzzers/form.ts'
import { headers } from './fuzzers/headers.ts'
import { jose } from './fuzzers/jose.ts'

export const fuzzers: readonly Fuzzer[] = [form, headers, jose, claims]
