/** The usual limits over HTTP: two instances on one store, a sender who guesses, and everybody else. */

import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { administer, idJag, startTestbed, type Testbed } from './testbed-process.ts'

let folder = ''
let testbed: Testbed
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xaa-testbed-'))
  testbed = await startTestbed(join(folder, 'bed.json'), ['--limits', '--store', 'lmdb', '--instances', '2'])
}, 180_000)
afterAll(async () => {
  testbed.child.kill('SIGTERM')
  await testbed.ended
  await rm(folder, { recursive: true, force: true })
})

interface Answer {
  status: number
  retryAfter: string | undefined
  body: { [member: string]: unknown }
}

/** A form with Basic credentials, from an address of this machine. */
function post(
  endpoint: string,
  { form, id, secret, from }: { form: { [name: string]: string }; id: string; secret: string; from: string },
): Promise<Answer> {
  const body = new URLSearchParams(form).toString()
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
  }
  return new Promise((resolve, reject) => {
    const sent = request(endpoint, { method: 'POST', headers, localAddress: from, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          retryAfter: response.headers['retry-after'],
          body: JSON.parse(text) as Answer['body'],
        }),
      )
    })
    sent.on('error', reject).end(body)
  })
}

describe('a sender who guesses secrets', () => {
  it('[ATK-074] is not heard at any instance any more, and the client is from everywhere else', async () => {
    const { bed } = testbed
    const assistant = bed.clients.find(({ name }) => name === 'assistant')?.resourceAs
    const [first = '', second = ''] = bed.resourceAs.find(({ name }) => name === 'chat')?.tokenEndpoints ?? []
    const { id = '', secret = '' } = assistant ?? {}
    const redemption = async (endpoint: string, from: string, with_: string) =>
      await post(endpoint, {
        form: { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: await idJag(bed) },
        id,
        secret: with_,
        from,
      })
    expect((await redemption(first, '127.0.0.1', secret)).status).toBe(200)

    const statuses: number[] = []
    for (let at = 0; at < 30; at++)
      statuses.push((await redemption(at % 2 === 0 ? first : second, '127.0.0.3', `${secret}-not`)).status)
    expect(statuses.filter((status) => status === 401).length).toBeGreaterThanOrEqual(10)
    expect(statuses.slice(-10)).toEqual(Array(10).fill(429))

    for (const endpoint of [first, second]) {
      const held = await redemption(endpoint, '127.0.0.3', secret)
      expect(held).toMatchObject({ status: 429, body: { error: 'temporarily_unavailable' } })
      expect(Number(held.retryAfter)).toBeGreaterThan(0)
      expect(Number(held.retryAfter)).toBeLessThanOrEqual(60)
      // The same client, from where nobody guessed.
      expect((await redemption(endpoint, '127.0.0.1', secret)).status).toBe(200)
    }
    const throttled = async () => {
      const { events } = (await administer(bed, 'GET', '/audit?after=0')).body as unknown as {
        events: { reason: string; client?: string }[]
      }
      return events.filter(({ reason }) => reason === 'auth_throttled')
    }
    await expect.poll(async () => (await throttled()).length, { interval: 200 }).toBeGreaterThanOrEqual(2)
    // Nobody was authenticated.
    for (const event of await throttled()) expect(event.client).toBeUndefined()
  })
})
