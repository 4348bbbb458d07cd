/** Answers that the client reads: how large, how late and from where they may come. */

import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCrossAppClient, type Step } from '../../src/client/client.ts'
import { type Bend, type Enterprise, enterprise } from './enterprise.ts'

const resourceMetadata = '/.well-known/oauth-protected-resource/mcp'
const serverMetadata = '/.well-known/oauth-authorization-server'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})
afterEach(() => world.close())

async function token() {
  return await createCrossAppClient(await world.options()).token(world.resource)
}

/** No credential was sent anywhere. */
function nothingSent() {
  expect([world.count(world.idp, '/token'), world.count(world.ras, '/token')]).toEqual([0, 0])
}

describe('a document', () => {
  it.each<[string, Bend, string]>([
    ['larger than 256 KiB', () => ({ status: 200, headers: {}, body: `{"x":"${'y'.repeat(300_000)}"}` }), 'network'],
    ['behind a redirect', () => ({ status: 302, headers: { location: 'http://127.0.0.1:1/' }, body: '' }), 'network'],
    ['that is HTML', () => ({ status: 200, headers: { 'content-type': 'text/html' }, body: '<html>' }), 'check'],
    ['with a member twice', () => ({ status: 200, headers: {}, body: '{"resource":"a","resource":"b"}' }), 'check'],
    ['that is not there though the server is content', () => ({ status: 204, headers: {}, body: '' }), 'network'],
    ['of a server in trouble', () => ({ status: 500, headers: {}, body: '' }), 'network'],
  ])('%s is not used', async (_, bend, stop) => {
    for (const [server, path] of [
      [world.api, resourceMetadata],
      [world.ras, serverMetadata],
    ] as const) {
      server.bend.set(path, bend)
      await expect(token()).rejects.toMatchObject({ step: 'discovery', stop })
      server.bend.delete(path)
    }
    nothingSent()
    await expect(token()).resolves.toBeDefined()
  })

  it('that redirects the token request takes no credential along', async () => {
    world.idp.bend.set('/token', () => ({
      status: 307,
      headers: { location: `${world.api.origin}/elsewhere` },
      body: '{}',
    }))
    await expect(token()).rejects.toMatchObject({ step: 'exchange', stop: 'network', status: 307 })
    expect(world.count(world.api, '/elsewhere')).toBe(0)
  })

  it('that does not come in time is a matter of the network', async () => {
    world.ras.bend.set(serverMetadata, () => new Promise(() => {}))
    const options = await world.options({ timeout: 0.05 })
    await expect(createCrossAppClient(options).token(world.resource)).rejects.toMatchObject({
      stop: 'network',
      message: expect.stringContaining('within 0.05 s'),
    })
  })

  it('of a server that is not there names the address', async () => {
    await world.ras.close()
    await expect(token()).rejects.toMatchObject({
      step: 'discovery',
      stop: 'network',
      message: expect.stringContaining(world.ras.origin),
    })
  })

  it('that unpacks to more than 256 KiB is not used, however small it was on the way', async () => {
    const packed = (length: number) => gzipSync(JSON.stringify({ ...document, x: 'y'.repeat(length) }))
    const document = (await (await fetch(`${world.ras.origin}${serverMetadata}`)).json()) as object
    const bend = (length: number) => () => ({
      status: 200,
      headers: { 'content-encoding': 'gzip' },
      body: packed(length),
    })
    expect(packed(10_000_000).length).toBeLessThan(16 * 1024)
    world.ras.bend.set(serverMetadata, bend(10_000_000))
    await expect(token()).rejects.toMatchObject({ step: 'discovery', stop: 'network' })
    nothingSent()
    world.ras.bend.set(serverMetadata, bend(100_000))
    await expect(token()).resolves.toBeDefined()
  })

  it('of a token endpoint that is not there is a matter of the network', async () => {
    world.idp.bend.set('/token', async (real) => {
      await world.ras.close()
      return real
    })
    await expect(token()).rejects.toMatchObject({
      step: 'redemption',
      stop: 'network',
      server: world.ras.origin,
      message: expect.stringContaining(`${world.ras.origin}/token cannot be reached`),
    })
  })

  it.each<[string, unknown, string]>([
    ['a reason below', new TypeError('fetch failed', { cause: new Error('no route') }), 'no route'],
    ['a reason below without words', new TypeError('fetch failed', { cause: new Error('') }), 'fetch failed'],
    ['a reason of its own', new Error('the proxy says no'), 'the proxy says no'],
    ['no reason', 'oh', 'unknown'],
  ])('that the application’s own fetch fails to get, with %s, says why', async (_, failure, words) => {
    const options = await world.options({
      fetch: (input, init) => (input === world.resource ? fetch(input, init) : Promise.reject(failure)),
    })
    await expect(createCrossAppClient(options).token(world.resource)).rejects.toMatchObject({
      step: 'discovery',
      stop: 'network',
      message: expect.stringMatching(new RegExp(`cannot be reached: ${words}$`)),
    })
  })

  it.each(['resource-metadata', 'authorization-server-metadata', 'exchange', 'redemption', 'call'])(
    'comes with the application’s own error when its onStep throws at %s',
    async (name) => {
      const own = new Error('the screen is gone')
      const onStep = (step: Step) => {
        if (step.name === name) throw own
      }
      await expect(createCrossAppClient(await world.options({ onStep })).token(world.resource)).rejects.toBe(own)
    },
  )
})
