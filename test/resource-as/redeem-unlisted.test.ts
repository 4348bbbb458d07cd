/** Redemptions of clients that are listed nowhere: let in by their metadata document, and spoken for by an issuer that may. */

import { beforeEach, describe, expect, it } from 'vitest'
import type { ClientPolicy } from '../../src/resource-as/trust.ts'
import { acme, mcp } from '../fixture/addresses.ts'
import { type Enterprise, enterprise, redeem } from '../fixture/enterprise.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})

/** What the issuer may say of clients, and what the policy says of this one. */
function set(trust: { clients: 'all' | 'none'; metadataDocuments?: boolean }, policy: ClientPolicy | undefined) {
  const { id } = world.chat.clients.basic
  const trusted = world.chat.trusted.get(acme)
  if (trusted === undefined) throw new Error('the fixture trusts it')
  const { metadataDocuments } = trust
  const clients = trust.clients === 'all' ? trusted.clients : []
  world.chat.trusted.set(acme, {
    ...trusted,
    clients,
    ...(metadataDocuments === undefined ? {} : { metadataDocuments }),
  })
  if (policy === undefined) world.chat.policies.delete(id)
  else world.chat.policies.set(id, policy)
}
const listed: ClientPolicy = { scopes: ['chat.read'], resources: [mcp] }
const unlisted: ClientPolicy = { ...listed, byDocument: true }

describe('an issuer that may speak for every client with a document', () => {
  it('speaks for one that is listed nowhere [MAP-02]', async () => {
    set({ clients: 'none', metadataDocuments: true }, unlisted)
    expect((await redeem(world)).json()).toMatchObject({ scope: 'chat.read' })
  })

  it.each([
    ['does not speak for one that is listed for others', { clients: 'none', metadataDocuments: true }, listed],
    ['speaks for nobody that the server does not let in', { clients: 'none', metadataDocuments: true }, undefined],
    ['is needed: another speaks for its own clients alone', { clients: 'none', metadataDocuments: false }, unlisted],
    ['is none by default', { clients: 'none' }, unlisted],
    ['cannot let in a client of its own that the server does not', { clients: 'all' }, undefined],
  ] as const)('%s', async (_, trust, policy) => {
    set(trust, policy)
    expect((await redeem(world)).json()).toMatchObject({ error: 'access_denied' })
    expect(world.audit.at(-1)).toMatchObject({ reason: 'policy_denied' })
    set({ clients: 'none', metadataDocuments: true }, unlisted)
    expect((await redeem(world)).statusCode).toBe(200)
  })
})
