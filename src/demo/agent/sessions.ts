/** Browser sessions of an application, in memory: one random cookie each, gone when the process stops. */

import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Seconds } from '../../protocol/ports.ts'
import type { Errand } from './errands.ts'
import type { PendingSignIn, Person, WantedSignIn } from './relying-party.ts'

/** What was tried. */
export type Deed = 'sign-in' | 'errand' | 'finance' | 'replay' | 'elsewhere' | 'disconnect'

/** What the session's last deed came to. */
export interface Result {
  deed: Deed
  errand: Errand
}

/** One browser. */
export interface BrowserSession {
  id: string
  /** Stands in every form; a post without it came from somebody else's page. */
  formToken: string
  startedAt: Seconds
}

/** One browser at the agent. `person` is there once somebody has signed in with it. */
export interface Session extends BrowserSession {
  pending?: PendingSignIn
  /** What the person wanted to post to the channel that demands a better sign-in, and what that must be. */
  unposted?: { text: string; wanted: WantedSignIn }
  person?: Person
  result?: Result
}

/** The sessions of one application, each with a state of its own. */
export interface Sessions<State> {
  /** The session of a request's cookie; undefined when there is none that lives. */
  find(request: FastifyRequest): (BrowserSession & State) | undefined
  /** Starts a session and sets its cookie. */
  start(reply: FastifyReply): BrowserSession & State
  /** Forgets a session. Its cookie is worth nothing afterwards. */
  end(session: BrowserSession): void
}

const lifetime: Seconds = 8 * 3600
const maxSessions = 1000

/** At most 1000 sessions of eight hours, each starting with a `fresh` state; the oldest makes way. Cookies know no ports: each name is one application's. */
export function sessionsOf<State extends object>(
  cookieName: string,
  now: () => Seconds,
  fresh: () => State,
): Sessions<State> {
  const sessions = new Map<string, BrowserSession & State>()
  return {
    find(request) {
      const session = sessions.get(cookieOf(request.headers.cookie ?? '', cookieName))
      return session !== undefined && now() < session.startedAt + lifetime ? session : undefined
    },
    start(reply) {
      const oldest = sessions.size >= maxSessions ? sessions.keys().next().value : undefined
      if (oldest !== undefined) sessions.delete(oldest)
      const session = { ...fresh(), id: random(), formToken: random(), startedAt: now() }
      sessions.set(session.id, session)
      // Lax: the cookie comes along when the identity provider sends the browser back. No Secure: loopback has no https.
      reply.header('set-cookie', `${cookieName}=${session.id}; Path=/; HttpOnly; SameSite=Lax`)
      return session
    },
    end(session) {
      sessions.delete(session.id)
    },
  }
}

function cookieOf(header: string, cookieName: string): string {
  const pairs = header.split(';').map((pair) => pair.trim())
  return pairs.find((pair) => pair.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1) ?? ''
}

function random(): string {
  return randomBytes(24).toString('base64url')
}
