/** The chat's code grant in the test bed: served by every process on the store, and registration only with --registration. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { administer, startTestbed, type Testbed } from './testbed-process.ts'
import { metadataOf, redeemCode, register, unmanagedClient, whoami } from './unmanaged-client.ts'

const client = await unmanagedClient()
afterAll(client.close)

describe('the test bed with two instances of two workers', { timeout: 180_000 }, () => {
  let folder = ''
  let testbed: Testbed
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'xaa-testbed-'))
    const options = ['--store', 'lmdb', '--workers', '2', '--instances', '2', '--registration']
    testbed = await startTestbed(join(folder, 'testbed.json'), options)
  }, 180_000)
  afterAll(async () => {
    testbed.child.kill('SIGTERM')
    await testbed.ended
    await rm(folder, { recursive: true, force: true })
  })
  const server = (name: string) => {
    const found = testbed.bed.resourceAs.find((one) => one.name === name)
    return { issuer: found?.issuer ?? '', endpoints: found?.tokenEndpoints ?? [] }
  }
  const place = () => ({ issuer: server('chat').issuer, resource: testbed.bed.resource.url })

  it('says at the chat that it has the grant, and at the files that it has none', async () => {
    expect(await metadataOf(server('chat').issuer)).toMatchObject({ response_types_supported: ['code'] })
    const files = await metadataOf(server('files').issuer)
    expect(files).toMatchObject({ response_types_supported: ['none'] })
    expect(files).not.toHaveProperty('registration_endpoint')
  })

  it('redeems a code at either instance, and once', async () => {
    const [first = '', second = ''] = server('chat').endpoints
    for (const endpoint of [first, second]) {
      const asked = await client.ask(place())
      const { status, body } = await redeemCode(endpoint, asked)
      expect([status, body.scope]).toEqual([200, 'chat.read chat.write'])
      expect(decodeJwt(String(body.access_token))).toMatchObject({ sub: 'chat-alice', client_id: client.clientId })
      expect(await whoami(testbed.bed.resource.url, body.access_token)).toContain('chat-alice')
      const again = await redeemCode(endpoint === first ? second : first, asked)
      expect([again.status, again.body.error]).toEqual([400, 'invalid_grant'])
    }
    const { body } = await administer(testbed.bed, 'GET', '/audit?after=0')
    const { events } = body as unknown as { events: { action: string; outcome: string }[] }
    const lines = events.map(({ action, outcome }) => `${action} ${outcome}`)
    for (const line of ['consent granted', 'code granted', 'code refused']) expect(lines).toContain(line)
  })

  it('lets clients register themselves, as --registration says', async () => {
    const { status, id } = await register((await metadataOf(server('chat').issuer)).registration_endpoint)
    expect(status).toBe(201)
    const asked = await client.ask(place(), { client_id: id }, { person: 'bob' })
    const { body } = await redeemCode(server('chat').endpoints[1] ?? '', asked)
    expect(decodeJwt(String(body.access_token))).toMatchObject({ sub: 'chat-bob', client_id: id })
  })
})
