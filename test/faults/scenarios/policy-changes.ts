/** G-17: several administrators change the policy at once, some are killed at it, and every token is explained by one version. */

import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { blockOf } from '../../../src/protocol/blocks.ts'
import { isRedemption, readAudits } from '../checker/audit-lines.ts'
import type { Revocation } from '../checker/history.ts'
import { generatorNow, lasting } from '../rig/clock.ts'
import { clients, resource } from '../rig/deployment.ts'
import type { FaultEnterprise } from '../rig/enterprise.ts'
import { underLoad } from '../rig/load.ts'
import { type PolicyInStore, policyInStore, type StoredBlock } from '../rig/policy-in-store.ts'
import {
  atLeastOnce,
  generousBounds,
  judged,
  type Notes,
  type Outcome,
  type Scenario,
  type ScenarioOptions,
} from './scenario.ts'

export interface PolicyChanges {
  changes: number
  /** Commands that run at the same time. */
  atOnce: number
  rate: number
  instances: number
}

/** Somebody who is blocked and let in again, in turns. */
interface Target {
  user: string
  client: string
  standing?: StoredBlock
  stop?: Revocation
}

/** A block with the versions of the policy that brought and lifted it. */
interface Span {
  names: StoredBlock['names']
  from: number
  to: number
}

/** Changes the policy in rounds; in each, every command is about somebody else, and about a third of them are killed. */
export async function policyChanges(options: ScenarioOptions, size: PolicyChanges): Promise<Outcome> {
  const { seed, progress } = options
  // Commands that start take a small machine's processors for themselves, and this is not about speed.
  const bounds = { ...options.bounds, slowness: generousBounds.slowness }
  return await judged('G-17', { seed, bounds, instances: size.instances }, async (enterprise, notes) => {
    const changer = changerOf(enterprise, notes)
    await underLoad(enterprise, { rate: size.rate, times: 1 }, async () => {
      while (changer.made() < size.changes) {
        await changer.round(size.atOnce)
        if (enterprise.random.next() < 0.2) await killOne(enterprise, notes)
        progress(`${changer.made()} of ${size.changes} changes`)
      }
      // Every instance asks the store twice a second.
      await lasting(2)
    })
    await allFollow(enterprise, notes, changer.version())
    await explain(enterprise, notes, changer.spans())
    notes.tried('versions of the policy', enterprise.knownVersions([0, ...changer.versions()]))
    notes.tried('spent ID-JAGs presented again', await enterprise.presentAgain())
  })
}

function changerOf(enterprise: FaultEnterprise, notes: Notes) {
  const { random, administrator, stateFolder } = enterprise
  const [{ id: client }] = clients
  // Nobody is named so: their blocks make versions, and stop nobody.
  const strangers = Array.from({ length: 5 }, (_, at) => ({ user: `stranger-${at}`, client }))
  const targets: Target[] = [...['alice', 'bob', 'carol'].map((user) => ({ user, client })), ...strangers]
  const spans: Span[] = []
  const versions = new Set<number>()
  /** Milliseconds that a command took, so that those which are cut are cut while they work. */
  let typical = 1000
  let made = 0
  let known: PolicyInStore = { version: 0, blocks: [], lifted: [] }

  const act = async (target: Target) => {
    const lifts = target.standing !== undefined
    const asked = generatorNow()
    if (lifts && target.stop !== undefined) target.stop.liftAsked = asked
    if (!lifts)
      target.stop = enterprise.stopped({
        subject: target.user,
        client: target.client,
        asked,
        acknowledged: Number.POSITIVE_INFINITY,
      })
    const words = [lifts ? 'unblock' : 'block', '--user', target.user, '--client', target.client, '--json']
    const cutAfter = random.next() < 0.35 ? typical * (0.6 + 0.5 * random.next()) : undefined
    const out = await (cutAfter === undefined ? administrator.run(...words) : administrator.runCut(cutAfter, ...words))
    notes.tried('changes')
    made += 1
    if (out === undefined) notes.tried('commands killed')
    else typical = 0.8 * typical + 0.2 * 1000 * (generatorNow() - asked)
    const answer = out === undefined ? undefined : (JSON.parse(out) as { changed: boolean; policyVersion: number })
    return { target, lifts, answer }
  }
  const judgeOne = ({ target, lifts, answer }: Awaited<ReturnType<typeof act>>, now: PolicyInStore) => {
    const name = `${lifts ? 'the end of the block' : 'the block'} of ${target.user}`
    const isIt = ({ names }: StoredBlock) => names.user === target.user && names.client === target.client
    const block = now.blocks.find(isIt)
    const mark = now.lifted.find(isIt)
    if (block !== undefined && mark !== undefined && mark.version >= block.version)
      notes.objects(`${name} is half made: the block stands, and is marked as lifted`)
    if (block === undefined && target.standing !== undefined && (mark?.version ?? 0) <= target.standing.version)
      notes.objects(`${name} is half made: the block is gone, and is not marked as lifted`)
    const done = lifts ? block === undefined : block !== undefined
    const version = (lifts ? mark : block)?.version
    if (answer !== undefined && !(done && answer.changed && answer.policyVersion === version))
      notes.objects(`${name} was acknowledged at ${answer.policyVersion}, and is at ${version}`)
    if (!done || version === undefined) {
      // Nothing came of a command that was killed: the block stands as before, or there is none.
      if (lifts && target.stop !== undefined) delete target.stop.liftAsked
      return
    }
    versions.add(version)
    if (lifts) {
      const span = spans.findLast((one) => isIt({ names: one.names, version: one.from }))
      if (span !== undefined) span.to = version
      if (target.stop !== undefined) target.stop.lifted = generatorNow()
      delete target.standing
    } else if (block !== undefined) {
      spans.push({ names: block.names, from: version, to: Number.POSITIVE_INFINITY })
      if (target.stop !== undefined) target.stop.acknowledged = generatorNow()
      target.standing = block
    }
  }
  return {
    made: () => made,
    version: () => known.version,
    versions: () => [...versions],
    spans: () => spans,
    async round(atOnce: number) {
      const left = [...targets]
      const chosen = Array.from({ length: atOnce }, () => {
        const target = random.pick(left)
        left.splice(left.indexOf(target), 1)
        return target
      })
      const results = await Promise.all(chosen.map(act))
      known = await policyInStore(stateFolder)
      for (const result of results) judgeOne(result, known)
      const latest = Math.max(0, ...[...known.blocks, ...known.lifted].map(({ version }) => version))
      if (latest !== known.version)
        notes.objects(`the policy is at version ${known.version}, and holds something of version ${latest}`)
    },
  }
}

async function killOne(enterprise: FaultEnterprise, notes: Notes): Promise<void> {
  const victim = enterprise.anyInstance()
  const over = enterprise.fault('instance', victim)
  await victim.kill()
  await victim.start()
  over()
  notes.tried('instances killed')
}

/** Each instance decides by the version that is in the store. */
async function allFollow(enterprise: FaultEnterprise, notes: Notes, version: number): Promise<void> {
  for (const instance of enterprise.instances) {
    const [minted] = await enterprise.mint(1, 0, { subject: 'dan' })
    if (minted === undefined) throw new Error('nothing was minted')
    const { correlationId = '' } = await enterprise.redeem({ minted, instance })
    await pause(50)
    const text = await readFile(instance.auditFile, 'utf8')
    const { byCorrelation } = readAudits({ audits: [{ instance: instance.name, text, interrupted: true }] })
    const [line] = byCorrelation.get(correlationId) ?? []
    if (line?.policyVersion?.split('.')[1] !== String(version))
      notes.objects(`${instance.name} decides by ${line?.policyVersion}, and the policy is at ${version}`)
  }
}

/** No grant names a version of the policy by which it is blocked. */
async function explain(enterprise: FaultEnterprise, notes: Notes, spans: readonly Span[]): Promise<void> {
  const { lines } = readAudits(await enterprise.history())
  for (const { instance, number, policyVersion, subject = '', client = '', issuer = '' } of lines.filter(
    isRedemption,
  )) {
    const version = Number(policyVersion?.split('.')[1])
    const standing = spans.filter(({ from, to }) => from <= version && version < to).map(({ names }) => names)
    const access = { users: [subject], client, audiences: [enterprise.issuer, resource], issuer }
    if (blockOf(standing, access) !== undefined)
      notes.objects(`${instance} line ${number} grants under version ${version}, by which ${subject} is blocked`)
  }
}

export const policyChangesScenarios: readonly Scenario[] = [
  {
    goal: 'G-17',
    name: 'policy-changes',
    title: '1 000 blocks and lifted blocks by three commands at once, a third of them killed, at 30 ID-JAGs/s',
    needsRedis: false,
    run: (options) =>
      policyChanges(options, { changes: atLeastOnce(1000 * options.share), atOnce: 3, rate: 30, instances: 3 }),
  },
]
