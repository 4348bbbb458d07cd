/** The documents of clients over time: how long they are kept, how often they are fetched, and what strangers cannot do to others. */

import { beforeEach, describe, expect, it } from 'vitest'
import {
  type ClientMetadataDocuments,
  type ClientMetadataDocumentsOptions,
  clientMetadataDocuments,
} from '../../src/protocol/client-metadata.ts'
import { FetchError } from '../../src/protocol/issuer-keys.ts'
import { appUrl, documentOf, documentWeb, type Served } from '../fixture/client-documents.ts'
import { publicJwk } from '../fixture/keys.ts'

const jwksUri = 'https://keys.example/jwks'
const knownUrl = 'https://known.example/client.json'

let web: ReturnType<typeof documentWeb>
let warnings: string[]
let now: number
let documents: ClientMetadataDocuments

const startWith = (more: Partial<ClientMetadataDocumentsOptions> = {}) => {
  const { fetchDocument } = web
  const isNamed = (id: string) => id === knownUrl
  documents = clientMetadataDocuments({
    fetchDocument,
    now: () => now,
    warn: (text) => warnings.push(text),
    isNamed,
    ...more,
  })
}
const publish = async (
  clientId: string,
  served: Omit<Served, 'body'> = {},
  changes: { [member: string]: unknown } = {},
) => web.pages.set(clientId, { body: await documentOf(clientId, changes), ...served })
const strangerUrl = (number: number) => `https://s${number}.example/client.json`
const publishStrangers = async (count: number) => {
  for (let number = 0; number < count; number++) await publish(strangerUrl(number))
}
const fetches = (url: string) => web.fetched.filter((one) => one === url).length
const refused = (reason: string) =>
  expect.objectContaining({ code: 'invalid_client', status: 401, message: 'client authentication failed', reason })
const limited = expect.objectContaining({ code: 'temporarily_unavailable', status: 503, reason: 'cimd_limited' })

function closedGate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { opened, open: () => open() }
}

beforeEach(async () => {
  web = documentWeb()
  warnings = []
  now = 1_800_000_000
  startWith()
  await publish(appUrl)
  await publish(knownUrl)
})

describe('the document of a client', () => {
  it('is fetched once for everybody who asks at the same time', async () => {
    await Promise.all(Array.from({ length: 20 }, () => documents.find(appUrl)))
    expect(web.fetched).toEqual([appUrl])
  })

  it('is read up to 10 KB, and no further [ATK-117]', async () => {
    await publish(appUrl, {}, { padding: 'x'.repeat(9000) })
    await expect(documents.find(appUrl)).resolves.toMatchObject({ clientId: appUrl })
    await publish(knownUrl, {}, { padding: 'x'.repeat(10 * 1024) })
    await expect(documents.find(knownUrl)).rejects.toEqual(refused('fetch_failed'))
    expect(web.limits).toEqual([10 * 1024, 10 * 1024])
  })

  it.each([
    ['five minutes when its server does not say', undefined, 300],
    ['as long as its server says', 3600, 3600],
    ['a minute when its server says not at all', 0, 60],
    ['a day when its server says a year [ATK-124]', 365 * 24 * 3600, 24 * 3600],
  ])('is kept %s [CI-03]', async (_, maxAge, lifetime) => {
    await publish(appUrl, maxAge === undefined ? {} : { maxAge })
    await documents.find(appUrl)
    now += lifetime - 1
    await documents.find(appUrl)
    expect(fetches(appUrl)).toBe(1)
    now += 1
    await publish(appUrl, {}, { client_name: 'New Name' })
    expect(await documents.find(appUrl)).toMatchObject({ name: 'New Name' })
    expect(fetches(appUrl)).toBe(2)
  })

  it.each<[string, Served | Error, string]>([
    ['is not there', { status: 404, body: {} }, 'fetch_failed'],
    ['is there with another status than 200 [CI-02]', { status: 201, body: {} }, 'fetch_failed'],
    ['cannot be fetched', new FetchError('fetch_failed', 'the address answered with a redirect (302)'), 'fetch_failed'],
    ['may not be fetched', new FetchError('fetch_blocked', 'the address may not be asked'), 'fetch_blocked'],
    ['breaks a rule', { body: { client_id: 'another' } }, 'cimd_invalid'],
  ])('that %s is asked for again after 30 seconds, and not sooner [ATK-124]', async (_, served, reason) => {
    web.pages.set(appUrl, served)
    for (let attempt = 0; attempt < 5; attempt++) await expect(documents.find(appUrl)).rejects.toEqual(refused(reason))
    now += 29.9
    await expect(documents.find(appUrl)).rejects.toEqual(refused(reason))
    expect(fetches(appUrl)).toBe(1)
    now += 0.1
    await publish(appUrl)
    await expect(documents.find(appUrl)).resolves.toMatchObject({ clientId: appUrl })
    expect(fetches(appUrl)).toBe(2)
  })

  it('that was right and is withdrawn is no longer good once its time is over', async () => {
    await documents.find(appUrl)
    web.pages.delete(appUrl)
    now += 299
    await expect(documents.find(appUrl)).resolves.toBeDefined()
    now += 1
    await expect(documents.find(appUrl)).rejects.toEqual(refused('fetch_failed'))
  })

  it('tells the operator what is wrong only when the operator named the client', async () => {
    web.pages.set(appUrl, { body: {} })
    web.pages.set(knownUrl, { body: {} })
    await expect(documents.find(appUrl)).rejects.toEqual(refused('cimd_invalid'))
    expect(warnings).toEqual([])
    await expect(documents.find(knownUrl)).rejects.toEqual(refused('cimd_invalid'))
    expect(warnings).toEqual([`client metadata document: ${knownUrl} has no usable client_id`])
  })

  it('never hides a mistake of our own', async () => {
    web.pages.set(appUrl, new TypeError('a mistake'))
    await expect(documents.find(appUrl)).rejects.toThrow(TypeError)
  })
})

describe('the keys of a client', () => {
  const withKeysAt = { jwks: undefined, jwks_uri: jwksUri }
  const serveKeys = async (...kids: string[]) =>
    web.pages.set(jwksUri, { body: { keys: await Promise.all(kids.map((kid) => publicJwk(kid))) } })
  const find = async (kid: string, clientId = appUrl) =>
    await (await documents.find(clientId)).keys?.find({ alg: 'ES256', kid })

  it('are fetched at its jwks_uri when a signature is to be checked, and not before', async () => {
    await publish(appUrl, {}, withKeysAt)
    await serveKeys('app-1')
    await documents.find(appUrl)
    expect(fetches(jwksUri)).toBe(0)
    await expect(find('app-1')).resolves.toBeDefined()
    expect(fetches(jwksUri)).toBe(1)
  })

  it('are kept when the document comes anew, and asked for again when it names another place', async () => {
    await publish(appUrl, {}, withKeysAt)
    await serveKeys('app-1')
    await find('app-1')
    now += 300
    await find('app-1')
    expect([fetches(appUrl), fetches(jwksUri)]).toEqual([2, 1])
    const elsewhere = 'https://keys.example/other'
    await publish(appUrl, {}, { ...withKeysAt, jwks_uri: elsewhere })
    web.pages.set(elsewhere, { body: { keys: [await publicJwk('app-9')] } })
    now += 300
    await expect(find('app-9')).resolves.toBeDefined()
    await expect(find('app-1')).rejects.toMatchObject({ name: 'JwtError', reason: 'key_unknown' })
  })

  it('that cannot be fetched are the fault of the client', async () => {
    await publish(appUrl, {}, withKeysAt)
    await expect(find('app-1')).rejects.toEqual(refused('jwks_unavailable'))
    now += 30
    web.pages.set(jwksUri, { body: { keys: 'none' } })
    await expect(find('app-1')).rejects.toEqual(refused('jwks_invalid'))
    now += 30
    await serveKeys('app-1')
    await expect(find('app-1')).resolves.toBeDefined()
  })

  it('may be a large set only where the operator named the client', async () => {
    await publish(appUrl, {}, withKeysAt)
    await publish(knownUrl, {}, withKeysAt)
    web.pages.set(jwksUri, { body: { keys: [await publicJwk('app-1')], padding: 'x'.repeat(20_000) } })
    await expect(find('app-1')).rejects.toEqual(refused('jwks_unavailable'))
    await expect(find('app-1', knownUrl)).resolves.toBeDefined()
  })

  it('that were purged are refused, wherever they are published', async () => {
    startWith({ isPurged: (kid) => kid === 'app-1' })
    await publish(appUrl, {}, withKeysAt)
    await serveKeys('app-1', 'app-2')
    await expect(find('app-1')).rejects.toMatchObject({ reason: 'key_unknown' })
    await expect(find('app-2')).resolves.toBeDefined()
  })

  it('of a stranger wait their turn as its document does', async () => {
    await publish(appUrl, {}, withKeysAt)
    await serveKeys('app-1')
    startWith({ perMinute: 1 })
    await documents.find(appUrl)
    await expect(find('app-1')).rejects.toEqual(limited)
    now += 60
    await expect(find('app-1')).resolves.toBeDefined()
  })
})

describe('strangers with many addresses [ATK-124]', () => {
  it('cause at most 8 fetches at once, and the others that wait are few', async () => {
    let underWay = 0
    let most = 0
    const gate = closedGate()
    startWith({
      async fetchDocument(url, limits) {
        most = Math.max(most, ++underWay)
        await gate.opened
        underWay--
        return await web.fetchDocument(url, limits)
      },
    })
    await publishStrangers(40)
    const asked = Array.from({ length: 41 }, (_, number) => documents.find(strangerUrl(number)))
    await expect(asked[40]).rejects.toEqual(limited)
    gate.open()
    const found = await Promise.all(asked.slice(0, 40))
    expect([found.length, most]).toEqual([40, 8])
  })

  it('are refused 20 000 times while a client that the operator named, and one that was here before, are served', async () => {
    await publishStrangers(300)
    await documents.find(appUrl)
    const outcomes = new Map<string, number>()
    for (let number = 0; number < 20_000; number++) {
      const outcome = await documents.find(strangerUrl(number)).then(
        () => 'found',
        (error: { reason: string }) => error.reason,
      )
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      if (number % 1000 !== 0) continue
      await expect(documents.find(knownUrl)).resolves.toMatchObject({ clientId: knownUrl })
      await expect(documents.find(appUrl)).resolves.toMatchObject({ clientId: appUrl })
    }
    expect(Object.fromEntries(outcomes)).toEqual({ found: 239, cimd_limited: 19_761 })
    expect(web.fetched).toHaveLength(241)
  })

  it('do not stop a client whose document grew old meanwhile, for a day at most', async () => {
    startWith({ perMinute: 1 })
    await documents.find(appUrl)
    await publish(appUrl, {}, { client_name: 'New Name' })
    for (const after of [300, 23 * 3600]) {
      now += after
      await publishStrangers(1)
      await documents.find(strangerUrl(0)).catch(() => {})
      expect(await documents.find(appUrl)).toMatchObject({ name: 'The App' })
      web.pages.delete(strangerUrl(0))
    }
    now += 3600
    await documents.find(strangerUrl(1)).catch(() => {})
    await expect(documents.find(appUrl)).rejects.toEqual(limited)
    now += 60
    expect(await documents.find(appUrl)).toMatchObject({ name: 'New Name' })
  })

  it('take the place of the stranger who was away for longest, and never of a named client', async () => {
    startWith({ maxEntries: 2 })
    await publishStrangers(2)
    await documents.find(knownUrl)
    await documents.find(appUrl)
    await documents.find(strangerUrl(0))
    await documents.find(appUrl)
    await documents.find(strangerUrl(1))
    for (const url of [knownUrl, appUrl, strangerUrl(0)]) await documents.find(url)
    expect([fetches(knownUrl), fetches(appUrl), fetches(strangerUrl(0))]).toEqual([1, 1, 2])
  })

  it('are fetched by a fetch of their own', async () => {
    const strangers = documentWeb()
    startWith({ fetchUnlisted: strangers.fetchDocument })
    strangers.pages.set(appUrl, { body: await documentOf(appUrl, { client_name: 'Elsewhere' }) })
    expect(await documents.find(appUrl)).toMatchObject({ name: 'Elsewhere' })
    await documents.find(knownUrl)
    expect([strangers.fetched, web.fetched]).toEqual([[appUrl], [knownUrl]])
  })

  it('do not make a named client wait', async () => {
    const gate = closedGate()
    startWith({
      async fetchDocument(url, limits) {
        if (url !== knownUrl) await gate.opened
        return await web.fetchDocument(url, limits)
      },
    })
    const asked = Array.from({ length: 8 }, (_, number) => documents.find(strangerUrl(number)).catch(() => {}))
    await expect(documents.find(knownUrl)).resolves.toMatchObject({ clientId: knownUrl })
    gate.open()
    await Promise.all(asked)
  })
})

describe('documents', () => {
  it('are of nobody who is named, and https alone, unless the server says otherwise', async () => {
    const { fetchDocument } = web
    documents = clientMetadataDocuments({ fetchDocument, now: () => now, warn: (text) => warnings.push(text) })
    web.pages.delete(knownUrl)
    await expect(documents.find(knownUrl)).rejects.toEqual(refused('fetch_failed'))
    await expect(documents.find('http://127.0.0.1/c.json')).rejects.toEqual(refused('cimd_invalid'))
    expect(warnings).toEqual([])
  })
})
