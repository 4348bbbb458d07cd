/** G-15: whoever is blocked gets nothing anywhere within five seconds, and what they had has ended, whatever dies meanwhile. */

import type { Seconds } from '../../../src/protocol/ports.ts'
import { isActive } from '../rig/api.ts'
import { generatorNow, lasting } from '../rig/clock.ts'
import { resource, subjects } from '../rig/deployment.ts'
import type { EnterpriseOptions, FaultEnterprise, Names } from '../rig/enterprise.ts'
import { underLoad } from '../rig/load.ts'
import { oneRedis, watchedRedis } from '../rig/redis.ts'
import {
  atLeastOnce,
  everywhere,
  farAhead,
  judged,
  type Notes,
  type Outcome,
  recovered,
  type Scenario,
  type ScenarioOptions,
} from './scenario.ts'

/** What is done to the store while a block stands. */
type StoreBlow = () => Promise<void>

export interface Blocks {
  rounds: number
  rate: number
  instances: number
}

const promise: Seconds = 5

/** Instances share an LMDB directory; one of them is killed in each round. */
export async function blocksOnLmdb(options: ScenarioOptions, size: Blocks): Promise<Outcome> {
  return await blockRounds(options, size, {})
}

/** Instances share a Redis, which forgets everything in each round. */
export async function blocksOnRedis(options: ScenarioOptions, size: Blocks): Promise<Outcome> {
  const redis = await oneRedis()
  const flush = async () => void (await redis.server.ask('FLUSHALL'))
  try {
    return await blockRounds(options, size, { store: () => redis.address }, flush)
  } finally {
    await redis.remove()
  }
}

/** The primary of the Redis that they share dies in each round, and Sentinels put another in its place. */
export async function blocksOnSentinel(options: ScenarioOptions, size: Blocks): Promise<Outcome> {
  const redis = await watchedRedis()
  const failOver = async () => {
    const primary = await redis.primary()
    await primary.kill()
    await redis.replaced(primary)
    await primary.start()
    await redis.whole()
  }
  try {
    return await blockRounds(options, size, { store: () => redis.address }, failOver)
  } finally {
    await redis.remove()
  }
}

async function blockRounds(
  { seed, bounds, progress }: ScenarioOptions,
  { rounds, rate, instances }: Blocks,
  place: Pick<EnterpriseOptions, 'store'>,
  storeBlow?: StoreBlow,
): Promise<Outcome> {
  return await judged('G-15', { seed, bounds, instances, several: true, ...place }, async (enterprise, notes) => {
    await underLoad(enterprise, { rate, times: 2, ahead: farAhead }, async () => {
      for (let round = 0; round < rounds; round++) {
        const target = targetOf(enterprise, round)
        await blockAndLift(enterprise, notes, target, storeBlow)
        progress(`round ${round + 1} of ${rounds}: ${target.words.join(' ')}`)
      }
    })
    notes.tried('spent ID-JAGs presented again', await enterprise.presentAgain())
  })
}

interface Target {
  /** The options of `xaa block`. */
  words: string[]
  /** Whose ID-JAGs it fits. */
  names: Names
  /** Somebody whom it leaves alone; absent when it stops everybody. */
  spared?: Names
}

/** A random combination of names; every kind of name comes alone once in five rounds. */
function targetOf({ random, issuers, clients, issuer }: FaultEnterprise, round: number): Target {
  const other = (names: readonly string[], than: string) => names.find((name) => name !== than) ?? ''
  const subject = random.pick(subjects)
  const client = random.pick(clients)
  const signer = random.pick(issuers)
  const kinds: readonly { words: string[]; names: Names; spared: Names }[] = [
    { words: ['--user', subject], names: { subject }, spared: { subject: other(subjects, subject) } },
    { words: ['--client', client], names: { client }, spared: { client: other(clients, client) } },
    { words: ['--issuer', signer], names: { issuer: signer }, spared: { issuer: other(issuers, signer) } },
    { words: ['--audience', random.pick([issuer, resource])], names: {}, spared: {} },
  ]
  const alone = kinds[round % 5]
  const chosen = alone === undefined ? kinds.filter(() => random.next() < 0.6) : [alone]
  const all = chosen.length > 0 ? chosen : kinds.slice(0, 1)
  const spared = all.map((one) => one.spared).find((names) => Object.keys(names).length > 0)
  return {
    words: all.flatMap(({ words }) => words),
    names: Object.assign({}, ...all.map(({ names }) => names)),
    ...(spared === undefined ? {} : { spared }),
  }
}

async function blockAndLift(
  enterprise: FaultEnterprise,
  notes: Notes,
  { words, names, spared }: Target,
  storeBlow: StoreBlow | undefined,
): Promise<void> {
  const { administrator, instances } = enterprise
  const doomed = await tokenOf(enterprise, names)
  const living = spared === undefined ? undefined : await tokenOf(enterprise, spared)
  const asked = generatorNow()
  const stop = enterprise.stopped({ ...names, asked, acknowledged: Number.POSITIVE_INFINITY })
  await administrator.run('block', ...words)
  stop.acknowledged = generatorNow()
  notes.tried('blocks')

  const victim = enterprise.anyInstance()
  const killed = enterprise.fault('instance', victim)
  await victim.kill()
  const others = instances.filter((one) => one !== victim)
  const ended = (token: string) => async (one: (typeof instances)[number]) => (await isActive(one, token)) === false
  notes.measured(
    'until a token of the blocked is inactive everywhere, s',
    await everywhere(others, 'a token of the blocked is inactive', ended(doomed)),
    promise,
  )
  if (storeBlow !== undefined) {
    const over = enterprise.fault('store')
    await storeBlow()
    if (spared !== undefined) await recovered(enterprise, others, farAhead, spared)
    over()
    notes.tried('blows to the store')
  }
  await victim.start()
  killed()
  notes.tried('kills')
  for (const one of instances) await mustBe(one, notes, doomed, false, 'after a kill')
  await lasting(stop.acknowledged + promise + 0.5 - generatorNow())
  for (const instance of instances) {
    const [minted] = await enterprise.mint(1, farAhead, names)
    if (minted === undefined) throw new Error('nothing was minted')
    await enterprise.redeem({ minted, instance, mustRefuse: ['access_denied', 'invalid_grant', 'invalid_client'] })
    await mustBe(instance, notes, doomed, false, 'while the block stands')
    if (living !== undefined) await mustBe(instance, notes, living, true, 'of somebody else')
  }
  stop.liftAsked = generatorNow()
  await administrator.run('unblock', ...words)
  stop.lifted = generatorNow()
  notes.measured(
    'until the block is lifted everywhere, s',
    await recovered(enterprise, instances, farAhead, names),
    promise,
  )
  for (const one of instances) await mustBe(one, notes, doomed, false, 'after the block was lifted')
  notes.tried('blocks lifted')
}

/** An access token of somebody, who must get one within a while. */
async function tokenOf(enterprise: FaultEnterprise, names: Names): Promise<string> {
  await recovered(enterprise, enterprise.instances, farAhead, names)
  const fits = enterprise.log.findLast(
    (one) =>
      one.accessToken !== undefined &&
      (['subject', 'client', 'issuer'] as const).every((name) => (names[name] ?? one[name]) === one[name]),
  )
  if (fits?.accessToken === undefined) throw new Error('nobody was granted anything')
  return fits.accessToken
}

/** Asks until there is an answer, which must be this. */
async function mustBe(
  instance: FaultEnterprise['instances'][number],
  notes: Notes,
  token: string,
  active: boolean,
  when: string,
): Promise<void> {
  let answer: boolean | undefined
  await everywhere([instance], 'an answer about a token', async () => {
    answer = await isActive(instance, token)
    return answer !== undefined
  })
  if (answer !== active) notes.objects(`${instance.name} calls a token active: ${answer}, ${when}`)
}

const full = (share: number): Blocks => ({ rounds: atLeastOnce(40 * share), rate: 50, instances: 3 })

export const killSwitch: readonly Scenario[] = [
  {
    goal: 'G-15',
    name: 'block-lmdb',
    title: '40 blocks of random names on LMDB, an instance killed under each, 50 ID-JAGs/s twice each',
    needsRedis: false,
    run: (options) => blocksOnLmdb(options, full(options.share)),
  },
  {
    goal: 'G-15',
    name: 'block-redis',
    title: 'the same on a Redis that loses its memory under each block',
    needsRedis: true,
    run: (options) => blocksOnRedis(options, full(options.share)),
  },
  {
    goal: 'G-15',
    name: 'block-sentinel',
    title: 'the same under Sentinels, with a failover under each block',
    needsRedis: true,
    run: (options) => blocksOnSentinel(options, full(options.share)),
  },
]
