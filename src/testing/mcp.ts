/** The chat as an MCP server over Streamable HTTP, with a tool that reads and a tool that writes. */

import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { principalOf } from '../http/resource-plugin.ts'
import type { Principal } from '../resource/principal.ts'
import { type Chat, NewMessage } from './chat.ts'
import { takeStrictJson } from './strict-json.ts'

const writingTools: readonly unknown[] = ['post_message']

/**
 * The scopes a request needs. It looks at the very value that is executed afterwards, each member of a batch included, so the two can
 * not disagree on what is called.
 */
export function scopesOfMcpRequest({ body }: FastifyRequest): readonly string[] {
  const calls = (Array.isArray(body) ? body : [body]) as ({ method?: unknown; params?: { name?: unknown } } | null)[]
  const writes = calls.some((call) => call?.method === 'tools/call' && writingTools.includes(call.params?.name))
  return [writes ? 'chat.write' : 'chat.read']
}

/** Serves MCP at one path on every method it knows. Inside of a guard. Stateless: each request has a server of its own. */
export function mcpRoutes(app: FastifyInstance, path: string, chat: Chat): void {
  takeStrictJson(app)
  app.route({
    method: ['GET', 'POST', 'DELETE'],
    url: path,
    // MCP knows no HEAD, and its handler answers one with a body.
    exposeHeadRoute: false,
    async handler(request, reply) {
      const principal = principalOf(request)
      const handler = createMcpHandler(() => chatServer(chat, principal))
      const { body, headers } = request
      const answer = await handler.fetch(
        new Request(new URL(path, `http://${headers.host}`), {
          method: request.method,
          headers: Object.entries(headers).flatMap(([name, value]) =>
            typeof value === 'string' ? [[name, value] as [string, string]] : [],
          ),
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
        body === undefined ? {} : { parsedBody: body },
      )
      return reply.send(answer)
    },
  })
}

function chatServer(chat: Chat, principal: Principal): McpServer {
  const server = new McpServer({ name: 'chat', version: '1.0.0' })
  server.registerTool(
    'whoami',
    {
      title: 'Who am I?',
      description: 'The account, e-mail address, client and scopes that the access token stands for.',
      annotations: { readOnlyHint: true },
    },
    async () => ({ content: [{ type: 'text', text: JSON.stringify(await chat.callerOf(principal)) }] }),
  )
  server.registerTool(
    'post_message',
    {
      title: 'Post a message',
      description: 'Writes a message to a channel of the chat, as the account of the access token.',
      inputSchema: z.object({
        channel: NewMessage.shape.channel.describe('The channel; general unless given.'),
        text: NewMessage.shape.text.describe('What to write.'),
      }),
    },
    async (message) => ({ content: [{ type: 'text', text: JSON.stringify(chat.post(message, principal)) }] }),
  )
  return server
}
