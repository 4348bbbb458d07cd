/** The honest user among the noise: a whole exchange and redemption, and how long each request of it took. */

import { encoded, type Genuine, post } from './genuine.ts'
import { type Connection, connectionTo } from './wire.ts'

export interface Honest {
  /** One exchange and one redemption. Throws an error that says what was answered when either is not granted. */
  flow(): Promise<void>
  /** How long the requests took so far, in milliseconds. */
  latencies: number[]
  /** How many of its requests were put off, see {@link Connection}. */
  shed(): number
  close(): void
}

/** An honest client with two connections of its own. */
export function honestClient(genuine: Genuine): Honest {
  const { idp, chat } = genuine.target
  const connections = { idp: connectionTo(idp.port), chat: connectionTo(chat.port) }
  const latencies: number[] = []
  const ask = async (connection: Connection, request: Buffer): Promise<string> => {
    const { status, body, took } = await connection.ask(request)
    latencies.push(took)
    if (status !== 200) throw new Error(`an honest request was answered ${status}: ${body.slice(0, 300)}`)
    return String((JSON.parse(body) as { access_token?: unknown }).access_token)
  }
  return {
    latencies,
    shed: () => connections.idp.shed() + connections.chat.shed(),
    async flow() {
      const exchange = post(idp, '/token', encoded(genuine.exchangeForm()), {
        authorization: genuine.basic(idp.client),
      })
      const idJag = await ask(connections.idp, exchange)
      const redemption = encoded(genuine.redemptionForm(idJag))
      await ask(connections.chat, post(chat, '/token', redemption, { authorization: genuine.basic(chat.client) }))
    },
    close() {
      connections.idp.drop()
      connections.chat.drop()
    },
  }
}
