/** What counts of a request as possession, for a client that promised to bind its tokens to its certificate. */

import { describe, expect, it } from 'vitest'
import { usualBranches } from '../../src/protocol/branches.ts'
import { possessionOf } from '../../src/protocol/confirmation.ts'

describe('a client that promised its certificate', () => {
  const branches = { ...usualBranches, 'mtls-cnf-binding': true }
  const client = { boundTokens: 'certificate' } as const

  it('comes with it, and without a proof that would bind its tokens to something else', () => {
    const shown = possessionOf({ client, certificate: 'thumbprint' }, branches)
    expect(shown).toEqual({ proofKey: undefined, certificate: 'thumbprint' })
    for (const request of [
      { client, certificate: 'thumbprint', proofKey: 'key' },
      { client, proofKey: 'key' },
      { client },
    ])
      expect(() => possessionOf(request, branches)).toThrow(
        expect.objectContaining({ code: 'invalid_request', reason: 'pop_required' }),
      )
  })
})
