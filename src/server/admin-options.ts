/** What the administration over HTTP is told of the servers whose policy it changes. */

import type { AuditEvent, Ports } from '../protocol/ports.ts'
import type { Records } from '../store/store.ts'
import type { IdpDefinition, ResourceAsDefinition } from './policy/entries.ts'
import type { PolicyFeed } from './policy/policy-feed.ts'

/** A person of the identity provider's directory. */
export interface AdministeredUser {
  sub: string
  name?: string | undefined
  email?: string | undefined
  groups: readonly string[]
  /** As the directory says, whatever blocks there are. */
  enabled: boolean
}

/** The identity provider. */
export interface AdministeredIdp {
  /** What it is called in addresses. */
  name: string
  definition: IdpDefinition
  users: readonly AdministeredUser[]
  /** Enables a person whom the directory itself has disabled. Absent: that cannot be done here. */
  enableUser?(sub: string): void
}

/** A resource authorization server. */
export interface AdministeredResourceAs {
  /** What it is called in addresses, such as `chat`. */
  name: string
  definition: ResourceAsDefinition
}

export interface AdminOptions {
  /** The bearer token of the administrator. */
  token: string
  /** Who the audit and the records say it was. */
  by: string
  /** Those that the servers follow. */
  records: Records
  /** The same, as this process follows them. */
  policy: PolicyFeed
  /** The policy with this version, as every audit event of the servers names it. */
  policyVersion(version: number): string
  idp?: AdministeredIdp | undefined
  resourceServers: readonly AdministeredResourceAs[]
  /** The events from number `after` on, the first being 0, and the number of the next one to come. Absent: the audit is read elsewhere. */
  auditAfter?(after: number): AuditPage | Promise<AuditPage>
  ports: Pick<Ports, 'now' | 'newId' | 'record'>
  /** Told of every failure of our own. Never of a caller's. */
  report?(error: unknown, correlationId: string): void
  /** A connection may be deleted by somebody who did not say which version of it they saw: for a test bed alone. */
  dangerouslyDeleteWithoutVersion?: true
}

/** A part of the audit. */
export interface AuditPage {
  events: readonly AuditEvent[]
  next: number
}
