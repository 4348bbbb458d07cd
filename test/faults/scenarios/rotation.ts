/** G-11: keys are rotated under load and nobody notices; a key that is purged is refused everywhere within five seconds. */

import { decodeProtectedHeader } from 'jose'
import type { Seconds } from '../../../src/protocol/ports.ts'
import type { Presentation } from '../checker/history.ts'
import { type GuardedApi, guardedApi, isActive } from '../rig/api.ts'
import { generatorNow, lasting } from '../rig/clock.ts'
import type { FaultEnterprise } from '../rig/enterprise.ts'
import type { MintedToken } from '../rig/identity-provider.ts'
import { underLoad } from '../rig/load.ts'
import { followKeys } from '../rig/published-keys.ts'
import {
  atLeastOnce,
  everywhere,
  judged,
  type Notes,
  type Outcome,
  type Scenario,
  type ScenarioOptions,
} from './scenario.ts'

export interface Rotations {
  /** Of each of the two keys. */
  rotations: number
  rate: number
  instances: number
}

/** What is purged is refused everywhere after this time. */
const promise: Seconds = 5
/** From the file to the last guard: a server looks at its file each second, and a list names its keys for at most 4 s. */
const lead: Seconds = 6
/** How long after its issue an access token is shown to the API for the last time. */
const shownFor: Seconds = 3
const keep: Seconds = 10
/** How many ID-JAGs of a key that is to be withdrawn are kept, so that it can be asked again and again whether it still is believed. */
const perInstance = 100
/** A verifier asks for unknown keys twice in 30 s at most. */
const every: Seconds = 16

/** Rotates the key of the access tokens by `xaa keys`, and that of the issuer; then purges the newest of each. */
export async function rotations({ seed, bounds, progress }: ScenarioOptions, size: Rotations): Promise<Outcome> {
  return await judged('G-11', { seed, bounds, instances: size.instances }, async (enterprise, notes) => {
    const stopFollowing = followKeys(enterprise)
    const users = usersOf(enterprise, notes)
    await users.redeemed(await grantAt(enterprise, 0))
    const start = generatorNow()
    await underLoad(users.enterprise, { rate: size.rate, times: 1 }, async () => {
      let old: MintedToken[] = []
      for (let at = 1; at <= size.rotations; at++) {
        await lasting(size.rotations === 1 ? 0 : start + at * every - generatorNow())
        if (at === size.rotations) old = await enterprise.mint(perInstance * size.instances)
        await rotateBoth(enterprise, notes)
        progress(`${at} of ${size.rotations} rotations of both keys`)
      }
      await lasting(1)
      const own = await purgeOwnKey(enterprise, notes, users)
      progress('the key of the access tokens is purged')
      await purgeIssuerKey(enterprise, notes, old)
      progress('the key of the issuer is purged')
      await signsNothing(enterprise, notes, own)
    })
    await users.done()
    await stopFollowing()
    notes.tried('access tokens shown to the API', users.shown())
    notes.tried('spent ID-JAGs presented again', await enterprise.presentAgain())
  })
}

interface Users {
  /** Of which every access token is shown to the API, at once and later. */
  enterprise: FaultEnterprise
  api: GuardedApi
  redeemed(grant: Presentation): Promise<void>
  /** From now on the API may refuse what this key signed. */
  mayRefuse(kid: string): void
  shown(): number
  done(): Promise<void>
}

function usersOf(enterprise: FaultEnterprise, notes: Notes): Users {
  const api = guardedApi(enterprise.issuer)
  const purged = new Set<string>()
  const later: Promise<void>[] = []
  let shown = 0
  const show = async (accessToken: string) => {
    const answer = await api.call(accessToken)
    shown += 1
    const kid = kidOf(accessToken)
    if (answer !== 'let in' && !purged.has(kid)) notes.objects(`the API refuses a token that ${kid} signed: ${answer}`)
  }
  const redeemed = async ({ accessToken }: Presentation) => {
    if (accessToken === undefined) return
    await show(accessToken)
    later.push(lasting(shownFor).then(() => show(accessToken)))
  }
  return {
    api,
    redeemed,
    enterprise: {
      ...enterprise,
      async redeem(redemption) {
        const answer = await enterprise.redeem(redemption)
        later.push(redeemed(answer))
        return answer
      },
    },
    mayRefuse: (kid) => void purged.add(kid),
    shown: () => shown,
    done: async () => {
      while (later.length > 0) await Promise.all(later.splice(0))
    },
  }
}

function kidOf(token: string): string {
  return String(decodeProtectedHeader(token).kid)
}

/** Redeems a new ID-JAG at one instance, which must do it. */
async function grantAt(enterprise: FaultEnterprise, at: number): Promise<Presentation & { accessToken: string }> {
  const instance = enterprise.instances[at]
  const [minted] = await enterprise.mint(1)
  if (instance === undefined || minted === undefined) throw new Error('there is no such instance')
  const granted = await enterprise.redeem({ minted, instance })
  const { status, code, accessToken } = granted
  if (accessToken === undefined) throw new Error(`${instance.name} answers ${status} ${code} to a right ID-JAG`)
  return { ...granted, accessToken }
}

async function rotateBoth(enterprise: FaultEnterprise, notes: Notes): Promise<void> {
  const before = kidOf((await grantAt(enterprise, 0)).accessToken)
  await enterprise.administrator.run(
    ...['keys', 'rotate', enterprise.keyFile, '--lead', String(lead), '--keep', String(keep)],
  )
  await enterprise.idp.rotate()
  notes.tried('rotations of the key of the issuer')
  const signsWith = async (instance: FaultEnterprise['instances'][number]) =>
    kidOf((await grantAt(enterprise, enterprise.instances.indexOf(instance))).accessToken)
  const rotated = generatorNow()
  await lasting(lead - 1)
  await everywhere(
    enterprise.instances,
    'the new key signs',
    async (instance) => (await signsWith(instance)) !== before,
  )
  notes.measured('until a new key signs everywhere, s', generatorNow() - rotated, lead + 2)
  notes.tried('rotations of the key of the access tokens')
}

interface PurgedKey {
  kid: string
  at: Seconds
}

/** Purges the key that signs. What it signed is refused by the API and is not active at any instance, and another one signs. */
async function purgeOwnKey(enterprise: FaultEnterprise, notes: Notes, users: Users): Promise<PurgedKey> {
  const { accessToken } = await grantAt(enterprise, 0)
  const kid = kidOf(accessToken)
  if ((await users.api.call(accessToken)) !== 'let in') notes.objects('the API refuses a good token')
  for (const one of enterprise.instances)
    if ((await isActive(one, accessToken)) !== true) notes.objects(`${one.name} does not know a good token`)
  users.mayRefuse(kid)
  await enterprise.administrator.run('keys', 'purge', enterprise.keyFile, kid)
  const purged = generatorNow()
  const refusals = [
    everywhere(enterprise.instances, 'it is not active', async (one) => (await isActive(one, accessToken)) === false),
    everywhere(
      enterprise.instances.slice(0, 1),
      'the API refuses it',
      async () => (await users.api.call(accessToken)) === 'key_unknown',
    ),
    everywhere(
      enterprise.instances,
      'another key signs',
      async (one) => kidOf((await grantAt(enterprise, enterprise.instances.indexOf(one))).accessToken) !== kid,
    ),
  ]
  notes.measured('until a purged key is refused everywhere, s', Math.max(...(await Promise.all(refusals))), promise)
  notes.tried('purges of the key of the access tokens')
  return { kid, at: purged }
}

/** A second after the promise, nothing that was asked for after it is signed by a purged key. */
async function signsNothing(enterprise: FaultEnterprise, notes: Notes, { kid, at }: PurgedKey): Promise<void> {
  await lasting(at + promise + 1 - generatorNow())
  const late = enterprise.log.flatMap(({ sent, accessToken }) =>
    sent > at + promise && accessToken !== undefined ? [kidOf(accessToken)] : [],
  )
  if (late.includes(kid)) notes.objects('a purged key signs')
  if (late.length === 0) notes.objects('nothing was granted after a purge')
}

/** The issuer withdraws the key that signed these, and an administrator has every server forget it: what it signed is redeemed no longer. */
async function purgeIssuerKey(enterprise: FaultEnterprise, notes: Notes, old: MintedToken[]): Promise<void> {
  const { idp, administrator, instances } = enterprise
  const keyId = old[0]?.keyId ?? ''
  const stop = enterprise.stopped({ asked: generatorNow(), acknowledged: Number.POSITIVE_INFINITY, keyId })
  idp.withdrawOld()
  await administrator.run('issuers', 'purge-keys', idp.issuer)
  stop.acknowledged = generatorNow()
  const waited = await everywhere(instances, 'the withdrawn key is refused', async (instance) => {
    const minted = old.pop()
    if (minted === undefined) throw new Error('a withdrawn key is believed all the time')
    return (await enterprise.redeem({ minted, instance })).status === 400
  })
  notes.measured('until a withdrawn key of an issuer is refused everywhere, s', waited, promise)
  notes.tried('purges of the key of the issuer')
  for (const [at] of instances.entries()) await grantAt(enterprise, at)
}

export const rotationScenarios: readonly Scenario[] = [
  {
    goal: 'G-11',
    name: 'rotation',
    title: '40 rotations of the key of the issuer and 40 of the access tokens, one purge of each, at 200 ID-JAGs/s',
    needsRedis: false,
    run: (options) => rotations(options, { rotations: atLeastOnce(40 * options.share), rate: 200, instances: 3 }),
  },
]
