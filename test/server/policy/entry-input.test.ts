/** What an administrator may write in an entry at run time about sign-ins, actors and workloads: what the configuration may. */

import { describe, expect, it } from 'vitest'
import { usualBranches } from '../../../src/protocol/branches.ts'
import { idpEntries, resourceAsEntries } from '../../../src/server/policy/entries.ts'
import {
  EntryInputError,
  readConnection,
  readIdpClient,
  readTrustedIssuer,
} from '../../../src/server/policy/entry-input.ts'
import { noEntries } from '../../../src/server/policy/entry-records.ts'
import { atChat, atIdp, chat, id, read } from '../../profiles/configured.ts'

const branches = { ...usualBranches, 'workload-agent-principal': true }

async function definitions() {
  const { idp, resourceAs } = await read({})
  if (idp === undefined || resourceAs === undefined) throw new Error('the example has both roles')
  return { idp, resourceAs }
}

describe('an entry that is made at run time', () => {
  it('[IDP-29] of a connection demands sign-ins, as a whole and for single scopes', async () => {
    const { idp } = await definitions()
    const scopes = ['chat.read', { name: 'chat.write', signIn: { acr: ['phr'], maxAge: 60 } }]
    const body = { clientId: atChat.id, everyone: true, scopes, signIn: { maxAge: 3600 } }
    const named = { client: atIdp.id, audience: chat }
    const made = await readConnection(body, named, idp, idpEntries(idp, noEntries))
    expect(made).toMatchObject({ scopes, signIn: { maxAge: 3600 } })
    const wrong = readConnection({ ...body, signIn: { maxAge: -1 } }, named, idp, idpEntries(idp, noEntries))
    await expect(wrong).rejects.toThrow(EntryInputError)
  })

  it('[IDP-10] of a client lets it show an actor, where it has what that takes', async () => {
    const { idp } = await definitions()
    const body = { authMethods: ['client_secret_basic'], secret: 'a-secret-of-an-administrator-0123456789' }
    const named = { id: 'robot' }
    expect(await readIdpClient(body, named, idp, undefined)).not.toHaveProperty('actor')
    for (const actor of ['own-assertion', 'workload'])
      await expect(readIdpClient({ ...body, actor }, named, idp, undefined)).rejects.toThrow(/^actor needs/)
    const platform = { issuer: 'https://p.example', algorithms: ['ES256' as const], maxLifetime: 600 }
    const workloads = [{ sub: 's', client: 'robot', name: 'robot-prod' }]
    const running = { ...idp, workloadIssuers: [{ ...platform, workloads }] }
    expect(await readIdpClient({ ...body, actor: 'workload' }, named, running, undefined)).toMatchObject({
      actor: 'workload',
    })
  })

  it('[FL-WL-02] of a connection lets in the workloads that it names, where the branch is on', async () => {
    const { idp } = await definitions()
    const platform = { issuer: 'https://p.example', algorithms: ['ES256' as const], maxLifetime: 600 }
    const workloads = [{ sub: 's', client: atIdp.id, name: 'night-agent' }]
    const off = { ...idp, workloadIssuers: [{ ...platform, workloads }] }
    const on = { ...off, branches }
    const body = { clientId: atChat.id, workloads: ['night-agent'], scopes: ['chat.read'] }
    const named = { client: atIdp.id, audience: chat }
    const made = await readConnection(body, named, on, idpEntries(on, noEntries))
    expect(made).toMatchObject({ workloads: ['night-agent'] })
    await expect(readConnection(body, named, off, idpEntries(off, noEntries))).rejects.toThrow('needs the branch')
    const other = { ...body, workloads: ['day-agent'] }
    await expect(readConnection(other, named, on, idpEntries(on, noEntries))).rejects.toThrow('names no workload')
  })

  it('[FL-WL-03] of a trusted issuer takes its workloads, where the branch is on', async () => {
    const { resourceAs } = await definitions()
    const on = { ...resourceAs, branches }
    const body = { clients: [atChat.id], workloads: 'bound' }
    const made = readTrustedIssuer(body, { issuer: id }, on, resourceAsEntries(on, noEntries))
    expect(await made).toMatchObject({ workloads: 'bound' })
    const refused = readTrustedIssuer(body, { issuer: id }, resourceAs, resourceAsEntries(resourceAs, noEntries))
    await expect(refused).rejects.toThrow('needs the branch')
  })
})
