/** What the caller of the client's `fetch` may ask for, and what it never gets. */

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createCrossAppFetch } from '../../src/client/client.ts'
import { type Enterprise, enterprise } from './enterprise.ts'

let world: Enterprise
beforeEach(async () => {
  world = await enterprise()
})
afterEach(() => world.close())

describe('the caller', () => {
  it('gets a redirect as it is, and no token follows it', async () => {
    const fetch = createCrossAppFetch(await world.options())
    await fetch(world.resource)
    world.api.bend.set('/mcp', (real) => ({
      ...real,
      status: 307,
      headers: { location: `${world.api.origin}/elsewhere` },
    }))
    expect((await fetch(world.resource)).status).toBe(307)
    expect(world.count(world.api, '/elsewhere')).toBe(0)
  })

  it('may not set a credential, or call in the clear', async () => {
    const fetch = createCrossAppFetch(await world.options())
    await expect(fetch(world.resource, { headers: { authorization: 'Bearer mine' } })).rejects.toThrow(TypeError)
    await expect(fetch('http://api.example/mcp')).rejects.toThrow('must be https')
    expect(world.api.seen).toEqual([])
  })

  it('may give up while the flow goes on for others', async () => {
    const fetch = createCrossAppFetch(await world.options())
    const abort = new AbortController()
    world.idp.bend.set('/token', (real) => {
      abort.abort(new Error('enough'))
      return real
    })
    const [first, second] = await Promise.allSettled([
      fetch(world.resource, { signal: abort.signal }),
      fetch(world.resource),
    ])
    expect(first).toMatchObject({ status: 'rejected' })
    expect(second).toMatchObject({ status: 'fulfilled', value: { status: 200 } })
  })

  it('may give up by the signal of a Request, too', async () => {
    const fetch = createCrossAppFetch(await world.options())
    const abort = new AbortController()
    const request = new Request(world.resource, { signal: abort.signal })
    world.idp.bend.set('/token', (real) => {
      abort.abort(new Error('enough'))
      return real
    })
    await expect(fetch(request)).rejects.toThrow('enough')
    expect((await fetch(new Request(world.resource))).status).toBe(200)
  })

  it('that has given up already sends nothing', async () => {
    const fetch = createCrossAppFetch(await world.options())
    await expect(fetch(world.resource, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough')
    expect([world.api.seen, world.idp.seen, world.ras.seen]).toEqual([[], [], []])
    expect((await fetch(world.resource, { signal: new AbortController().signal })).status).toBe(200)
  })

  it('may ask for a redirect to be an error, as with the global fetch', async () => {
    const fetch = createCrossAppFetch(await world.options())
    expect((await fetch(world.resource, { redirect: 'error' })).status).toBe(200)
    world.api.bend.set('/mcp', (real) => ({ ...real, status: 302, headers: { location: world.resource } }))
    await expect(fetch(world.resource, { redirect: 'error' })).rejects.toThrow(TypeError)
    expect((await fetch(world.resource, { redirect: 'follow' })).status).toBe(302)
  })
})
