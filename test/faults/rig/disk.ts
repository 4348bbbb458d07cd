/** Disks that are full when a test says so. */

import { spawnSync } from 'node:child_process'
import { appendFile, mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Instance } from './instance.ts'

export interface FullDisk {
  fill(): Promise<void>
  empty(): Promise<void>
}

/**
 * Forbids a running process files beyond a size (RLIMIT_FSIZE): its writes then fail with EFBIG, first cut short where the limit lies
 * inside of them. Needs no rights, and util-linux's prlimit.
 */
export function limitedFiles(instance: Instance, bytes: () => Promise<number>): FullDisk {
  const limit = (size: string) => {
    const { status, stderr } = spawnSync('prlimit', [`--fsize=${size}:`, '--pid', String(instance.pid())], {
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`prlimit cannot be used: ${stderr}`)
  }
  return {
    async fill() {
      limit(String(await bytes()))
    },
    async empty() {
      limit('unlimited')
    },
  }
}

export interface SmallDisk extends FullDisk {
  readonly folder: string
  remove(): Promise<void>
}

/** A file system of its own in memory; writes to it fail with ENOSPC once it was filled. Undefined where mounting is not allowed. */
export async function smallDisk(megabytes: number): Promise<SmallDisk | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'xaa-small-disk-'))
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'tmpfs', folder])
  if (status !== 0) {
    await rm(folder, { recursive: true })
    return undefined
  }
  const ballast = join(folder, 'ballast')
  return {
    folder,
    async fill() {
      // Others write meanwhile, so that what is left is asked again, and the last of it may be gone already.
      for (;;) {
        const { bavail, bsize } = await statfs(folder)
        if (bavail === 0) return
        await appendFile(ballast, Buffer.alloc(bavail * bsize)).catch((cause: NodeJS.ErrnoException) => {
          if (cause.code !== 'ENOSPC') throw cause
        })
      }
    },
    empty: () => rm(ballast, { force: true }),
    async remove() {
      spawnSync('umount', [folder])
      await rm(folder, { recursive: true, force: true })
    },
  }
}
