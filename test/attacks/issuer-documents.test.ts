/** What an issuer publishes, broken in every way, at a running resource authorization server that fetches it over HTTP. */

import { randomUUID } from 'node:crypto'
import type { RequestListener } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Attempt, redeem, redemptionCall } from '../fixture/enterprise.ts'
import { type FollowedIssuer, followedIssuer, metadataPath } from '../fixture/followed-issuer.ts'
import { privateJwk, publicJwk, signerOf } from '../fixture/keys.ts'
import { assertionRefusal, expectRedemptionRefused, expectRefusal, type Refusal } from '../fixture/refusal.ts'
import { send } from '../fixture/requests.ts'

let followed: FollowedIssuer
beforeEach(async () => {
  followed = await followedIssuer()
  followed.trust(followed.issuer)
})
afterEach(() => followed.close())

const unavailable = (reason: Refusal['reason']): Refusal => ({ error: 'temporarily_unavailable', reason })
/** An ID-JAG of the issuer, signed by one of its keys. */
const idJag = async (kid = 'k1', claims: Attempt['claims'] = {}): Promise<Attempt> => ({
  claims: { iss: followed.issuer, ...claims },
  signer: await signerOf(kid),
})
/** Refused, while Acme's ID-JAGs are redeemed as ever. */
const refused = async (attempt: Attempt, refusal: Refusal) =>
  await expectRedemptionRefused(followed.world, attempt, refusal)
const granted = async (attempt: Attempt) => expect((await redeem(followed.world, attempt)).statusCode).toBe(200)
const pass = (seconds: number) => {
  followed.world.clock.now += seconds
}

const answering =
  (status: number, headers: { [name: string]: string } = {}, body: string | Buffer = ''): RequestListener =>
  (_, response) =>
    response.writeHead(status, headers).end(body)
const endless: RequestListener = (_, response) => {
  const more = () => {
    while (response.write('x'.repeat(65_536)));
  }
  response.on('drain', more).on('error', () => {})
  more()
}
/** One byte, and then nothing more. */
const stalled: RequestListener = (_, response) => void response.write('{')
const silent: RequestListener = () => {}
const megabyte = JSON.stringify({ keys: [], more: 'x'.repeat(2 ** 20) })

describe('an ID-JAG is answered with 503, and redeemed when the set is right again,', () => {
  it.each<[string, () => unknown, Refusal['reason']]>([
    ['[ATK-116] while its keys are behind a 301', () => answering(301, { location: '/other' }), 'jwks_unavailable'],
    ['[ATK-116] behind a 302', () => answering(302, { location: '/other' }), 'jwks_unavailable'],
    ['[ATK-116] behind a 307', () => answering(307, { location: '/other' }), 'jwks_unavailable'],
    ['[ATK-116] behind a 308', () => answering(308, { location: '/other' }), 'jwks_unavailable'],
    [
      '[ATK-116] behind a way inside',
      () => answering(302, { location: 'http://169.254.169.254/' }),
      'jwks_unavailable',
    ],
    ['[ATK-117] while its keys do not end', () => endless, 'jwks_unavailable'],
    ['[ATK-117] while its keys are 1 MB', () => answering(200, {}, megabyte), 'jwks_unavailable'],
    [
      '[ATK-117] while its keys are packed',
      () => answering(200, { 'content-encoding': 'gzip' }, gzipSync(megabyte)),
      'jwks_unavailable',
    ],
    ['[ATK-117] while its keys stop in the middle', () => stalled, 'jwks_unavailable'],
    ['[ATK-117] while nobody answers', () => silent, 'jwks_unavailable'],
    ['[ATK-119] while its server fails', () => answering(500), 'jwks_unavailable'],
    ['[ATK-119] while there are no keys', () => answering(404), 'jwks_unavailable'],
    ['[ATK-118] while its keys are HTML', () => answering(200, {}, '<html>'), 'jwks_invalid'],
    ['[ATK-118] while its keys are no list', () => ({ keys: {} }), 'jwks_invalid'],
    ['[ATK-118] while its keys stand twice', () => answering(200, {}, '{"keys":[],"keys":[]}'), 'jwks_invalid'],
    [
      '[ATK-118] while one of them is a secret',
      () => ({ keys: [{ kty: 'oct', k: 'AAAA', kid: 'k1' }] }),
      'jwks_invalid',
    ],
  ])('%s', async (_, page, reason) => {
    const good = followed.pages.get('/jwks')
    followed.pages.set('/jwks', page())
    await refused(await idJag(), unavailable(reason))
    expect(followed.warnings).toHaveLength(1)
    expect(followed.asked).not.toContain('/other')
    followed.pages.set('/jwks', good)
    pass(30)
    await granted(await idJag())
  })

  it('[ATK-118] [T66] while its keys are private, more than a hundred, or two of one kid', async () => {
    const [key, secret, other] = [await publicJwk('k1'), await privateJwk('k1'), await publicJwk('k2')]
    const many = Array.from({ length: 100 }, (_, at) => ({ ...other, kid: `m${at}` }))
    for (const keys of [[secret], [key, ...many], [key, { ...other, kid: 'k1' }]]) {
      followed.pages.set('/jwks', { keys })
      followed.trust(followed.issuer)
      await refused(await idJag(), unavailable('jwks_invalid'))
    }
    followed.pages.set('/jwks', { keys: [key, ...many.slice(1)] })
    pass(30)
    await granted(await idJag())
  })

  it('[ATK-122] while its metadata are of another, name no keys, or are none', async () => {
    const { issuer, pages } = followed
    const jwks_uri = `${issuer}/jwks`
    for (const metadata of [
      { issuer: 'https://idp.example', jwks_uri },
      { issuer: `${issuer}/`, jwks_uri },
      { issuer: [issuer], jwks_uri },
      { jwks_uri },
      { issuer },
      { issuer, jwks_uri: 7 },
      [],
    ]) {
      pages.set(metadataPath, metadata)
      followed.trust(issuer)
      await refused(await idJag(), unavailable('metadata_invalid'))
    }
    pages.set(metadataPath, { issuer, jwks_uri })
    pass(30)
    await granted(await idJag())
  })
})

describe('the keys of an issuer', () => {
  it('[ATK-118] [ATK-119] [T63] serve for an hour after its last good set, and not for ever', async () => {
    await granted(await idJag())
    followed.pages.set('/jwks', { keys: [] })
    for (const seconds of [301, 900, 2300]) {
      pass(seconds)
      await granted(await idJag())
      await refused(await idJag('k2'), unavailable('jwks_invalid'))
    }
    followed.pages.set('/jwks', answering(500))
    pass(100)
    await refused(await idJag(), unavailable('jwks_unavailable'))
    await followed.publish('k1')
    pass(30)
    await granted(await idJag())
  })

  it('[ATK-120] [T60] [T61] are fetched once for many, and twice in a minute for kids that nobody publishes', async () => {
    const good = await idJag()
    await Promise.all(Array.from({ length: 20 }, () => redeem(followed.world, { ...good, claims: { ...good.claims } })))
    expect(followed.asked).toEqual([metadataPath, '/jwks'])
    for (let asked = 0; asked < 40; asked++)
      await refused({ ...good, header: { kid: randomUUID() } }, assertionRefusal('key_unknown'))
    expect(followed.fetches()).toBe(1 + 2)
    pass(30)
    await refused({ ...good, header: { kid: randomUUID() } }, assertionRefusal('key_unknown'))
    expect(followed.fetches()).toBe(1 + 2)
    pass(30)
    await Promise.all(
      Array.from({ length: 200 }, async () => {
        const answer = await redeem(followed.world, { ...good, header: { kid: randomUUID() } })
        expect([answer.statusCode, answer.json().error]).toEqual([400, 'invalid_grant'])
      }),
    )
    expect(followed.fetches()).toBe(1 + 2 + 2)
    await granted(await idJag())
  })

  it('[ATK-121] [T62] serve at once when they are new, and end ten minutes after they were withdrawn', async () => {
    await granted(await idJag())
    await refused(await idJag('k2'), assertionRefusal('key_unknown'))
    await followed.publish('k2')
    pass(30)
    await granted(await idJag('k2'))
    await refused(await idJag('k1'), assertionRefusal('key_unknown'))
    await followed.publish('k3')
    pass(301)
    await granted(await idJag('k2'))
    pass(300)
    await refused(await idJag('k2'), assertionRefusal('key_unknown'))
    await granted(await idJag('k3'))
  })

  it('[ATK-121] [T62] end at once when they are purged', async () => {
    const { purge } = followed.trust(followed.issuer)
    await granted(await idJag())
    await followed.publish('k2')
    await granted(await idJag())
    purge()
    await refused(await idJag(), assertionRefusal('key_unknown'))
    await granted(await idJag('k2'))
  })

  it('[ATK-122] [T65] are for that issuer alone, also when another names the same set, or is at the same host', async () => {
    const { issuer, pages, world } = followed
    const [one, two] = [`${issuer}/one`, `${issuer}/two`]
    pages.set(`${metadataPath}/one`, { issuer: one, jwks_uri: `${issuer}/one/jwks` })
    pages.set(`${metadataPath}/two`, { issuer: two, jwks_uri: `${issuer}/two/jwks` })
    pages.set('/one/jwks', { keys: [await publicJwk('1')] })
    pages.set('/two/jwks', { keys: [{ ...(await publicJwk('other')), kid: '1' }] })
    for (const name of [one, two]) followed.trust(name)
    await granted(await idJag('1', { iss: one }))
    await refused(await idJag('1', { iss: two }), assertionRefusal('signature_invalid'))
    await refused(await idJag('1'), assertionRefusal('key_unknown'))
    const call = redemptionCall(world, { ...(await idJag('other', { iss: two })), header: { kid: '1' } })
    expect((await send(world.chat.app, call)).statusCode).toBe(200)
    // Two publishes the keys of one: what one signed is still one's.
    pages.set(`${metadataPath}/two`, { issuer: two, jwks_uri: `${issuer}/one/jwks` })
    followed.trust(two)
    const before = { events: world.audit.length }
    const mixed = redemptionCall(world, { ...(await idJag('1', { iss: 'https://idp.beta.example' })) })
    expectRefusal(world, before, mixed, await send(world.chat.app, mixed), assertionRefusal('key_unknown'))
    await granted(await idJag('1', { iss: two, sub: 'alice' }))
    await granted(await idJag('1', { iss: one, sub: 'alice' }))
    expect(new Set(world.audit.slice(-2).map(({ account }) => account)).size).toBe(2)
  })
})

describe('no key set is fetched', () => {
  const inside = [
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '192.0.2.1',
    '192.168.0.1',
    '198.18.0.1',
    '224.0.0.1',
    '[::]',
    '[::1]',
    '[fc00::1]',
    '[fe80::1]',
    '[::ffff:127.0.0.1]',
    '2130706433',
    '0x7f.1',
  ]

  it.each(inside)('[ATK-114] from %s, whether the host is that or resolves to it', async (host) => {
    const ip = new URL(`https://${host}`).hostname.replace(/^\[|\]$/g, '')
    const port = Number(new URL(followed.issuer).port)
    const family = ip.includes(':') ? 6 : 4
    const resolve = async () => [{ address: ip, family } as const]
    for (const issuer of [`https://${host}:${port}`, `https://keys.example:${port}`]) {
      followed.trust(issuer, { allowLoopback: false, resolve })
      await refused(await idJag('k1', { iss: issuer }), unavailable('fetch_blocked'))
    }
    expect(followed.asked).toEqual([])
  })

  it('[ATK-115] from an address that the resolver gives only to the connection', async () => {
    let asked = 0
    const resolve = async () => [{ address: asked++ === 0 ? '192.0.2.1' : '127.0.0.1', family: 4 } as const]
    const issuer = `https://keys.example:${new URL(followed.issuer).port}`
    followed.trust(issuer, { allowLoopback: false, resolve })
    await refused(await idJag('k1', { iss: issuer }), unavailable('fetch_blocked'))
    expect(asked).toBe(1)
    expect(followed.asked).toEqual([])
  })
})
