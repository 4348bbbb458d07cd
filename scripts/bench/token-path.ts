/** What the token path costs beside what it cannot do without, and beside oidc-provider. */

import { newBroker } from './broker.ts'
import { costOf, interleaved, interleavedMethod, type Measured, measuredAs, type Target } from './interleaved.ts'
import { medianRatio } from './statistics.ts'
import { type Goal, judged, type Row, type Subject } from './subject.ts'
import { tokenPathTargets } from './token-path-targets.ts'

export interface Comparison {
  row: string
  name: string
  /** What its processor time is a share of. */
  of: string
  goal?: Goal
}

/** What is compared with what, and what is asked of it. */
export const comparisons: readonly Comparison[] = [
  {
    row: 'exchange, seen',
    name: 'exchange, subject token seen before',
    of: 'floor: sign',
    goal: { must: 0.7, aim: 0.85 },
  },
  {
    row: 'exchange, new',
    name: 'exchange, new subject token',
    of: 'floor: verify + sign',
    goal: { must: 0.72, aim: 0.88 },
  },
  {
    row: 'exchange, private_key_jwt',
    name: 'exchange, seen before, private_key_jwt',
    of: 'floor: verify + sign',
    goal: { must: 0.78, aim: 0.88 },
  },
  { row: 'jwt-bearer', name: 'jwt-bearer', of: 'floor: verify + sign', goal: { must: 0.78, aim: 0.88 } },
  {
    row: 'jwt-bearer, private_key_jwt',
    name: 'jwt-bearer, private_key_jwt',
    of: 'floor: 2 verify + sign',
    goal: { must: 0.78, aim: 0.88 },
  },
  {
    row: 'guard, seen',
    name: 'guard, access token seen before, audit file',
    of: 'floor: bare Fastify',
    goal: { must: 0.75, aim: 0.95 },
  },
  { row: 'guard, seen, no audit', name: 'guard, seen before, no audit', of: 'floor: bare Fastify' },
  { row: 'guard, new', name: 'guard, new access token', of: 'floor: bare Fastify' },
  {
    row: 'exchange, seen',
    name: 'exchange, seen before',
    of: 'oidc-provider: exchange, seen',
    goal: { must: 4.5, aim: 5.5 },
  },
  { row: 'exchange, new', name: 'exchange, new', of: 'oidc-provider: exchange, new', goal: { must: 2, aim: 2.4 } },
  { row: 'jwt-bearer', name: 'jwt-bearer', of: 'oidc-provider: jwt-bearer', goal: { must: 1.9, aim: 2.3 } },
]

export const tokenPath: Subject = {
  name: 'token-path',
  title: 'The token path beside its floor and beside oidc-provider',
  method: `${interleavedMethod}× is the processor time of what stands after “of”, divided by ours: more is better. Ours are xaa serve with everything on (memory store, audit file, metrics, limits, status lists) and the guard in front of an API on Fastify. A floor is Fastify, form parsing, the unavoidable signatures by node:crypto on fixed inputs, and a reply of the same size. ES256; client_secret_basic unless said.`,
  async run(effort) {
    const broker = await newBroker()
    try {
      const { targets, close } = await tokenPathTargets(broker)
      try {
        const wanted = comparisons.filter(({ name }) => effort.rows?.test(name) ?? true)
        const isWanted = ({ name }: Target) => wanted.some(({ row, of }) => name === row || name === of)
        const measured = await interleaved(targets.filter(isWanted), effort)
        const others = measured.filter(({ name }) => /^(floor|oidc-provider): /.test(name))
        return {
          rows: [
            ...wanted.map((one) => rowOf(one, measured)),
            ...others.map((one) => ({ name: one.name, figures: costOf(one) })),
          ],
          broken: [],
        }
      } finally {
        await close()
      }
    } finally {
      await broker.close()
    }
  },
}

function rowOf({ row, name, of, goal }: Comparison, measured: readonly Measured[]): Row {
  const [own, base] = [measuredAs(row, measured), measuredAs(of, measured)]
  const { figures, verdict } = judged('ratio', { value: medianRatio(base.cpu, own.cpu), unit: '×' }, goal)
  return {
    name: `${name}, of ${of}`,
    figures: { ...figures, ...costOf(own) },
    ...(verdict === undefined ? {} : { verdict }),
  }
}
