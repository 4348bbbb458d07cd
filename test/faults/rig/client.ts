/** The client of the rig: sends redemptions over real sockets and writes down what came back, when, and from whom. */

import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import type { Seconds } from '../../../src/protocol/ports.ts'
import type { Presentation } from '../checker/history.ts'
import { generatorNow } from './clock.ts'
import type { MintedToken } from './identity-provider.ts'
import type { Instance } from './instance.ts'

/** One redemption to be. */
export interface Redemption {
  minted: MintedToken
  instance: Pick<Instance, 'name' | 'address'>
  /** When it was planned; now, unless given. */
  due?: Seconds
  /** The codes it may get when it is bad on purpose. */
  mustRefuse?: readonly string[]
  /** In place of the client's own. */
  secret?: string
}

export interface LoggingClient {
  /** Resolves to the entry of the log, whatever happened. */
  redeem(redemption: Redemption): Promise<Presentation>
  readonly log: readonly Presentation[]
  close(): void
}

/** How long an answer is waited for: longer than the server waits for anybody. */
const patience: Seconds = 12

/** The clients with these ids and secrets; each ID-JAG is sent by the one that it was issued to. */
export function loggingClient(credentials: readonly { id: string; secret: string }[]): LoggingClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 512 })
  const log: Presentation[] = []
  return {
    log,
    async redeem({ minted, instance, due, mustRefuse, secret }) {
      const { token, ...facts } = minted
      const own = credentials.find(({ id }) => id === minted.client)?.secret
      const sent = generatorNow()
      const answer = await send(agent, `${instance.address}/token`, {
        authorization: `Basic ${btoa(`${minted.client}:${secret ?? own}`)}`,
        body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: token }),
      })
      const entry: Presentation = {
        ...facts,
        instance: instance.name,
        due: due ?? sent,
        sent,
        ended: generatorNow(),
        ...answer,
        ...(mustRefuse === undefined ? {} : { mustRefuse }),
      }
      log.push(entry)
      return entry
    },
    close: () => agent.destroy(),
  }
}

type Answer = Pick<Presentation, 'status' | 'code' | 'correlationId' | 'scope' | 'accessToken'>

/** Nothing at all when the answer did not come whole. */
function send(
  agent: Agent,
  url: string,
  { authorization, body }: { authorization: string; body: URLSearchParams },
): Promise<Answer> {
  return new Promise((resolve) => {
    const text = body.toString()
    const headers = {
      authorization,
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': Buffer.byteLength(text),
    }
    const request = httpRequest(url, { agent, method: 'POST', headers, timeout: patience * 1000 }, (response) => {
      let received = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        received += chunk
      })
      response.once('close', () => resolve(response.complete ? answerOf(response, received) : {}))
      response.once('error', () => resolve({}))
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve({}))
    request.end(text)
  })
}

function answerOf({ statusCode, headers }: IncomingMessage, text: string): Answer {
  const { error, access_token, scope } = membersOf(text)
  const correlationId = headers['x-correlation-id']
  return {
    ...(statusCode === undefined ? {} : { status: statusCode }),
    ...(error === undefined ? {} : { code: error }),
    ...(typeof correlationId === 'string' ? { correlationId } : {}),
    ...(scope === undefined ? {} : { scope }),
    ...(access_token === undefined ? {} : { accessToken: access_token }),
  }
}

function membersOf(text: string): { error?: string; access_token?: string; scope?: string } {
  try {
    return JSON.parse(text) as { error?: string }
  } catch {
    return {}
  }
}
