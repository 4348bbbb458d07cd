/** The signing keys of a world that runs, changed from outside as an operator would. */

import { decodeProtectedHeader, type JWK } from 'jose'
import { afterAll, describe, expect, it } from 'vitest'
import { run as xaaKeys } from '../../src/cli/keys.ts'
import { signInHeadless } from '../../src/testing/headless-sign-in.ts'
import { startWorld } from '../../src/testing/world.ts'
import { printed } from '../cli/printed.ts'
import { exchange, redeem } from './flow.ts'

const reported: string[] = []
const world = await startWorld({ report: (message) => reported.push(message) })
afterAll(() => world.close())
const file = world.idp.signingKeyFile

async function keys(...args: string[]): Promise<number> {
  return await xaaKeys(args, printed(), world.now)
}
async function published(): Promise<(string | undefined)[]> {
  const answer = await fetch(`${world.idp.issuer}/jwks`)
  return ((await answer.json()) as { keys: JWK[] }).keys.map(({ kid }) => kid)
}
const kidOf = (token: unknown) => decodeProtectedHeader(String(token)).kid
const idToken = () => world.mintIdToken({ user: 'alice', client: 'assistant' })
const signIn = async () =>
  (await signInHeadless({ ...world.idp, client: world.clients.assistant.idp, person: 'alice' })).idToken

describe('xaa keys, on the key file of a running world', () => {
  it('rotates: what the old key signed stays good, the new one signs from its time, and people go on to sign in', async () => {
    const [first = '', rsa] = await published()
    const before = await exchange(world, await idToken())
    expect(kidOf(before.body.access_token)).toBe(first)

    expect(await keys('rotate', file, '--lead', '40', '--keep', '60')).toBe(0)
    await expect.poll(published, { timeout: 20_000 }).toHaveLength(3)
    const [, , next] = await published()
    expect(kidOf(await idToken())).toBe(first)

    world.pass(45)
    const minted = await idToken()
    expect(kidOf(minted)).toBe(next)
    const after = await exchange(world, minted)
    expect(kidOf(after.body.access_token)).toBe(next)
    for (const { body } of [before, after]) expect((await redeem(world, body.access_token)).status).toBe(200)

    world.pass(60)
    const signedIn = await signIn()
    expect(kidOf(signedIn)).toBe(first)
    expect((await exchange(world, signedIn)).status).toBe(200)
    expect(await published()).toEqual([rsa, next, first])
  })

  it('purges: what the key signed is refused at once, and what another one signed is not', async () => {
    const stolen = await idToken()
    const other = await signIn()
    expect((await exchange(world, stolen)).status).toBe(200)
    expect(await keys('purge', file, kidOf(stolen) ?? '')).toBe(0)
    await expect.poll(async () => (await exchange(world, stolen)).status, { timeout: 20_000 }).toBe(400)
    expect((await exchange(world, other)).status).toBe(200)
    expect((await exchange(world, await idToken())).status).toBe(200)
    expect(reported).toEqual([expect.stringContaining('from now on it is refused')])
  })

  it('purges the key of the sign-in, too', async () => {
    const signedIn = await signIn()
    const fresh = await startWorld({ report: (message) => reported.push(message) })
    try {
      const signIn = async () =>
        (await signInHeadless({ ...fresh.idp, client: fresh.clients.assistant.idp, person: 'alice' })).idToken
      const token = await signIn()
      expect((await exchange(fresh, token)).status).toBe(200)
      await xaaKeys(['purge', fresh.idp.signingKeyFile, kidOf(token) ?? ''], printed(), fresh.now)
      await expect.poll(async () => (await exchange(fresh, token)).status, { timeout: 20_000 }).toBe(400)
    } finally {
      await fresh.close()
    }
    expect((await exchange(world, signedIn)).status).toBe(200)
  })
})
