/** What two companies wrote down about two applications: the one that is managed, and the one that is not. */

import type { AuditEvent, Seconds } from '../protocol/ports.ts'
import type { SignInEntry } from '../testing/world.ts'
import { detailOf } from './agent/audit-line.ts'
import { type Cast, companies } from './agent/cast.ts'

/** One line of a record, in the words of the record. */
export interface Note {
  at: Seconds
  text: string
}

/** The record of one company about both applications, oldest first. */
export interface RecordOfBoth {
  managed: Note[]
  unmanaged: Note[]
}

export interface TwoAudits {
  /** What the employer's IT can read: decisions of the identity provider, and its log of sign-ins. */
  employer: RecordOfBoth & {
    /** How many of all its lines name the unmanaged application in any way. */
    namingUnmanaged: number
  }
  /** What the operator of the chat can read: decisions of its authorization server. */
  vendor: RecordOfBoth
}

/**
 * As the records are at this moment. The notes hold the facts of each request, without hashes; each line is counted, whoever it is about.
 */
export function twoAudits({ records: { audit, signIns }, identityProvider, chat, unmanaged }: Cast): TwoAudits {
  // The world has one administration for all companies: what it writes is in the record of none.
  const decided = audit.filter(({ action, role }) => action !== 'admin' && role !== 'resource')
  const of = (issuer: string) => decided.filter(({ server }) => server === issuer)
  const [atProvider, atChat] = [of(identityProvider.issuer), of(chat.issuer)]
  const byClient = (events: readonly AuditEvent[], id: string) =>
    events.filter(({ client }) => client === id).map(eventNote)
  const signedIn = (matches: (entry: SignInEntry) => boolean) => signIns.filter(matches).map(signInNote)
  const words = [...atProvider, ...signIns].map((line) => JSON.stringify(line))
  return {
    employer: {
      managed: [
        ...signedIn(({ client }) => client === identityProvider.credentials.id),
        ...byClient(atProvider, identityProvider.credentials.id),
      ].sort(byTime),
      unmanaged: signedIn(({ application }) => application === companies.chat.name),
      namingUnmanaged: words.filter(
        (line) => line.includes(unmanaged.origin) || line.includes(companies.unmanaged.name),
      ).length,
    },
    vendor: { managed: byClient(atChat, chat.credentials.id), unmanaged: byClient(atChat, unmanaged.clientId) },
  }
}

function byTime(one: Note, other: Note): number {
  return one.at - other.at
}

function eventNote(event: AuditEvent): Note {
  const { at, action, outcome, reason } = event
  const detail = detailOf(event)
  const decided = outcome === 'granted' ? `${action}, granted` : `${action}, refused: ${reason}`
  return { at, text: detail === '' ? decided : `${decided}; ${detail}` }
}

function signInNote({ at, sub, application }: SignInEntry): Note {
  return { at, text: `sign-in of ${sub} to ${application}` }
}
