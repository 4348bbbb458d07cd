/** How much resident memory a process takes while something happens to it, by the kernel's own count of the most there was. */

import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'

/** False where the kernel does not count so: anywhere but on Linux. */
export const countsResident = existsSync('/proc/self/clear_refs')

const megabyte = 1024 * 1024

/** How much more than before `act` a process took at any moment of it, in megabytes. Throws what `act` throws. */
export async function growthDuring(pid: number, act: () => Promise<void>): Promise<number> {
  // proc(5), /proc/pid/clear_refs: 5 sets the peak back to what is resident now.
  await writeFile(`/proc/${pid}/clear_refs`, '5')
  const before = await bytesOf(pid, 'VmRSS')
  await act()
  return ((await bytesOf(pid, 'VmHWM')) - before) / megabyte
}

async function bytesOf(pid: number, line: 'VmRSS' | 'VmHWM'): Promise<number> {
  const found = new RegExp(`^${line}:\\s+(\\d+) kB$`, 'm').exec(await readFile(`/proc/${pid}/status`, 'utf8'))
  if (found === null) throw new Error(`/proc/${pid}/status has no ${line}`)
  return Number(found[1]) * 1024
}
