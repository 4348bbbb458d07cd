/** What a second processor gives to one process. */

import { cpus } from 'node:os'
import { newBroker } from './broker.ts'
import { costOf, interleaved, type Measured, measuredAs, type Target } from './interleaved.ts'
import { canPin, serverCore } from './pinned-process.ts'
import { medianRatio } from './statistics.ts'
import { judged, type Row, type Subject } from './subject.ts'
import { makerFor, recipient } from './token-path-targets.ts'

const allowed = [
  { name: 'one processor', cores: serverCore ?? '0' },
  { name: 'two processors', cores: '0,1' },
] as const
const grants = ['exchange, seen', 'jwt-bearer'] as const

export const cores: Subject = {
  name: 'cores',
  title: 'One process on one and on two processors',
  method:
    'xaa serve with one process, held to one processor and to two; the generator runs wherever it finds room, and takes some of the second. 64 keep-alive connections; in turn forwards and backwards; medians of the rounds. × is requests a second on two, divided by those on one in the same round: more is better.',
  async run(effort) {
    if (!canPin || cpus().length < 2) {
      const didNotRun = 'it needs taskset and two processors'
      return { rows: grants.map((name) => ({ name, figures: {}, didNotRun })), broken: [] }
    }
    const broker = await newBroker()
    try {
      const maker = makerFor(broker)
      const targets = await Promise.all(
        allowed.flatMap(({ name, cores: on }) => [
          broker.serve('idp', { cores: on }).then((server): Target => {
            const requests = maker.exchange(recipient(server), { subject: 'seen', authentication: 'basic' })
            const prepared = requests(broker.people)
            return { name: `exchange, seen: ${name}`, process: server.process, requests: () => prepared }
          }),
          broker.serve('resourceAs', { cores: on }).then((server): Target => {
            const requests = maker.redemption(recipient(server), 'basic')
            return { name: `jwt-bearer: ${name}`, process: server.process, requests }
          }),
        ]),
      )
      const measured = await interleaved(targets, effort, { pinned: false, connections: 64 })
      return { rows: grants.flatMap((grant) => rowsOf(grant, measured)), broken: [] }
    } finally {
      await broker.close()
    }
  },
}

function rowsOf(grant: (typeof grants)[number], measured: readonly Measured[]): Row[] {
  const [one, two] = allowed.map(({ name }) => measuredAs(`${grant}: ${name}`, measured))
  if (one === undefined || two === undefined) return []
  const ratio = { value: medianRatio(two.perSecond, one.perSecond), unit: '×' } as const
  const { figures, verdict } = judged('ratio', ratio, grant === 'jwt-bearer' ? { must: 1.4, aim: 1.7 } : undefined)
  return [
    { name: one.name, figures: costOf(one) },
    { name: two.name, figures: { ...figures, ...costOf(two) }, ...(verdict === undefined ? {} : { verdict }) },
  ]
}
