/** Every fuzzer, in the order in which they take turns. */

import type { Fuzzer } from './fuzzer.ts'
import { claims } from './fuzzers/claims.ts'
import { configuration } from './fuzzers/configuration.ts'
import { clientDocuments, issuerMetadata, jwks } from './fuzzers/documents.ts'
import { form } from './fuzzers/form.ts'
import { headers } from './fuzzers/headers.ts'
import { jose } from './fuzzers/jose.ts'
import { saml } from './fuzzers/saml.ts'
import { verifier } from './fuzzers/verifier.ts'

export const fuzzers: readonly Fuzzer[] = [
  form,
  headers,
  jose,
  claims,
  saml,
  clientDocuments,
  jwks,
  verifier,
  issuerMetadata,
  configuration,
]
