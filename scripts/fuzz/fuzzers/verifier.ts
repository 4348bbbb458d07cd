/** Signatures: our own verifier beside jose, which must come to the same verdict on every token. */

import { jwsCorpus } from '../../../test/fixture/jws-mutations.ts'
import type { ReaderFuzzer } from '../fuzzer.ts'

const corpus = await jwsCorpus()

export const verifier: ReaderFuzzer = {
  name: 'verifier',
  title: 'Signatures, beside jose',
  over: 'reader',
  weight: 6,
  make(random) {
    const input = corpus.mutant(random.below)
    return { input, read: () => corpus.disagreement(input) }
  },
}
