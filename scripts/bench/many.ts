/** What a thousand clients, connections and issuers cost beside one of each. */

import { type Broker, client, newBroker, type Size } from './broker.ts'
import { costOf, interleaved, interleavedMethod, type Measured, measuredAs, type Target } from './interleaved.ts'
import { medianRatio } from './statistics.ts'
import { judged, portion, type Row, type Subject } from './subject.ts'
import { recipient } from './token-path-targets.ts'
import { requestMaker } from './token-requests.ts'

const tables = ['exchange, seen', 'jwt-bearer'] as const

export const many: Subject = {
  name: 'many',
  title: 'A thousand of everything beside one',
  method: `${interleavedMethod}One configuration has one client, one connection and one issuer; the other a thousand clients, each with a connection, and a thousand issuers; its requests come from all clients in turn. × is the processor time with one of each, divided by that with a thousand: more is better.`,
  async run(effort) {
    const broker = await newBroker()
    try {
      const count = portion(1000, effort, 10)
      const targets = await Promise.all([
        ...targetsOf('one', { clients: 1, issuers: 1 }, broker),
        ...targetsOf(String(count), { clients: count, issuers: count }, broker),
      ])
      const measured = await interleaved(targets, effort)
      return { rows: tables.flatMap((table) => rowsOf(table, String(count), measured)), broken: [] }
    } finally {
      await broker.close()
    }
  },
}

function targetsOf(name: string, size: Size, broker: Broker): Promise<Target>[] {
  const { issuer, issuerKey, clientKey, people } = broker
  const others = Array.from({ length: size.clients - 1 }, (_, at) => `other-${at}`)
  const maker = requestMaker(issuer.issuer, { issuer: issuerKey, client: clientKey }, people, [...others, client.id])
  const exchange = async (): Promise<Target> => {
    const server = await broker.serve('idp', { size })
    const requests = maker.exchange(recipient(server), { subject: 'seen', authentication: 'basic' })
    const prepared = requests(Math.max(people, size.clients))
    return { name: `exchange, seen: ${name}`, process: server.process, requests: () => prepared }
  }
  const redemption = async (): Promise<Target> => {
    const server = await broker.serve('resourceAs', { size })
    const requests = maker.redemption(recipient(server), 'basic')
    return { name: `jwt-bearer: ${name}`, process: server.process, requests }
  }
  return [exchange(), redemption()]
}

function rowsOf(table: (typeof tables)[number], count: string, measured: readonly Measured[]): Row[] {
  const one = measuredAs(`${table}: one`, measured)
  const all = measuredAs(`${table}: ${count}`, measured)
  const ratio = { value: medianRatio(one.cpu, all.cpu), unit: '×' } as const
  const { figures, verdict } = judged('ratio', ratio, { must: 0.9, aim: 0.97 })
  return [
    { name: one.name, figures: costOf(one) },
    { name: all.name, figures: { ...figures, ...costOf(all) }, ...(verdict === undefined ? {} : { verdict }) },
  ]
}
