/** What a CPU profile of Node says in a few lines. */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What Node writes with --cpu-prof, as far as it is read here. */
export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  /** Microseconds before each sample. */
  timeDeltas: number[]
}

/** The lines of the only profile in a folder. Throws where there is none. */
export async function profileLines(folder: string): Promise<string[]> {
  const [name = ''] = (await readdir(folder)).filter((one) => one.endsWith('.cpuprofile'))
  return topLines(JSON.parse(await readFile(join(folder, name), 'utf8')) as CpuProfile)
}

/** The ten functions with the most time of their own, idle time left out, and then the sum of all functions of this project. */
export function topLines({ nodes, samples, timeDeltas }: CpuProfile): string[] {
  const places = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const file = url.replace(/^.*\/(dist|node_modules)\//, '$1/')
      return [id, `${functionName || '(anonymous)'}${file === '' ? '' : ` ${file}:${lineNumber + 1}`}`]
    }),
  )
  const times = new Map<string, number>()
  let total = 0
  for (const [at, id] of samples.entries()) {
    const place = places.get(id) ?? '(unknown)'
    if (place === '(idle)') continue
    const time = timeDeltas[at] ?? 0
    total += time
    times.set(place, (times.get(place) ?? 0) + time)
  }
  const percent = (time: number) => `${((time * 100) / total).toFixed(1).padStart(5)} %`
  const sorted = [...times].sort(([, one], [, other]) => other - one)
  const own = sorted.filter(([place]) => place.includes(' dist/')).reduce((sum, [, time]) => sum + time, 0)
  return [
    ...sorted.slice(0, 10).map(([place, time]) => `${percent(time)}  ${place}`),
    `${percent(own)}  all functions of this project`,
  ]
}
