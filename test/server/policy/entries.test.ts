/** Entries made at run time: one version for each change, none lost between two administrators, and never half of one. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TrustedIssuerConfig } from '../../../src/server/config-schema.ts'
import type { ResourceAsDefinition } from '../../../src/server/policy/entries.ts'
import { builtFrom, keyText, resourceAsEntries } from '../../../src/server/policy/entries.ts'
import {
  EntryConflictError,
  type EntryPlace,
  entryAdministration,
} from '../../../src/server/policy/entry-administration.ts'
import { entryKinds } from '../../../src/server/policy/entry-records.ts'
import { memoryStore } from '../../../src/store/memory.ts'
import { type Records, StoreUnavailableError } from '../../../src/store/store.ts'
import { aliceAtChat, policyWorld } from './policy.ts'

const operator = { by: 'operator@example' }
const chat = 'https://auth.chat.example'
const acme = 'https://id.acme.example'

const trusting = (issuer: string, clients: string[] = []): TrustedIssuerConfig => ({
  issuer,
  clients,
  assertions: 'single-use',
  maxLifetime: 300,
  algorithms: ['ES256'],
  emailDomains: [],
  unknownUsers: 'refuse',
  disabled: false,
})
const definition: ResourceAsDefinition = {
  issuer: chat,
  resources: [],
  clients: [],
  trustedIssuers: [trusting(acme, ['one'])],
}
const placeOf = (issuer: string, server = chat): EntryPlace => ({
  kind: 'trustedIssuers',
  server,
  key: [issuer],
  configured: definition.trustedIssuers.find((one) => one.issuer === issuer && server === chat),
})

function entryWorld() {
  const world = policyWorld()
  const entries = entryAdministration(world.records, world.now)
  const known = (feed: Awaited<ReturnType<typeof world.follow>>, issuer = acme) =>
    resourceAsEntries(definition, feed.entries()).trustedIssuers.get(keyText(issuer))
  return { ...world, entries, known }
}

describe('an entry', () => {
  it('takes the place of the one of the configuration, in every process that follows the store', async () => {
    const { entries, follow, known } = entryWorld()
    const [one, other] = [await follow(), await follow()]
    expect(known(one)).toMatchObject({ version: 0, entry: { clients: ['one'] } })
    const { version } = await entries.put(placeOf(acme), trusting(acme, ['one', 'two']), 0, operator)
    for (const feed of [one, other]) {
      await feed.refresh()
      expect(known(feed)).toMatchObject({ version, entry: { clients: ['one', 'two'] } })
      expect(feed.version()).toBe(version)
    }
  })

  it('of one server says nothing to another on the same store', async () => {
    const { entries, follow, known } = entryWorld()
    const feed = await follow()
    await entries.put(placeOf(acme, 'https://auth.files.example'), trusting(acme), 'none', operator)
    await feed.refresh()
    expect(known(feed)).toMatchObject({ version: 0 })
  })

  it('is removed with the one of the configuration, and can be made again', async () => {
    const { entries, follow, known } = entryWorld()
    const feed = await follow()
    await entries.remove(placeOf(acme), 0, operator)
    await feed.refresh()
    expect(known(feed)).toBeUndefined()
    await expect(entries.remove(placeOf(acme), 0, operator)).rejects.toMatchObject({ version: undefined })
    const { version } = await entries.put(placeOf(acme), trusting(acme), 'none', operator)
    await feed.refresh()
    expect(known(feed)).toMatchObject({ version })
  })

  it('is changed by who saw it as it is, and by nobody else', async () => {
    const { entries, records } = entryWorld()
    const issuer = 'https://new.example'
    const { version } = await entries.put(placeOf(issuer), trusting(issuer), 'none', operator)
    const before = await records.revision()
    for (const seen of ['none', 0, version - 1, version + 1] as const) {
      const late = entries.put(placeOf(issuer), trusting(issuer, ['x']), seen, operator)
      await expect(late).rejects.toThrow(EntryConflictError)
      await expect(entries.remove(placeOf(issuer), seen, operator)).rejects.toMatchObject({ version })
    }
    expect(await records.revision()).toBe(before)
    expect(await entries.put(placeOf(issuer), trusting(issuer), version, operator)).toMatchObject({ changed: true })
  })

  it('is not made when it cannot be announced first', async () => {
    const { entries, records } = entryWorld()
    const announce = async () => {
      throw new Error('the audit is away')
    }
    const put = entries.put(placeOf(acme), trusting(acme), 0, { ...operator, announce })
    await expect(put).rejects.toThrow('the audit is away')
    expect(await records.revision()).toBe(0)
  })

  it('of a form that is not known rejects the whole reading, and what was known stays in force', async () => {
    const { entries, follow, known, records } = entryWorld()
    const feed = await follow()
    const { version } = await entries.put(placeOf(acme), trusting(acme, ['two']), 0, operator)
    await feed.refresh()
    const value = { server: chat, key: ['x'], at: 1, by: 'x', entry: { ...trusting('https://x.example'), later: 1 } }
    await records.change([
      { kind: 'policy', id: 'head', expected: version, value: { at: 1, by: 'x', what: 'x' } },
      { kind: entryKinds.trustedIssuers, id: 'x', expected: 0, value },
    ])
    await expect(feed.refresh()).rejects.toThrow()
    expect(known(feed)).toMatchObject({ version, entry: { clients: ['two'] } })
    await expect(follow()).rejects.toThrow()
  })

  it('is written back to a store that came back empty, in every process', async () => {
    const { entries, follow, known, empty } = entryWorld()
    const [one, other] = [await follow(), await follow()]
    for (let at = 0; at < 600; at++)
      await entries.put(placeOf(`https://${at}.example`), trusting(`https://${at}.example`), 'none', operator)
    await entries.remove(placeOf(acme), 0, operator)
    for (const feed of [one, other]) await feed.refresh()
    empty()
    await Promise.all([one.refresh(), other.refresh()])
    await one.refresh()
    const late = await follow()
    for (const feed of [one, late]) {
      expect(known(feed)).toBeUndefined()
      expect(known(feed, 'https://599.example')).toBeDefined()
    }
  })

  it('that was off stays off for tokens issued before, when it is on again', async () => {
    const { entries, follow, ...world } = entryWorld()
    const { statuses } = await world.process()
    const feed = await follow({
      switchedOff: (stored) =>
        resourceAsEntries(definition, stored).trustedIssuers.has(keyText(acme))
          ? []
          : [{ issuer: acme, audience: chat }],
    })
    const index = await statuses.indexFor(aliceAtChat, world.now() + 600)
    expect(feed.isEnded(index)).toBe(false)
    await entries.remove(placeOf(acme), 0, operator)
    await feed.refresh()
    expect(feed.isEnded(index)).toBe(true)
    await entries.put(placeOf(acme), trusting(acme), 'none', operator)
    await feed.refresh()
    expect(feed.isEnded(index)).toBe(true)
    expect(feed.isEnded(await statuses.indexFor({ ...aliceAtChat, users: ['bob'] }, world.now() + 600))).toBe(false)
  })

  it.each([
    ['disabled', { ...trusting(acme), disabled: true }],
    ['removed', undefined],
  ])('that was %s ends refresh tokens from before it, however much later it is made again', async (_, off) => {
    const { entries, follow, ...world } = entryWorld()
    const feed = await follow()
    const place = { ...placeOf(acme), configured: undefined }
    const { version } = await entries.put(place, trusting(acme), 'none', operator)
    await feed.refresh()
    // Made for the first time, it ends nothing.
    expect(feed.blocks.lifted()).toEqual([])
    const seen = await (off === undefined
      ? entries.remove(place, version, operator)
      : entries.put(place, off, version, operator))
    world.pass(80 * 24 * 3600)
    const changed = off === undefined ? 'none' : seen.version
    const { version: again } = await entries.put(place, trusting(acme), changed, operator)
    await feed.refresh()
    const ended = { issuer: acme, audience: chat, liftedAt: world.now() }
    expect(feed.blocks.lifted()).toEqual([ended])
    world.pass(60)
    await entries.put(place, trusting(acme, ['more']), again, operator)
    await feed.refresh()
    // A change of one that was on ends nothing more.
    expect(feed.blocks.lifted()).toEqual([ended])
  })
})

describe('what is built of entries', () => {
  it('is built once for each policy, whatever else is written to the store', async () => {
    const { entries, follow, process } = entryWorld()
    const [feed, { statuses }] = [await follow(), await process()]
    let builds = 0
    const built = builtFrom(feed.entries, () => ++builds)
    const ask = async () => {
      await feed.refresh()
      return built()
    }
    expect([await ask(), await ask()]).toEqual([1, 1])
    await statuses.indexFor(aliceAtChat, 20_000 * 24 * 3600 + 3700)
    expect(await ask()).toBe(1)
    await entries.put(placeOf(acme), trusting(acme), 0, operator)
    expect([await ask(), await ask()]).toEqual([2, 2])
  })

  it('judges again only what changed', async () => {
    const { entries, follow } = entryWorld()
    const feed = await follow()
    await entries.put(placeOf('https://1.example'), trusting('https://1.example'), 'none', operator)
    await feed.refresh()
    const [before] = feed.entries().trustedIssuers
    await entries.put(placeOf('https://2.example'), trusting('https://2.example'), 'none', operator)
    await feed.refresh()
    expect(feed.entries().trustedIssuers).toHaveLength(2)
    expect(feed.entries().trustedIssuers.find(({ id }) => id === before?.id)).toBe(before)
  })
})

describe('administrators who are busy at once', () => {
  it('lose no change: each is made on what its administrator saw, or refused [G-17]', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.constantFrom('https://1.example', 'https://2.example', acme), { maxLength: 6 }), {
          minLength: 2,
          maxLength: 4,
        }),
        fc.scheduler(),
        async (plans, scheduler) => {
          const { records } = memoryStore({ now: () => 1 })
          const slow: Records = {
            ...records,
            get: async (kind, id) => await scheduler.schedule(records.get(kind, id)),
            change: async (changes) => {
              await scheduler.schedule(Promise.resolve())
              return await records.change(changes)
            },
          }
          const entries = entryAdministration(slow, () => 1)
          const made = new Map<string, number>()
          let conflicts = 0
          const administer = async (plan: readonly string[]) => {
            for (const issuer of plan) {
              // Each adds one client to those it saw.
              const [record] = (await records.list(entryKinds.trustedIssuers)).filter(
                ({ value }) => (value.key as string[])[0] === issuer,
              )
              const entry = record?.value.entry as TrustedIssuerConfig | undefined
              const clients =
                (entry?.clients ?? placeOf(issuer).configured === undefined) ? (entry?.clients ?? []) : ['one']
              const seen = record?.version ?? (placeOf(issuer).configured === undefined ? 'none' : 0)
              try {
                await entries.put(placeOf(issuer), trusting(issuer, [...clients, `c${clients.length}`]), seen, operator)
                made.set(issuer, (made.get(issuer) ?? 0) + 1)
              } catch (error) {
                if (!(error instanceof EntryConflictError)) throw error
                conflicts += 1
              }
            }
          }
          await scheduler.waitFor(Promise.all(plans.map(administer)))
          for (const { value } of await records.list(entryKinds.trustedIssuers)) {
            const { issuer, clients } = value.entry as TrustedIssuerConfig
            expect(clients.length - (issuer === acme ? 1 : 0)).toBe(made.get(issuer))
          }
          expect([...made.values()].reduce((sum, one) => sum + one, conflicts)).toBe(plans.flat().length)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('leave the old or the new, never half, when the store fails anywhere in a thousand changes [G-17]', async () => {
    const world = policyWorld()
    let calls = 0
    let cutAt = 0
    const cut = async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
      calls += 1
      if (calls === cutAt) throw new StoreUnavailableError('cut before')
      const answer = await call()
      if (calls === -cutAt) throw new StoreUnavailableError('cut after')
      return answer
    }
    const records: Records = {
      get: (kind, id) => cut(() => world.records.get(kind, id)),
      list: (kind) => cut(() => world.records.list(kind)),
      change: (changes) => cut(() => world.records.change(changes)),
      revision: () => cut(() => world.records.revision()),
    }
    const entries = entryAdministration(records, world.now)
    const feed = await world.follow()
    const version = () => resourceAsEntries(definition, feed.entries()).trustedIssuers.get(keyText(acme))
    for (let change = 0; change < 1000; change++) {
      const before = version()
      calls = 0
      cutAt = (change % 7) * (change % 2 === 0 ? 1 : -1)
      const clients = [`c${change}`, `d${change}`]
      const done = await entries
        .put(placeOf(acme), trusting(acme, clients), before?.version ?? 'none', operator)
        .catch(String)
      await feed.refresh()
      const after = version()
      expect(after?.version === before?.version || after?.version === feed.version()).toBe(true)
      if (typeof done !== 'string') expect(after).toMatchObject({ version: done.version, entry: { clients } })
      else if (after?.version !== before?.version) expect(after?.entry.clients).toEqual(clients)
      else expect(after).toEqual(before)
    }
  })
})
