/** The channel of the chat that is written to after a confirmed, recent sign-in alone (RFC 9470), by whichever way. */

import type { FastifyRequest } from 'fastify'
import type { SignInDemand } from '../protocol/sign-in.ts'
import { confirmedAcr } from './sign-in/provider.ts'

/** Its name. */
export const financeChannel = 'finance'

const demand: SignInDemand = { acr: [confirmedAcr], maxAge: 300 }

/** What a request at the API of the messages demands: looks at the body that is posted afterwards. */
export function signInOfMessage({ body }: FastifyRequest): SignInDemand | undefined {
  return isFinance(body) ? demand : undefined
}

/** What a request at the MCP server demands, each member of a batch included. */
export function signInOfMcpRequest({ body }: FastifyRequest): SignInDemand | undefined {
  const calls = (Array.isArray(body) ? body : [body]) as ({ params?: { arguments?: unknown } } | null)[]
  return calls.some((call) => isFinance(call?.params?.arguments)) ? demand : undefined
}

function isFinance(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'channel' in message && message.channel === financeChannel
}
