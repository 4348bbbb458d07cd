/** The way of the unmanaged application in a few lines: what it asked whom, and what that was for. */

import { type Cast, companies } from '../agent/cast.ts'
import type { Observed } from '../agent/observed.ts'

/** One request of it, or what happened in the browser meanwhile. Holds no secret. */
export interface Footstep {
  /** What it did, in a few words. */
  name: string
  /** Such as `POST http://127.0.0.1:4002/mcp 401`. */
  line: string
  says: string
}

/** The requests that matter, in order; of the calls with a token the last. What did not happen is left out. */
export function footsteps(observed: readonly Observed[], cast: Cast): Footstep[] {
  const { chat, identityProvider, unmanaged } = companies
  const request = (name: string, status: number) => {
    const found = observed.findLast((one) => one.name === name && one.answer.status === status)
    return found && `${found.request.method} ${found.request.url} ${found.answer.status}`
  }
  const steps = [
    {
      name: 'knocks without a token',
      line: request('call', 401),
      says: `${unmanaged.name} knocks without a token, and ${chat.name} says where to read on`,
    },
    {
      name: 'reads who gives out tokens',
      line: request('resource-metadata', 200),
      says: `${chat.name} says which server gives out tokens for it`,
    },
    {
      name: 'reads how',
      line: request('authorization-server-metadata', 200),
      says: 'That server says how: a code with PKCE, also for clients that nobody entered, if they have a document',
    },
    {
      name: 'sends the person there',
      line: request('token', 200) && `browser ${cast.chat.issuer}/authorize`,
      says: `${chat.name} reads ${unmanaged.name}’s document, has you signed in at ${identityProvider.name}, and asks you`,
    },
    {
      name: 'turns the code into tokens',
      line: request('token', 200),
      says: `You allowed it: the code becomes an access token, and a refresh token for two weeks`,
    },
    { name: 'calls whoami', line: request('call', 200), says: `${chat.name} answers ${unmanaged.name}, as you` },
  ]
  return steps.flatMap(({ name, line, says }) => (line === undefined ? [] : [{ name, line, says }]))
}
