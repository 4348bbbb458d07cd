/** What a resource authorization server with ten thousand customers costs beside one with ten. */

import { signingKeysOf } from '../../src/protocol/own-keys.ts'
import { entryAdministration } from '../../src/server/policy/entry-administration.ts'
import { entryId, entryKinds } from '../../src/server/policy/entry-records.ts'
import { followPolicy } from '../../src/server/policy/policy-feed.ts'
import { systemNow } from '../../src/server/ports.ts'
import { resourceAsRole } from '../../src/server/resource-as-role.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { newKey } from '../../test/server/example.ts'
import { issuer as server } from './enterprise.ts'
import { median, medianRatio } from './statistics.ts'
import { type Effort, portion, type Row, type Subject } from './subject.ts'

const [few, many] = [10, 10_000]

/** Of one server in each round: a look-up in microseconds, the others in milliseconds. */
interface Measured {
  start: number[]
  lookUp: number[]
  change: number[]
}

export const tenants: Subject = {
  name: 'tenants',
  title: 'What ten thousand tenants cost',
  method: `The trust list of a server is made at run time: ${few} and ${many} customers, each with an issuer of their own, in a store in memory, in turn. Look-up: the trusted issuer of one request. Change: from an administrator's change of one entry to the first look-up that follows it. Start: reading all of them. × is to ${few} in the same round; the look-up is what every request pays.`,
  async run(effort) {
    const rounds = portion(5, effort, 2)
    const measured = {
      [few]: { start: [], lookUp: [], change: [] },
      [many]: { start: [], lookUp: [], change: [] },
    } as {
      [count: number]: Measured
    }
    for (let round = 0; round < rounds; round++)
      for (const count of round % 2 === 0 ? [few, many] : [many, few]) {
        effort.progress(`round ${round + 1} of ${rounds}: ${count}`)
        await measure(count, measured[count] as Measured, effort)
      }
    return { rows: [few, many].map((count) => rowOf(count, measured)), broken: [] }
  },
}

async function measure(count: number, { start, lookUp, change }: Measured, effort: Effort): Promise<void> {
  const { records } = memoryStore({ now: systemNow })
  const key = (at: number) => [`https://${at}.example`, `customer-${at}`] as const
  const entry = (at: number) => ({ issuer: key(at)[0], audTenant: key(at)[1], clients: [], disabled: false })
  for (let at = 0; at < count; at++) {
    const value = { server, key: key(at), entry: entry(at), at: systemNow(), by: 'bench' }
    await records.change([{ kind: entryKinds.trustedIssuers, id: entryId(server, key(at)), expected: 0, value }])
  }
  let began = performance.now()
  const policy = await followPolicy({ records, now: systemNow, say: () => {}, interval: 3_600_000 })
  const fetchDocument = async () => ({ status: 404, body: new Uint8Array() })
  const surroundings = { fetchDocument, fetchUnlisted: fetchDocument, now: systemNow, policy, warn: () => {} }
  const own = { issuer: server, resources: [], clients: [], trustedIssuers: [], accounts: [], protectedResources: [] }
  const keys = await signingKeysOf({ keys: [await newKey()] })
  const role = resourceAsRole({ ...own, accessTokenLifetime: 600 }, surroundings, records, keys)
  const find = async (at: number) =>
    await role.resourceAuthorizationServer.findTrustedIssuer(key(at)[0], { audTenant: key(at)[1] })
  await find(0)
  start.push(performance.now() - began)

  const lookUps = portion(100_000, effort, 10_000)
  for (let at = 0; at < count; at++) await find(at)
  began = performance.now()
  for (let at = 0; at < lookUps; at++)
    if ((await find((at * 7919) % count)) === undefined) throw new Error('an entry was not found')
  lookUp.push(((performance.now() - began) * 1000) / lookUps)

  const administration = entryAdministration(records, systemNow)
  const changes: number[] = []
  for (let at = 0; at < 20; at++) {
    const which = at % count
    const { version } = (await records.get(entryKinds.trustedIssuers, entryId(server, key(which)))) ?? { version: 0 }
    began = performance.now()
    const place = { kind: 'trustedIssuers', server, key: key(which) } as const
    await administration.put(place, { ...entry(which), unknownUsers: 'create' }, version, { by: 'bench' })
    await policy.refresh()
    await find(which)
    changes.push(performance.now() - began)
  }
  change.push(median(changes))
  policy.close()
}

function rowOf(count: number, measured: { [count: number]: Measured }): Row {
  const [own, base] = [measured[count] as Measured, measured[few] as Measured]
  return {
    name: `${count} tenants`,
    figures: {
      'look-up': { value: medianRatio(own.lookUp, base.lookUp), unit: '×' },
      'look-up each': { value: median(own.lookUp), unit: 'µs' },
      'change of one': { value: median(own.change), unit: 'ms' },
      start: { value: median(own.start), unit: 'ms' },
    },
  }
}
