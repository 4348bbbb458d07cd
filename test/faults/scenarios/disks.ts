/** G-16: the disk of audit and store is full or broken, or the audit alone may not grow. */

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { lasting } from '../rig/clock.ts'
import { type FullDisk, limitedFiles, smallDisk } from '../rig/disk.ts'
import type { FaultEnterprise } from '../rig/enterprise.ts'
import type { Instance } from '../rig/instance.ts'
import { underLoad } from '../rig/load.ts'
import { oneRedis } from '../rig/redis.ts'
import {
  atLeastOnce,
  farAhead,
  judged,
  type Notes,
  type Outcome,
  recovered,
  type Scenario,
  type ScenarioOptions,
} from './scenario.ts'

export interface Fillings {
  rounds: number
  rate: number
}

/**
 * The audit of one of two instances on Redis may not grow any more, in the middle of a line; the other instance is not touched. On
 * Redis because the limit is one of all files of a process, and this is about the audit alone.
 */
export async function auditLimited({ seed, bounds, progress }: ScenarioOptions, size: Fillings): Promise<Outcome> {
  const redis = await oneRedis()
  const store = () => redis.address
  try {
    return await judged('G-16', { seed, bounds, instances: 2, store }, async (enterprise, notes) => {
      const [instance] = enterprise.instances
      if (instance === undefined) throw new Error('there is no instance')
      // A few bytes more than there are: the next line is written in part.
      const disk = limitedFiles(instance, async () => (await stat(instance.auditFile)).size + 50)
      await underLoad(enterprise, { rate: size.rate, times: 2, ahead: farAhead }, () =>
        fillings(enterprise, notes, disk, [instance], size.rounds, bounds.grace, progress),
      )
      notes.tried('spent ID-JAGs presented again', await enterprise.presentAgain())
    })
  } finally {
    await redis.remove()
  }
}

/** The LMDB directory and the audits of both instances lie on a small file system that is filled to the last byte. */
export async function diskFull(
  { seed, bounds, progress }: ScenarioOptions,
  size: Fillings,
): Promise<Outcome | undefined> {
  const disk = await smallDisk(8)
  if (disk === undefined) return undefined
  const places = { stateFolder: join(disk.folder, 'state'), auditFolder: disk.folder }
  try {
    return await judged('G-16', { seed, bounds, instances: 2, ...places }, async (enterprise, notes) => {
      await underLoad(enterprise, { rate: size.rate, times: 2, ahead: farAhead }, () =>
        fillings(enterprise, notes, disk, enterprise.instances, size.rounds, bounds.grace, progress),
      )
      notes.tried('spent ID-JAGs presented again', await enterprise.presentAgain())
    })
  } finally {
    await disk.remove()
  }
}

async function fillings(
  enterprise: FaultEnterprise,
  notes: Notes,
  disk: FullDisk,
  instances: readonly Instance[],
  rounds: number,
  grace: number,
  progress: (text: string) => void,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await lasting(1)
    const over = instances.flatMap((one) => [enterprise.fault('audit', one), enterprise.fault('store', one)])
    for (const instance of instances) instance.interrupt()
    await disk.fill()
    await lasting(1)
    for (const instance of instances) {
      const [minted] = await enterprise.mint(1, farAhead)
      if (minted === undefined) throw new Error('nothing was minted')
      const { status } = await enterprise.redeem({ minted, instance })
      if (status !== 503) notes.objects(`${instance.name} answers ${status} while its audit cannot be written`)
    }
    await disk.empty()
    for (const end of over) end()
    notes.tried('disks filled')
    notes.measured('until every instance serves again, s', await recovered(enterprise), grace)
    progress(`round ${round + 1} of ${rounds}`)
  }
}

/** Each fdatasync of one instance fails with EIO for two seconds, by strace. */
export async function syncFails({ seed, bounds }: ScenarioOptions): Promise<Outcome | undefined> {
  if (!existsSync('/usr/bin/strace') || spawnSync('strace', ['-o', '/dev/null', 'true']).status !== 0) return undefined
  return await judged('G-16', { seed, bounds, instances: 2 }, async (enterprise, notes) => {
    const [instance] = enterprise.instances
    if (instance === undefined) throw new Error('there is no instance')
    await underLoad(enterprise, { rate: 20, times: 1, ahead: farAhead }, async () => {
      await lasting(1)
      const over = [enterprise.fault('audit', instance), enterprise.fault('store', instance)]
      const injection = ['-e', 'trace=fdatasync', '-e', 'inject=fdatasync:error=EIO', '-o', '/dev/null']
      const strace = spawn('strace', ['-f', '-p', String(instance.pid()), ...injection], { stdio: 'ignore' })
      await lasting(2)
      const [minted] = await enterprise.mint(1, farAhead)
      if (minted === undefined) throw new Error('nothing was minted')
      const { status } = await enterprise.redeem({ minted, instance })
      if (status !== 503) notes.objects(`${instance.name} answers ${status} while fdatasync fails`)
      const ended = once(strace, 'exit')
      strace.kill('SIGINT')
      await ended
      for (const end of over) end()
      notes.tried('failing disks')
      notes.measured('until every instance serves again, s', await recovered(enterprise), bounds.grace)
    })
    notes.tried('spent ID-JAGs presented again', await enterprise.presentAgain())
  })
}

const full = (share: number): Fillings => ({ rounds: atLeastOnce(20 * share), rate: 50 })

export const disks: readonly Scenario[] = [
  {
    goal: 'G-16',
    name: 'file-limit',
    title: 'the audit of an instance on Redis may not grow (EFBIG), 20 times',
    needsRedis: true,
    run: (options) => auditLimited(options, full(options.share)),
  },
  {
    goal: 'G-16',
    name: 'disk-full',
    title: 'the disk of the LMDB directory and of the audits is full (ENOSPC), 20 times',
    needsRedis: false,
    run: (options) => diskFull(options, full(options.share)),
    needs: 'the right to mount a small tmpfs',
  },
  {
    goal: 'G-16',
    name: 'disk-broken',
    title: 'fdatasync fails (EIO)',
    needsRedis: false,
    run: syncFails,
    needs: 'strace and the right to trace',
  },
]
