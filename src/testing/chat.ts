/** The chat behind its API: messages of one workspace, read and written as the account the access token names. */

import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { principalOf } from '../http/resource-plugin.ts'
import type { Seconds } from '../protocol/ports.ts'
import type { Principal } from '../resource/principal.ts'
import type { KnownAccount } from '../server/accounts.ts'
import { takeStrictJson } from './strict-json.ts'

export interface Message {
  id: number
  channel: string
  text: string
  /** The account that wrote it. */
  author: string
  /** The client it wrote through. */
  via: string
  at: Seconds
}

/** What a caller may post. */
export const NewMessage = z.strictObject({
  channel: z
    .string()
    .regex(/^[a-z0-9-]{1,40}$/, 'must be 1 to 40 characters of a-z, 0-9 and -')
    .default('general'),
  text: z.string().min(1).max(2000),
})
export type NewMessage = z.output<typeof NewMessage>

/** Who calls, in the words of the chat. */
export interface Caller {
  account: string
  email?: string | undefined
  name?: string | undefined
  client: string
  scopes: readonly string[]
}

export interface Chat {
  messages(): readonly Message[]
  post(message: NewMessage, principal: Principal): Message
  /** Rejects when the accounts cannot be asked. */
  callerOf(principal: Principal): Promise<Caller>
}

const maxMessages = 1000

/** Finds what is known of the owner of an account. */
export type FindAccount = (id: string) => Promise<Pick<KnownAccount, 'email' | 'name'> | undefined>

/** The latest 1000 messages, in memory. */
export function chatOf(findAccount: FindAccount, now: () => Seconds): Chat {
  const messages: Message[] = []
  let lastId = 0
  return {
    messages: () => messages,
    post({ channel, text }, { account, client }) {
      lastId += 1
      const message = { id: lastId, channel, text, author: account, via: client, at: Math.floor(now()) }
      messages.push(message)
      if (messages.length > maxMessages) messages.shift()
      return message
    },
    async callerOf({ account, client, scopes }) {
      const { email, name } = (await findAccount(account)) ?? {}
      return { account, email, name, client, scopes }
    },
  }
}

/** `GET` and `POST` of the messages at one path. Inside of a guard. */
export function messageRoutes(app: FastifyInstance, path: string, chat: Chat): void {
  takeStrictJson(app)
  app.get(path, async (request) => ({ as: await chat.callerOf(principalOf(request)), messages: chat.messages() }))
  app.post(path, async (request, reply) => {
    const read = NewMessage.safeParse(request.body)
    if (!read.success) return reply.code(400).send({ error: z.prettifyError(read.error) })
    return reply.code(201).send(chat.post(read.data, principalOf(request)))
  })
}
