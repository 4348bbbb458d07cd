/** Connections, trusted issuers and clients that were made at run time: records of the store in the shape of the configuration. */

import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { Block } from '../../protocol/blocks.ts'
import type { StoredRecord } from '../../store/store.ts'
import { clientMembersAt, plainClientMembers } from '../config-clients.ts'
import { connection } from '../config-connection.ts'
import { trustedIssuer } from '../config-trusted-issuer.ts'
import { writtenPublicKeys } from '../references.ts'
import { mapping } from '../schema-problems.ts'

/** The kinds of their records. */
export const entryKinds = {
  connections: 'connection',
  trustedIssuers: 'trusted-issuer',
  idpClients: 'idp-client',
  resourceAsClients: 'resource-as-client',
} as const

/** One of them. */
export type EntryKind = keyof typeof entryKinds

/** An entry of the store, or the mark that one of the configuration is removed: then without `entry`. */
export interface StoredEntry<Entry> {
  /** Of its record, as {@link entryId} makes it. */
  id: string
  /** The issuer identifier of the server it belongs to: several may share a store. */
  server: string
  /** What it is found by: client and audience of a connection, the issuer, each with a tenant where it is for one; or the id of the client. */
  key: readonly string[]
  /** Of its record. */
  version: number
  entry?: Entry
}

/** The keyed digest of a secret, as text. Its key lies beside it, because every instance must be able to compare. */
const secretDigest = z
  .string()
  .regex(/^[\w-]{86}$/)
  .transform((text): Uint8Array => Buffer.from(text, 'base64url'))
const storedClientMembers = {
  ...plainClientMembers,
  secretDigest: secretDigest.optional(),
  jwks: writtenPublicKeys.optional(),
}
const idpClient = mapping({ ...storedClientMembers, ...clientMembersAt.idp })
const resourceAsClient = mapping({ ...storedClientMembers, ...clientMembersAt.resourceAs })

/** A client of the identity provider, of whose secret only the digest is known. */
export type IdpClientEntry = z.output<typeof idpClient>
/** A client of a resource authorization server, of whose secret only the digest is known. */
export type ResourceAsClientEntry = z.output<typeof resourceAsClient>

/** What was made at run time, in no order. */
export interface PolicyEntries {
  connections: readonly StoredEntry<z.output<typeof connection>>[]
  trustedIssuers: readonly StoredEntry<z.output<typeof trustedIssuer>>[]
  idpClients: readonly StoredEntry<IdpClientEntry>[]
  resourceAsClients: readonly StoredEntry<ResourceAsClientEntry>[]
}

/** Nothing. */
export const noEntries: PolicyEntries = { connections: [], trustedIssuers: [], idpClients: [], resourceAsClients: [] }

const envelope = {
  server: z.string(),
  key: z.array(z.string()).min(1),
  at: z.number(),
  by: z.string(),
  note: z.string().optional(),
}
const entryOrMark = <Shape extends z.ZodType>(entry: Shape) =>
  z.union([z.strictObject({ ...envelope, entry }), z.strictObject({ ...envelope, removed: z.literal(true) })])
const values = {
  connections: entryOrMark(connection),
  trustedIssuers: entryOrMark(trustedIssuer),
  idpClients: entryOrMark(idpClient),
  resourceAsClients: entryOrMark(resourceAsClient),
}

/** The id of an entry's record: the same server and key, the same record. */
export function entryId(server: string, key: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([server, ...key]))
    .digest('base64url')
}

/** Whom a disabled or removed entry stops, as the names of a block. `server` is the issuer identifier of the server it belongs to. */
export function namesOfEntry(kind: EntryKind, server: string, [first = '', second, third]: readonly string[]): Block {
  const names: { readonly [one in EntryKind]: Block } = {
    connections: { client: first, audience: second ?? '', ...inTenant(third) },
    trustedIssuers: { issuer: first, audience: server, ...inTenant(second) },
    idpClients: { client: first },
    resourceAsClients: { client: first, audience: server },
  }
  return names[kind]
}

function inTenant(tenant: string | undefined): Block {
  return tenant === undefined ? {} : { tenant }
}

/** A record as an entry. Rejects for one of a form that this version does not know. */
export async function readEntry(kind: EntryKind, { id, version, value }: StoredRecord): Promise<StoredEntry<unknown>> {
  const shape: z.ZodType<EntryValue> = values[kind]
  const { server, key, ...rest } = await shape.parseAsync(value)
  return { id, server, key, version, ...('entry' in rest ? { entry: rest.entry } : {}) }
}

type EntryValue = { server: string; key: string[] } & ({ entry: unknown } | { removed: true })
