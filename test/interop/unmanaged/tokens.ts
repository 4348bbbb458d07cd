/** What applications and tests do with the tokens of the chat beside using them. */

import { expect } from 'vitest'
import type { World } from '../../../src/testing/world.ts'

/** Revokes a token as its own public client (RFC 7009), and lets the time pass within which every guard has heard of it. */
export async function endToken(world: World, { token, clientId }: { token: string; clientId: string }): Promise<void> {
  const answer = await fetch(`${world.resourceAs.chat.issuer}/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ token, client_id: clientId }),
  })
  expect(answer.status).toBe(200)
  world.pass(10)
}
