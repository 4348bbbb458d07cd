/** What every room of the administration works with: the entries as they are now, and the one way to change something. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import { correlationIdOf } from '../http/oauth-scope.ts'
import { bounded, nameOf } from '../protocol/audit.ts'
import type { Block } from '../protocol/blocks.ts'
import { unavailable } from '../protocol/errors.ts'
import type { AuditEvent } from '../protocol/ports.ts'
import type { AdminOptions } from './admin-options.ts'
import { answered } from './answered.ts'
import { type Administration, administration } from './policy/administration.ts'
import type { Actor, Outcome } from './policy/decision.ts'
import { type EntryAdministration, entryAdministration } from './policy/entry-administration.ts'

export const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** Answers one request. What it resolves to is the body. */
export type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/** Handlers by address and method. */
export type Routes = { readonly [path: string]: { readonly [method in (typeof methods)[number]]?: Handler } }

/** What an audit event of the administration says of its own. */
export type AdminFacts = Omit<AuditEvent, 'at' | 'role' | 'server' | 'action' | 'policyVersion'> &
  Partial<Pick<AuditEvent, 'role' | 'server'>>

export interface AdminContext {
  options: AdminOptions
  /** What other processes changed counts from now on here too. Throws `temporarily_unavailable` when the store cannot be read. */
  refreshed(): Promise<void>
  /** True while one of these blocks stands. */
  isOff(...names: readonly Block[]): boolean
  /**
   * Makes a change: decided, then written to the audit, then made, then in force here. Without its line in the audit nothing is
   * changed; when the change fails after all, the audit gets a second line with the same correlation id that says so.
   */
  change(
    request: FastifyRequest,
    facts: Omit<AdminFacts, 'outcome' | 'reason' | 'correlationId'>,
    act: (administration: Administration & EntryAdministration, actor: Actor) => Promise<Outcome>,
    note?: string,
  ): Promise<Outcome>
  /** Writes a line of the audit, with the version of the policy before the change. Throws `temporarily_unavailable` when it cannot. */
  record(facts: AdminFacts, version: number): Promise<void>
}

/** Over the records and the feed that the options name. */
export function adminContext(options: AdminOptions): AdminContext {
  const { ports, policy, by, idp, resourceServers } = options
  const acts = {
    ...administration(options.records, ports.now),
    ...entryAdministration(options.records, ports.now),
  }
  const home: Pick<AuditEvent, 'role' | 'server'> =
    idp === undefined
      ? { role: 'resource-as', server: resourceServers[0]?.definition.issuer ?? '' }
      : { role: 'idp', server: idp.definition.issuer }
  const record = (event: AuditEvent) =>
    ports.record(bounded(event)).catch((cause: unknown) => {
      throw unavailable('audit_unavailable', nameOf(cause), cause)
    })
  const context: AdminContext = {
    options,
    refreshed: () => answered(policy.refresh),
    isOff: policy.isOff,
    async change(request, facts, act, note) {
      let told = false
      const announce = async (version: number) => {
        const detail = `${facts.detail ?? 'changed'}, by ${by}`
        const correlationId = correlationIdOf(request)
        await context.record({ outcome: 'granted', reason: 'admin_changed', correlationId, ...facts, detail }, version)
        told = true
      }
      const outcome = await answered(() => act(acts, { by, note, announce }))
      if (!told) await announce(outcome.version)
      // What is durable holds here with the next reading, should this one fail.
      await policy.refresh().catch(() => {})
      return outcome
    },
    record: (facts, version) =>
      record({ at: ports.now(), ...home, action: 'admin', ...facts, policyVersion: options.policyVersion(version) }),
  }
  return context
}
