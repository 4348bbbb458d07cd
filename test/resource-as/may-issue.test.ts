/** The word of a host whose tokens cannot say everything: asked last, before anything is spent. */

import { expect, it } from 'vitest'
import { OAuthError } from '../../src/protocol/errors.ts'
import type { IssuableAccess } from '../../src/resource-as/redeem.ts'
import { mcp } from '../fixture/addresses.ts'
import { enterprise, idJagClaims, redeem } from '../fixture/enterprise.ts'

it('a host that cannot issue what would be granted refuses it, and the ID-JAG is good for another request', async () => {
  const asked: IssuableAccess[] = []
  const world = await enterprise({
    async mayIssue(granted) {
      asked.push(granted)
      if (granted.scopes.includes('chat.write'))
        throw new OAuthError('invalid_scope', 'scope: no token of this server says chat.write', {
          reason: 'scope_denied',
        })
    },
  })
  const claims = { jti: 'one', scope: 'chat.read chat.write' }
  const refused = await redeem(world, { claims })
  expect([refused.statusCode, refused.json()]).toMatchObject([400, { error: 'invalid_scope' }])
  expect(world.spent).toEqual([])
  const granted = await redeem(world, { claims, form: { scope: 'chat.read' } })
  expect([granted.statusCode, world.spent.length]).toEqual([200, 1])
  const client = String(idJagClaims(world).client_id)
  expect(asked).toEqual([
    { client, resources: [mcp], scopes: ['chat.read', 'chat.write'] },
    { client, resources: [mcp], scopes: ['chat.read'] },
  ])
})

it('a host is not asked about what is refused anyway', async () => {
  const asked: IssuableAccess[] = []
  const world = await enterprise({ mayIssue: async (granted) => void asked.push(granted) })
  await redeem(world, { claims: { scope: 'admin' } })
  expect(asked).toEqual([])
  await redeem(world)
  expect(asked).toHaveLength(1)
})
