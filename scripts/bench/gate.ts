/** The gate: the token path must not cost more than it did, as ratios to its floors; when it does, the profile says where. */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Broker, newBroker } from './broker.ts'
import { interleaved, measuredAs, type Target } from './interleaved.ts'
import type { PinnedProcess } from './pinned-process.ts'
import { profileLines } from './profile.ts'
import { medianRatio } from './statistics.ts'
import type { Effort } from './subject.ts'
import { type Floor, makerFor, recipient, startFloor } from './token-path-targets.ts'

/** The ratios that were measured when the file was written, by the name of the grant. */
export interface GateFile {
  'exchange, seen': number
  'jwt-bearer': number
}

interface Gated {
  name: keyof GateFile
  floor: Floor
  role: 'idp' | 'resourceAs'
}

const gated: readonly Gated[] = [
  { name: 'exchange, seen', floor: 'sign', role: 'idp' },
  { name: 'jwt-bearer', floor: 'verify + sign', role: 'resourceAs' },
]

/** How much worse a ratio may be than in the file: machines differ a little, and none is quiet. */
const slack = 0.1
/** The same each time: shorter measurements have other ratios, because less of the code is compiled. */
const length = { share: 0.4 }

export interface GateOutcome {
  /** A line for each grant, with what was measured and what is the least. */
  lines: string[]
  /** With the profile's top ten lines; undefined when every ratio is good enough. */
  failed?: string
}

/** Measures now and writes the file anew. */
export async function setGate(file: string, effort: Effort): Promise<void> {
  const found = await ratios(gated, effort)
  const rounded = gated.map(({ name }) => [name, Number((found.get(name)?.ratio ?? Number.NaN).toFixed(2))])
  await writeFile(file, `${JSON.stringify(Object.fromEntries(rounded), null, 2)}\n`)
}

/** Measures what a gate file names; what misses once is measured again, in servers that write a profile. Throws for wrong answers. */
export async function gate(file: string, effort: Effort): Promise<GateOutcome> {
  const expected = JSON.parse(await readFile(file, 'utf8')) as GateFile
  const first = await ratios(gated, effort)
  const missed = gated.filter((one) => missesIn(first, expected, one))
  const lines = gated.map((one) => lineOf(first, expected, one))
  if (missed.length === 0) return { lines }
  effort.progress('missed: again, with a profile')
  const again = await ratios(missed, effort, true)
  const still = missed.filter((one) => missesIn(again, expected, one))
  lines.push(...missed.map((one) => `again: ${lineOf(again, expected, one)}`))
  if (still.length === 0) return { lines }
  const failures = still.map((one) => {
    const profile = (again.get(one.name)?.profile ?? []).join('\n  ')
    return `${lineOf(again, expected, one)}; where the time goes:\n  ${profile}`
  })
  return { lines, failed: failures.join('\n') }
}

interface Ratio {
  ratio: number
  profile: string[]
}

async function ratios(which: readonly Gated[], effort: Effort, profiled = false): Promise<Map<string, Ratio>> {
  const broker = await newBroker()
  try {
    const measured = await measure(which, broker, effort, profiled)
    const found = new Map<string, Ratio>()
    for (const { name, floor } of which) {
      const [own, base] = [measuredAs(name, measured), measuredAs(`floor: ${floor}`, measured)]
      const profile = profiled ? await profileLines(profileFolder(broker, name)) : []
      found.set(name, { ratio: medianRatio(base.cpu, own.cpu), profile })
    }
    return found
  } finally {
    await broker.close()
  }
}

async function measure(which: readonly Gated[], broker: Broker, effort: Effort, profiled: boolean) {
  const started: PinnedProcess[] = []
  try {
    const targets = await Promise.all(which.map((one) => targetsOf(one, broker, started, profiled)))
    return await interleaved(targets.flat(), { ...effort, ...length }, { rounds: 5 })
  } finally {
    // The profile is written when a server ends.
    await Promise.all(started.map((process) => process.close()))
  }
}

async function targetsOf(
  { name, floor, role }: Gated,
  broker: Broker,
  started: PinnedProcess[],
  profiled: boolean,
): Promise<Target[]> {
  // Profiling costs something: the floor pays it, too.
  const options = (of: string) => ({
    nodeArguments: profiled ? ['--cpu-prof', `--cpu-prof-dir=${profileFolder(broker, of)}`] : [],
  })
  const [server, base] = await Promise.all([
    broker.serve(role, options(name)),
    startFloor(floor, options(`floor-${floor}`)),
  ])
  started.push(server.process, base)
  const maker = makerFor(broker)
  const requests =
    role === 'idp'
      ? maker.exchange(recipient(server), { subject: 'seen', authentication: 'basic' })
      : maker.redemption(recipient(server), 'basic')
  const prepared = requests(broker.people)
  const same = () => prepared
  return [
    { name: `floor: ${floor}`, process: base, requests: same },
    { name, process: server.process, requests: role === 'idp' ? same : requests },
  ]
}

function profileFolder({ folder }: Broker, name: string): string {
  return join(folder, `profile-${name.replaceAll(/\W+/g, '-')}`)
}

function missesIn(found: ReadonlyMap<string, Ratio>, expected: GateFile, { name }: Gated): boolean {
  return (found.get(name)?.ratio ?? Number.NaN) < expected[name] * (1 - slack)
}

function lineOf(found: ReadonlyMap<string, Ratio>, expected: GateFile, { name, floor }: Gated): string {
  const least = expected[name] * (1 - slack)
  const { ratio = Number.NaN } = found.get(name) ?? {}
  return `${name}: × ${ratio.toFixed(2)} of the floor ${floor}, was × ${expected[name].toFixed(2)}, the least is × ${least.toFixed(2)}`
}
