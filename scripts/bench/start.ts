/** How long it takes from the start of a process to its first answer. */

import { type Broker, newBroker } from './broker.ts'
import { openConnection } from './generator.ts'
import { type PinnedProcess, startPinned } from './pinned-process.ts'
import { median, medianRatio } from './statistics.ts'
import { judged, portion, type Row, type Subject } from './subject.ts'

const bare = `import Fastify from 'fastify'
const app = Fastify()
app.get('/health/live', async () => ({ live: true }))
console.log('listening ' + (await app.listen({ port: 0, host: '127.0.0.1' })) + ' ')
process.once('SIGINT', () => process.exit(0))`

const question = Buffer.from('GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n')

export const start: Subject = {
  name: 'start',
  title: 'From the start to the first answer',
  method:
    'From the start of the process to its first answer 200, on one processor: a bare Fastify with one route, and xaa serve with a resource authorization server, a memory store, an audit file and metrics, in turn. × is to the bare Fastify of the same round: less is better.',
  async run(effort) {
    const broker = await newBroker()
    try {
      const targets = [
        { name: 'bare Fastify', times: [] as number[], begin: () => startPinned(['--input-type=module', '-e', bare]) },
        { name: 'xaa serve', times: [] as number[], begin: () => startServer(broker) },
      ]
      const rounds = portion(9, effort, 2)
      for (let round = 0; round < rounds; round++) {
        effort.progress(`round ${round + 1} of ${rounds}`)
        for (const { times, begin } of round % 2 === 0 ? targets : targets.toReversed())
          times.push(await firstAnswer(await begin()))
      }
      const base = targets[0]?.times ?? []
      return { rows: targets.map(({ name, times }) => rowOf(name, times, base)), broken: [] }
    } finally {
      await broker.close()
    }
  },
}

async function startServer(broker: Broker): Promise<PinnedProcess> {
  return (await broker.serve('resourceAs', { settle: false })).process
}

async function firstAnswer(process: PinnedProcess): Promise<number> {
  const began = performance.now()
  const connection = await openConnection(process.port)
  const { status, text } = await connection.ask(question)
  const took = process.startTime + performance.now() - began
  connection.close()
  if (status !== 200) throw new Error(`the server answered ${status}: ${text}`)
  await process.close()
  return took
}

function rowOf(name: string, times: readonly number[], base: readonly number[]): Row {
  const ratio = { value: medianRatio(times, base), unit: '×' } as const
  const { figures, verdict } = judged('ratio', ratio, times === base ? undefined : { must: 1.5, less: true })
  return {
    name,
    figures: { ...figures, 'first answer': { value: median(times), unit: 'ms' } },
    ...(verdict === undefined ? {} : { verdict }),
  }
}
