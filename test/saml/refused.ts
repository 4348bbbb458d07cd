/** The refusal of an assertion, beside a good one read under the same rules. */

import { expect } from 'vitest'
import { OAuthError } from '../../src/protocol/errors.ts'
import { type AssertionRules, readAssertion } from '../../src/saml/assertion.ts'
import { assertionXml, encoded, reading, signed } from './assertions.ts'

/** Asserts that it is refused for this reason, and that nothing of it is told but that. */
export function expectRefused(token: string, reason: string, changes: Partial<AssertionRules> = {}): void {
  const world = reading(changes)
  const error = refusalOf(token, world.rules)
  expect({ code: error.code, reason: error.reason, status: error.status }).toEqual({
    code: 'invalid_grant',
    reason,
    status: 400,
  })
  expect(error.message).toMatch(/^subject_token: [\x20-\x7e]{5,120}$/)
  expect(world.spent).toEqual([])
  const good = reading()
  expect(readAssertion(encoded(signed(assertionXml(good.now))), good.rules).nameId.value).toBe('alice')
}

function refusalOf(token: string, rules: AssertionRules): OAuthError {
  try {
    const { nameId } = readAssertion(token, rules)
    throw new Error(`taken as ${nameId.value}`)
  } catch (error) {
    if (error instanceof OAuthError) return error
    throw error
  }
}
