/** One run: a target, every fuzzer in turn, honest requests in between, and what was measured. */

import { quantile } from '../bench/statistics.ts'
import type { Finding } from './findings.ts'
import type { Fuzzer } from './fuzzer.ts'
import { type Genuine, genuineFor } from './genuine.ts'
import { type Honest, honestClient } from './honest.ts'
import { collections, type Memory, memoryOf } from './memory.ts'
import { openReaders, type Readers } from './readers.ts'
import { type Collected, openTarget, type Target } from './target.ts'
import { type Lines, tryShot } from './try-input.ts'
import { connectionTo } from './wire.ts'

export interface RunOptions {
  seed: number
  fuzzers: readonly Fuzzer[]
  /** When it ends: after so many seconds of inputs, or so many inputs in all. */
  until: { seconds: number } | { inputs: number }
  /** How many requests are under way at a time. */
  atOnce: number
  /** Told of each finding when it is made. */
  found(finding: Finding): void
  /** Told about once a second. */
  progress(state: { inputs: number; perSecond: number; findings: number }): void
}

/** What one fuzzer did. */
export interface Count {
  name: string
  title: string
  inputs: number
  /** Inputs that had a right to be granted, and were; of readers it is not counted. */
  granted?: number
  findings: number
}

export interface Outcome {
  seed: number
  seconds: number
  inputs: number
  findings: number
  /** Requests that were put off because the server was behind, and then answered. */
  shed: number
  counts: Count[]
  honest: {
    /** Whole flows, each of two requests, all of them granted. */
    flows: number
    /** Milliseconds: among honest requests alone, with as many under way; and among the inputs. */
    baselineP99: number
    p99: number
  }
  memory: Memory
  /** Of the server process, in milliseconds. */
  server: {
    delayP99: number
    delayMax: number
    auditLines: number
  }
}

const honestEvery = 500
/** How many inputs of a round stand for a weight of 1. */
const batch = 10

/** Runs; throws when the server process or that of the readers ends, or an honest request is refused. */
export async function run(options: RunOptions): Promise<Outcome> {
  const [target, readers] = await Promise.all([openTarget(), openReaders()])
  try {
    return await Promise.race([runOn(target, readers, options), target.ended, readers.ended])
  } finally {
    readers.close()
    await target.close()
  }
}

async function runOn(
  target: Target,
  readers: Readers,
  { seed, fuzzers, until, atOnce, found, progress }: RunOptions,
): Promise<Outcome> {
  const genuine = genuineFor(target)
  const workers = Array.from(
    { length: atOnce },
    (): Lines => ({ idp: connectionTo(target.idp.port), chat: connectionTo(target.chat.port) }),
  )
  const honest = honestClient(genuine)
  const baseline = await baselineOf(genuine, atOnce, 'inputs' in until ? 10 : 200)
  const counted = fuzzers.map((fuzzer): { fuzzer: Fuzzer; count: Count } => ({
    fuzzer,
    count: {
      name: fuzzer.name,
      title: fuzzer.title,
      inputs: 0,
      ...(fuzzer.over === 'http' ? { granted: 0 } : {}),
      findings: 0,
    },
  }))
  const before = await target.measure(true)
  const rss = [before.rss]
  const first = await target.collect()
  const among: Collected[] = []
  const begun = performance.now()
  const state = { inputs: 0, shots: 0, findings: 0, flows: 0 }
  const seconds = () => (performance.now() - begun) / 1000
  const done = () => ('seconds' in until ? seconds() / until.seconds : state.inputs / until.inputs)
  const objected = (finding: Finding, count: Count) => {
    count.findings += 1
    state.findings += 1
    found(finding)
  }
  const report = async () => {
    const { rss: now, failures } = await target.measure()
    rss.push(now)
    const nobody: Count = { name: '', title: '', inputs: 0, findings: 0 }
    for (const failure of failures)
      objected(
        {
          fuzzer: 'server',
          seed,
          at: state.inputs,
          objection: 'the server reports a failure of its own',
          input: Buffer.from(failure),
        },
        nobody,
      )
    progress({ inputs: state.inputs, perSecond: state.inputs / seconds(), findings: state.findings })
  }
  /** Counts these inputs over HTTP, and gives how many honest flows belong among them. */
  const honestDue = (turns: number) => {
    state.inputs += turns
    state.shots += turns
    const due = Math.floor(state.shots / honestEvery) - state.flows
    state.flows += due
    return due
  }
  let reported = 0
  for (let round = 0; done() < 1; round++) {
    const inTurn = counted.map(({ fuzzer, count }) => {
      const turns = turnsOf(fuzzer, round)
      count.inputs += turns
      return { fuzzer, count, first: count.inputs - turns, turns }
    })
    const read = readers.try(
      inTurn.flatMap(({ fuzzer, first, turns }) =>
        fuzzer.over === 'reader' && turns > 0 ? [{ fuzzer: fuzzer.name, seed, first, turns }] : [],
      ),
    )
    read.catch(() => {})
    for (const { fuzzer, count, first, turns } of inTurn) {
      if (fuzzer.over !== 'http') continue
      let next = first
      const work = async (lines: Lines) => {
        while (next < first + turns) {
          const at = next++
          const { objection, accepted, ...what } = await tryShot(fuzzer, seed, at, genuine, lines)
          if (objection !== undefined) objected({ fuzzer: fuzzer.name, seed, at, objection, ...what }, count)
          else if (accepted) count.granted = (count.granted ?? 0) + 1
        }
      }
      await Promise.all([...workers.map(work), honestly(honest, honestDue(turns))])
    }
    for (const finding of await read) {
      const of = inTurn.find(({ fuzzer }) => fuzzer.name === finding.fuzzer)
      if (of !== undefined) objected(finding, of.count)
    }
    for (const { fuzzer, turns } of inTurn) if (fuzzer.over === 'reader') state.inputs += turns
    if (seconds() - reported >= 1) {
      reported = seconds()
      await report()
    }
    if (among.length < Math.floor(collections * done())) among.push(await target.collect())
  }
  const took = seconds()
  const after = await target.measure()
  await report()
  for (const { idp, chat } of workers) {
    idp.drop()
    chat.drop()
  }
  honest.close()
  return {
    seed,
    seconds: took,
    inputs: state.inputs,
    findings: state.findings,
    shed: workers.reduce((sum, { idp, chat }) => sum + idp.shed() + chat.shed(), honest.shed()),
    counts: counted.map(({ count }) => count),
    honest: { flows: state.flows, baselineP99: quantile(baseline, 0.99), p99: quantile(honest.latencies, 0.99) },
    memory: memoryOf(first, among, rss),
    server: {
      delayP99: after.delayP99,
      delayMax: after.delayMax,
      auditLines: after.auditLines - before.auditLines,
    },
  }
}

/** How many inputs a fuzzer tries when its turn comes: by its weight. */
function turnsOf({ weight }: Fuzzer, round: number): number {
  const share = batch * weight
  return Math.max(1, Math.floor(share * (round + 1)) - Math.floor(share * round))
}

async function honestly(honest: Honest, flows: number): Promise<void> {
  for (let flow = 0; flow < flows; flow++) await honest.flow()
}

/** How long honest requests take when everybody is honest. */
async function baselineOf(genuine: Genuine, atOnce: number, each: number): Promise<number[]> {
  const clients = Array.from({ length: atOnce }, () => honestClient(genuine))
  await Promise.all(clients.map((client) => honestly(client, each)))
  for (const client of clients) client.close()
  // The first of them waited for the server to be compiled.
  return clients.flatMap(({ latencies }) => latencies.slice(Math.floor(latencies.length / 3)))
}
