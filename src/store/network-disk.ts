/** Whether a directory lies on the disk of another machine, where the locks of the embedded store do not work. */

import { statfs } from 'node:fs/promises'

/** The kinds of file system by the numbers that Linux gives them (statfs(2)). Other systems number them otherwise. */
const networkKinds = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0x5346414f, 'AFS'],
  [0x73757245, 'Coda'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
])

/**
 * The kind of network file system that a directory lies on; undefined for a disk of this machine, for a kind that is not known, and on any
 * system but Linux. Rejects when the directory cannot be asked.
 */
export async function networkDiskOf(
  directory: string,
  { platform, kindOf }: { platform: string; kindOf(directory: string): Promise<number> } = {
    platform: process.platform,
    kindOf: async (path) => (await statfs(path)).type,
  },
): Promise<string | undefined> {
  // Some of the numbers do not fit 31 bits, and may come as negative ones.
  return platform === 'linux' ? networkKinds.get((await kindOf(directory)) >>> 0) : undefined
}
