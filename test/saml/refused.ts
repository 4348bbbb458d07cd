/** The refusal of an assertion at an identity provider over HTTP, beside a good one under the usual rules. */

import { expect } from 'vitest'
import { tokenType } from '../../src/protocol/names.ts'
import type { Reason } from '../../src/protocol/reasons.ts'
import { type AssertionRules, readAssertion, spendAssertion } from '../../src/saml/assertion.ts'
import { type Enterprise, enterprise, exchangeCall } from '../fixture/enterprise.ts'
import { expectRefusal } from '../fixture/refusal.ts'
import { send } from '../fixture/requests.ts'
import { assertionXml, encoded, reading, signed } from './assertions.ts'

/** Asserts the contract of a refusal for this reason, that nothing was consumed, and that a good assertion is exchanged after it. */
export async function expectRefused(
  token: string,
  reason: Reason,
  changes: Partial<AssertionRules> = {},
): Promise<void> {
  const world = await served()
  const spent = world.spent.length
  takeAssertions(world, changes)
  const call = exchangeCall(world, { token, form: { subject_token_type: tokenType.saml2 } })
  const before = { events: world.audit.length }
  const answer = await send(world.idp.app, call)
  const description = /^subject_token: [\x20-\x7e]{5,120}$/
  expectRefusal(world, before, call, answer, { error: 'invalid_grant', reason, description })
  expect(world.spent).toHaveLength(spent)
  takeAssertions(world, {})
  const good = encoded(signed(assertionXml(world.clock.now)))
  const right = exchangeCall(world, { token: good, form: { subject_token_type: tokenType.saml2 } })
  expect((await send(world.idp.app, right)).statusCode).toBe(200)
}

let world: Promise<Enterprise> | undefined

/** One for a test file: with the same clock as {@link reading}. */
function served(): Promise<Enterprise> {
  world ??= enterprise()
  return world
}

/** Makes it take assertions under the rules of {@link reading}, with these changes. */
function takeAssertions({ idp }: Enterprise, changes: Partial<AssertionRules>): void {
  idp.provider.samlAssertions = {
    purposes: ['id-jag'],
    async read(token, { ports, skew, facts }) {
      const { issuer, nameId, authTime, ...assertion } = readAssertion(token, {
        ...reading().rules,
        ports,
        skew,
        facts,
        ...changes,
      })
      const user = idp.users.get(nameId.value)
      if (user === undefined) throw new TypeError(`nobody is ${nameId.value}`)
      const spend = () => spendAssertion({ ...assertion, issuer, nameId, authTime }, { ports, skew })
      return { user, issuer, nameId, authTime, spend }
    },
  }
}
