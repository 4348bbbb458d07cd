/** What the agent does for a person: reads the chat, posts to it, asks the MCP server; each with everything that was sent. */

import { StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import * as z from 'zod'
import {
  CrossAppError,
  clientSecretBasic,
  createCrossAppFetch,
  type DemandedSignIn,
  type Fetch,
  SignInRequired,
} from '../../client/client.ts'
import { financeChannel } from '../../testing/finance.ts'
import { callTool } from '../mcp-call.ts'
import { agentName, type Cast } from './cast.ts'
import type { Observed } from './observed.ts'
import type { Person, WantedSignIn } from './relying-party.ts'

/** A message of the chat, as its API tells it. */
const Message = z.object({ author: z.string(), via: z.string(), channel: z.string(), text: z.string(), at: z.number() })
export type Message = z.output<typeof Message>

/** Who the chat says is calling. */
export const Caller = z.object({
  account: z.string(),
  email: z.string().optional(),
  name: z.string().optional(),
  client: z.string(),
  scopes: z.array(z.string()),
})
export type Caller = z.output<typeof Caller>

const ReadAnswer = z.object({ as: Caller, messages: z.array(Message) })

/** What came back: somebody signed in, an answer of the chat, or the refusal that stopped the agent. */
export type Outcome =
  | { kind: 'signed-in' }
  | { kind: 'read'; as: Caller; messages: Message[] }
  | { kind: 'posted'; message: Message }
  | { kind: 'whoami'; caller: Caller }
  | {
      kind: 'stopped'
      at: CrossAppError['step']
      code: string | undefined
      sentence: string
      /** What a new sign-in must be, where that would help. */
      wanted?: WantedSignIn
    }

/** An errand that has been run, with every request it took. */
export interface Errand {
  outcome: Outcome
  observed: Observed[]
}

/** `post` and `post-to-finance` go by the HTTP API, `post-by-mcp` and `whoami` by the MCP server. */
export type ErrandName = 'read' | 'post' | 'post-to-finance' | 'whoami' | 'post-by-mcp'

/**
 * Runs one errand from the start: a new client that holds no token, so that the whole way is seen each time. An agent in earnest
 * keeps one client for each person, and with it the access tokens. With `signIn`, the person is asked to sign in again where a server
 * demands it, and the errand goes on. Rejects only for trouble that no answer explains.
 */
export async function runErrand(
  name: ErrandName,
  text: string,
  person: Person,
  cast: Cast,
  signIn?: (demanded: DemandedSignIn) => Promise<Person>,
): Promise<Errand> {
  const observed: Observed[] = []
  let now = person
  const { identityProvider, chat, files } = cast
  const at = ({ id, secret }: { id: string; secret: string }) => clientSecretBasic(id, secret)
  const fetch = createCrossAppFetch({
    identityProvider: { issuer: identityProvider.issuer, client: at(identityProvider.credentials) },
    resourceServers: {
      [chat.issuer]: { client: at(chat.credentials) },
      [files.issuer]: { client: at(files.credentials) },
    },
    subject: { idToken: () => now.idToken },
    ...(signIn === undefined
      ? {}
      : {
          async signIn(demanded: DemandedSignIn) {
            now = await signIn(demanded)
          },
        }),
    onStep: (step) => observed.push(step),
  })
  try {
    return { outcome: await outcomeOf(name, text, fetch, cast), observed }
  } catch (cause) {
    const error = crossAppErrorIn(cause)
    if (error === undefined) throw cause
    const { step, code, message } = error
    const wanted = error instanceof SignInRequired ? { wanted: error } : {}
    return { outcome: { kind: 'stopped', at: step, code, sentence: message, ...wanted }, observed }
  }
}

async function outcomeOf(name: ErrandName, text: string, fetch: Fetch, { chat }: Cast): Promise<Outcome> {
  const { messagesUrl, mcpUrl } = chat
  if (name === 'read') return { kind: 'read', ...ReadAnswer.parse(await answered(await fetch(messagesUrl))) }
  if (name === 'post' || name === 'post-to-finance') {
    const headers = { 'content-type': 'application/json' }
    const message = name === 'post' ? { text } : { text, channel: financeChannel }
    const response = await fetch(messagesUrl, { method: 'POST', headers, body: JSON.stringify(message) })
    return { kind: 'posted', message: Message.parse(await answered(response)) }
  }
  if (name === 'whoami') return { kind: 'whoami', caller: Caller.parse(await callTool(byMcp(mcpUrl, fetch), 'whoami')) }
  return { kind: 'posted', message: Message.parse(await callTool(byMcp(mcpUrl, fetch), 'post_message', { text })) }
}

async function answered(response: Response): Promise<unknown> {
  if (!response.ok) throw new Error(`the chat answered ${response.status}: ${(await response.text()).slice(0, 200)}`)
  return await response.json()
}

/** Any MCP client will do: all it is given is the fetch. */
function byMcp(mcpUrl: string, fetch: Fetch) {
  return { name: agentName, transport: new StreamableHTTPClientTransport(new URL(mcpUrl), { fetch }) }
}

/** The MCP client may wrap what its fetch threw. */
function crossAppErrorIn(cause: unknown): CrossAppError | undefined {
  for (let at = cause; at instanceof Error; at = at.cause) if (at instanceof CrossAppError) return at
  return undefined
}
