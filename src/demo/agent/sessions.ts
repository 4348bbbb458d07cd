/** Browser sessions of the agent, in memory: one random cookie each, gone when the process stops. */

import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Seconds } from '../../protocol/ports.ts'
import type { Errand } from './errands.ts'
import type { PendingSignIn, Person } from './relying-party.ts'

/** What was tried. */
export type Deed = 'sign-in' | 'errand' | 'replay' | 'elsewhere' | 'disconnect'

/** What the session's last deed came to. */
export interface Result {
  deed: Deed
  errand: Errand
}

/** One browser. `person` is there once somebody has signed in with it. */
export interface Session {
  id: string
  /** Stands in every form; a post without it came from somebody else's page. */
  formToken: string
  startedAt: Seconds
  pending?: PendingSignIn
  person?: Person
  result?: Result
}

/** The sessions of one agent. */
export interface Sessions {
  /** The session of a request's cookie; undefined when there is none that lives. */
  find(request: FastifyRequest): Session | undefined
  /** Starts a session and sets its cookie. */
  start(reply: FastifyReply): Session
  /** Forgets a session. Its cookie is worth nothing afterwards. */
  end(session: Session): void
}

const cookieName = 'finch_session'
const lifetime: Seconds = 8 * 3600
const maxSessions = 1000

/** At most 1000 sessions of eight hours; the oldest makes way. */
export function sessionsOf(now: () => Seconds): Sessions {
  const sessions = new Map<string, Session>()
  return {
    find(request) {
      const session = sessions.get(cookieOf(request.headers.cookie ?? ''))
      return session !== undefined && now() < session.startedAt + lifetime ? session : undefined
    },
    start(reply) {
      const oldest = sessions.size >= maxSessions ? sessions.keys().next().value : undefined
      if (oldest !== undefined) sessions.delete(oldest)
      const session = { id: random(), formToken: random(), startedAt: now() }
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

function cookieOf(header: string): string {
  const pairs = header.split(';').map((pair) => pair.trim())
  return pairs.find((pair) => pair.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1) ?? ''
}

function random(): string {
  return randomBytes(24).toString('base64url')
}
