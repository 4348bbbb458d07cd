/** Debian's Apache with mod_oauth2, unmodified, as the guard of somebody else's pages: it verifies our access tokens in three ways. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { base64url, claimsOf } from '../fixture/tokens.ts'
import { type Apache, pages, startApache } from './debian/apache.ts'
import { versionOnDebian12 } from './debian/programs.ts'
import { otherResource, type ServedVendor, servedVendor } from './debian/vendor.ts'
import { rows, runsIn } from './rows.ts'

runsIn(import.meta.url, 'libapache2-mod-oauth2')

let vendor: ServedVendor
let apache: Apache
beforeAll(async () => {
  vendor = await servedVendor()
  apache = await startApache(vendor)
})
afterAll(async () => {
  await apache.close()
  await vendor.close()
})

/** Says that it is bob's, under the signature of alice's. */
function changed(token: string): string {
  const [header, , signature] = token.split('.')
  const payload = base64url(JSON.stringify({ ...claimsOf(token), sub: 'u-bob' }))
  return `${header}.${payload}.${signature}`
}

describe.each(pages)('a page guarded %s', (page) => {
  it('is shown to whoever has a good token', async () => {
    const answer = await apache.get(page, await vendor.token())
    expect([answer.status, await answer.text()]).toEqual([200, `${page}\n`])
  })

  it('is refused without a token, and with garbage', async () => {
    for (const token of [undefined, 'garbage', changed(await vendor.token())]) {
      const answer = await apache.get(page, token)
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([401, expect.stringContaining('Bearer')])
    }
    expect((await apache.get(page, await vendor.token())).status).toBe(200)
  })

  it('is refused with a token for another resource, and with one that is too old', async () => {
    expect((await apache.get(page, await vendor.token({ resource: otherResource }))).status).toBe(401)
    expect((await apache.get(page, await vendor.token({ secondsAgo: 700 }))).status).toBe(401)
    expect((await apache.get(page, await vendor.token({ secondsAgo: 500 }))).status).toBe(200)
  })
})

describe('a token that was revoked', () => {
  it('is refused where Apache introspects, soon after a use and at once before the first', async () => {
    const used = await vendor.token()
    expect((await apache.get('by-introspection', used)).status).toBe(200)
    await vendor.revoke(used)
    // The module remembers a verdict for the second that it is told.
    await expect.poll(async () => (await apache.get('by-introspection', used)).status, { timeout: 10_000 }).toBe(401)
    const unused = await vendor.token()
    await vendor.revoke(unused)
    expect((await apache.get('by-introspection', unused)).status).toBe(401)
  })

  it.each(['by-jwks-uri', 'by-metadata'] as const)(
    'lives on %s until it expires: where metadata names both, Apache takes the keys',
    async (page) => {
      const token = await vendor.token()
      await vendor.revoke(token)
      expect((await apache.get(page, token)).status).toBe(200)
    },
  )

  it('lives on also where Apache introspects, once a page beside has verified it: they share one memory', async () => {
    const token = await vendor.token()
    expect((await apache.get('by-jwks-uri', token)).status).toBe(200)
    await vendor.revoke(token)
    expect((await apache.get('by-introspection', token)).status).toBe(200)
  })
})

it.each(['libapache2-mod-oauth2'])('the version of %s in the table is that of Debian 12', async (name) => {
  const { version } = rows.find(({ software }) => software === name) ?? {}
  // Another release of Debian has another version, of which the table says nothing.
  expect((await versionOnDebian12(name)) ?? version).toBe(version)
})
