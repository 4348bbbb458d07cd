/** What each way to learn of a token's end costs the guard of an API. */

import { documentFetch } from '../../src/outbound/document.ts'
import { type FetchDocument, issuerKeys } from '../../src/protocol/issuer-keys.ts'
import { defaultAlgorithms } from '../../src/protocol/keys.ts'
import { type Guard, guardOf } from '../../src/resource/guard.ts'
import { introspection } from '../../src/resource/introspection.ts'
import { dangerouslyLocalOnly, type Revocation } from '../../src/resource/revocation.ts'
import { statusLists } from '../../src/resource/status-lists.ts'
import { systemNow } from '../../src/server/ports.ts'
import {
  type BenchEnterprise,
  benchEnterprise,
  issuer,
  people,
  protectedResource,
  resource,
  scope,
} from './enterprise.ts'
import { openConnection } from './generator.ts'
import { patiently } from './patience.ts'
import { median, medianRatio, quantile } from './statistics.ts'
import { portion, type Row, type Subject } from './subject.ts'

/** How the guards under test reach the server, and how often they did. */
interface Wire {
  fetchDocument: FetchDocument
  fetch(address: string, request: RequestInit): Promise<Response>
  requests(): number
}

interface Mode {
  name: string
  revocation(wire: Wire): Revocation
  /** How long a token is still taken after its end, as docs/operations.md promises it. */
  endKnownAfter: number
}

interface Round {
  /** Microseconds for each check. */
  cpu: number
  /** Milliseconds of each check. */
  latencies: number[]
  /** To the authorization server, for each check. */
  requests: number
}

interface Measured {
  mode: Mode
  guard: Guard
  wire: Wire
  rounds: Round[]
}

const credentials = { clientId: protectedResource.id, clientSecret: protectedResource.secret }
const endpoint = `${issuer}/introspect`
/** The token's life in the servers under test. */
const tokenLifetime = 600

const modes: readonly Mode[] = [
  { name: 'local alone', revocation: () => dangerouslyLocalOnly, endKnownAfter: tokenLifetime },
  { name: 'status lists', revocation: ({ fetchDocument }) => statusLists({ fetchDocument }), endKnownAfter: 5 },
  {
    name: 'introspection, remembered for 2 s',
    revocation: ({ fetch }) => introspection({ endpoint, ...credentials, fetch, cacheFor: 2 }),
    endKnownAfter: 3,
  },
  {
    name: 'introspection, each time',
    revocation: ({ fetch }) => introspection({ endpoint, ...credentials, fetch, cacheFor: 0 }),
    endKnownAfter: 1,
  },
]

export const guard: Subject = {
  name: 'guard',
  title: 'What each way to learn of a token’s end costs the guard',
  method: `${people} tokens are checked in turn, one at a time, in each mode after the other, in several rounds. CPU is that of the guard's process; × is to the local check of the same round. Requests are those that went to the authorization server, which is a process of its own on the same machine.`,
  async run(effort) {
    const enterprise = await benchEnterprise()
    try {
      const { port } = await enterprise.open({ name: 'guarded', store: 'memory', audit: 'off' })
      const tokens = await redeemed(port, enterprise)
      const measured = modes.map((mode): Measured => ({ mode, ...guarded(mode, port), rounds: [] }))
      for (let round = 0; round < portion(5, effort, 2); round++) {
        effort.progress(`round ${round + 1}`)
        for (const one of measured) one.rounds.push(await checkAll(tokens, one, portion(3000, effort, people)))
      }
      const local = measured[0]?.rounds.map(({ cpu }) => cpu) ?? []
      return { rows: measured.map((one) => rowOf(one, local)), broken: [] }
    } finally {
      await enterprise.close()
    }
  },
}

/** One token of each person. */
async function redeemed(port: number, enterprise: BenchEnterprise): Promise<string[]> {
  const connection = await openConnection(port)
  const tokens: string[] = []
  for (const request of await enterprise.requests(people)) {
    const { status, text } = await connection.ask(request)
    if (status !== 200) throw new Error(`the server answered ${status}: ${text}`)
    tokens.push((JSON.parse(text) as { access_token: string }).access_token)
  }
  connection.close()
  return tokens
}

function guarded({ revocation }: Mode, port: number): Pick<Measured, 'guard' | 'wire'> {
  const wire = wireTo(port)
  const guard = guardOf(
    {
      resource,
      authorizationServer: issuer,
      keys: issuerKeys({ issuer, fetchDocument: wire.fetchDocument, now: systemNow, warn: () => {} }),
      algorithms: defaultAlgorithms,
      scopes: [scope],
      skew: 30,
      maxLifetime: tokenLifetime,
      revocation: revocation(wire),
    },
    { now: systemNow, newId: () => '', once: async () => true, fence: () => 0, record: async () => {} },
  )
  return { guard, wire }
}

/** The server's name stands in tokens alone: what is asked of it goes to the port at which it listens. */
function wireTo(port: number): Wire {
  const there = (address: string) => address.replace(issuer, `http://127.0.0.1:${port}`)
  const documents = documentFetch({ allowLoopback: true, allowAddresses: [] })
  let requests = 0
  return {
    fetchDocument(address, limits) {
      requests += 1
      return documents(there(address), limits)
    },
    fetch(address, request) {
      requests += 1
      return fetch(there(address), request)
    },
    requests: () => requests,
  }
}

async function checkAll(tokens: readonly string[], { guard, wire }: Measured, checks: number): Promise<Round> {
  const latencies: number[] = []
  const before = wire.requests()
  const used = process.cpuUsage()
  for (let at = 0; at < checks; at++) {
    const authorization = [`Bearer ${tokens[at % tokens.length] ?? ''}`]
    const start = performance.now()
    await patiently(async () => await guard.authenticate({ authorization, correlationId: '' }))
    latencies.push(performance.now() - start)
  }
  const { user, system } = process.cpuUsage(used)
  return { cpu: (user + system) / checks, latencies, requests: (wire.requests() - before) / checks }
}

function rowOf({ mode, rounds }: Measured, local: readonly number[]): Row {
  const cpu = rounds.map((round) => round.cpu)
  const latencies = rounds.flatMap((round) => round.latencies)
  return {
    name: mode.name,
    figures: {
      CPU: { value: median(cpu), unit: 'µs' },
      'to local': { value: medianRatio(cpu, local), unit: '×' },
      p50: { value: quantile(latencies, 0.5), unit: 'ms' },
      p99: { value: quantile(latencies, 0.99), unit: 'ms' },
      'requests per check': { value: median(rounds.map(({ requests }) => requests)), unit: '' },
      'end known after': { value: mode.endKnownAfter, unit: 's' },
    },
  }
}
