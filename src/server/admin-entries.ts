/** The addresses of one kind of entry: look at one, make, change, switch and remove it. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import type { Block } from '../protocol/blocks.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { AdminContext, AdminFacts, Handler } from './admin-context.ts'
import { AdminError, bodyOf, parsed, preconditionMissing, seenIn } from './admin-request.ts'
import type { KnownEntry } from './policy/entries.ts'
import { EntryConflictError, type EntryPlace } from './policy/entry-administration.ts'
import type { EntryValue } from './policy/entry-input.ts'

/** The body of a switch. */
export const Switch = z.strictObject({ enabled: z.boolean() })

/** One entry, or the place where one could be. */
export interface Located<Entry extends { disabled: boolean }> {
  place: EntryPlace
  /** What a person calls it, such as `connection`. */
  noun: string
  known: KnownEntry<Entry> | undefined
  /** Why it is not there, when it is not. */
  missing: string
  /** The names of the block that switches it off. */
  names: Block
  /** Further blocks that stop it too. */
  wider: readonly Block[]
  facts: Omit<AdminFacts, 'outcome' | 'reason' | 'correlationId'>
  /** Judges a body. Throws `EntryInputError`. */
  read(body: JsonObject): Promise<EntryValue>
  /** As it is shown: never with a secret. */
  shown(known: KnownEntry<Entry>, enabled: boolean): object
}

/**
 * `locate` finds the entry that an address names, as it is now, and throws {@link AdminError} when there can be none. A changed entry
 * is answered as it is then, with its version as ETag. Without the version that its administrator saw, nothing is changed: 428;
 * with another one: 409.
 */
export function entryHandlers<Entry extends { disabled: boolean }>(
  context: AdminContext,
  locate: (request: FastifyRequest) => Promise<Located<Entry>>,
  { mayDeleteUnseen = false }: { mayDeleteUnseen?: boolean } = {},
): { [method in 'GET' | 'PUT' | 'PATCH' | 'DELETE']: Handler } {
  const show = (located: Located<Entry>, reply: FastifyReply) => {
    const { names, wider } = located
    const known = there(located)
    reply.header('etag', `"${known.version}"`)
    return located.shown(known, !known.entry.disabled && !context.isOff(names, ...wider))
  }
  return {
    GET: async (request, reply) => show(await locate(request), reply),
    async PUT(request, reply) {
      const seen = seenIn(request)
      if (seen === undefined) throw preconditionMissing()
      const located = await locate(request)
      const { place, facts, noun } = located
      if ((located.known?.version ?? 'none') !== seen) throw new EntryConflictError(located.known?.version)
      const value = await located.read(bodyOf(request))
      const detail = `${noun} ${seen === 'none' ? 'made' : 'changed'}`
      await context.change(request, { ...facts, detail }, (acts, actor) => acts.put(place, value, seen, actor))
      reply.code(seen === 'none' ? 201 : 200)
      return show(await locate(request), reply)
    },
    async PATCH(request, reply) {
      const located = await locate(request)
      const { names, wider, facts, noun } = located
      const { entry } = there(located)
      const { enabled } = parsed(Switch, request.body)
      if (enabled && entry.disabled)
        throw new AdminError(409, `the entry itself says disabled: true; change it with PUT`)
      if (enabled && context.isOff(...wider))
        throw new AdminError(409, `a wider block stops this ${noun} too: lift it with DELETE /blocks`)
      await context.change(
        request,
        { ...facts, detail: `${noun} ${enabled ? 'enabled' : 'disabled'}` },
        (acts, actor) => (enabled ? acts.unblock(names, actor) : acts.block(names, actor)),
      )
      return show(await locate(request), reply)
    },
    async DELETE(request) {
      const seen = seenIn(request)
      if (seen === 'none' || (seen === undefined && !mayDeleteUnseen)) throw preconditionMissing()
      const located = await locate(request)
      const { place, facts, noun, names, wider } = located
      const known = there(located)
      const removed = located.shown(known, !known.entry.disabled && !context.isOff(names, ...wider))
      await context.change(request, { ...facts, detail: `${noun} deleted` }, (acts, actor) =>
        acts.remove(place, seen ?? known.version, actor),
      )
      return removed
    },
  }
}

function there<Entry extends { disabled: boolean }>({ known, missing }: Located<Entry>): KnownEntry<Entry> {
  if (known === undefined) throw new AdminError(404, missing)
  return known
}
