/** Reads an entry that an administrator sends: the same shape, the same checks and the same sentences as in the configuration. */

import * as z from 'zod'
import type { JsonObject } from '../../protocol/json.ts'
import { secretDigestOf } from '../../protocol/secrets.ts'
import type { RecordValue } from '../../store/store.ts'
import { clientMembersAt, plainClientMembers } from '../config-clients.ts'
import { connection } from '../config-connection.ts'
import { type Finding, partOf } from '../config-part.ts'
import { entryWithProfile } from '../config-profiles.ts'
import { trustedIssuer } from '../config-trusted-issuer.ts'
import { isLoopbackUrl } from '../config-values.ts'
import { checkIdp } from '../idp-checks.ts'
import { type Path, type Problem, pathText } from '../problems.ts'
import { judgeSecret, writtenPublicKeys } from '../references.ts'
import { checkResourceAs } from '../resource-as-checks.ts'
import { mapping, refuse, schemaProblems } from '../schema-problems.ts'
import type { IdpDefinition, IdpEntries, KnownEntry, ResourceAsDefinition, ResourceAsEntries } from './entries.ts'
import type { IdpClientEntry, ResourceAsClientEntry } from './entry-records.ts'

/** What is wrong with one member of an entry. The path begins inside of the entry. */
export type EntryProblem = Omit<Problem, 'place'>

/** An entry that cannot be used, with all of its problems. */
export class EntryInputError extends Error {
  override readonly name = 'EntryInputError'
  readonly problems: readonly EntryProblem[]
  constructor(problems: readonly EntryProblem[]) {
    const sentences = problems.map(({ path, message }) => `${path === '' ? 'the entry' : path} ${message}`)
    super(sentences.join('; '))
    this.problems = problems
  }
}

/** An entry as it is written to the store. */
export type EntryValue = RecordValue & { disabled: boolean }

/** What the address of the entry says of it already. The entry may say the same again, and nothing else. */
type Named = { readonly [member: string]: string | undefined }

/** Throws {@link EntryInputError}, as all of these do. */
export async function readConnection(
  body: JsonObject,
  named: { client: string; audience: string; tenant?: string },
  idp: IdpDefinition,
  { clients }: IdpEntries,
): Promise<EntryValue> {
  const raw = { ...body, ...named }
  const around = { ...idp, clients: entriesOf(clients), connections: [raw] }
  return await judged(connection, body, named, raw, findingsAt(['connections', 0], checkIdp(partOf(around))))
}

/** The clients that it lists must be known. Whether the issuer can be reached is NOT asked. */
export async function readTrustedIssuer(
  body: JsonObject,
  named: { issuer: string; audTenant?: string },
  server: ResourceAsDefinition,
  { clients, trustedIssuers }: ResourceAsEntries,
): Promise<EntryValue> {
  const raw = entryWithProfile('trustedIssuer', { ...body, ...named })
  const { issuer, audTenant } = named
  // Whether an issuer has tenants is the same in all of its entries, so that one of them tells.
  const other = entriesOf(trustedIssuers).find((one) => one.issuer === issuer && one.audTenant !== audTenant)
  const trusted = other === undefined ? [raw] : [other, raw]
  const around = { ...server, clients: entriesOf(clients), trustedIssuers: trusted }
  return await judged(
    trustedIssuer,
    body,
    named,
    raw,
    findingsAt(['trustedIssuers', trusted.length - 1], checkResourceAs(partOf(around))),
  )
}

/** A client of an identity provider, as {@link readClient} reads them. */
export async function readIdpClient(
  body: JsonObject,
  named: { id: string },
  idp: IdpDefinition,
  before: KnownEntry<IdpClientEntry> | undefined,
): Promise<EntryValue> {
  const around = (raw: unknown) => checkIdp(partOf({ ...idp, connections: [], clients: [raw] }))
  const shape = mapping({ ...clientMembers(idp.issuer), ...clientMembersAt.idp })
  return await readClient('idpClient', shape, body, named, around, before)
}

/** A client of a resource authorization server, as {@link readClient} reads them. */
export async function readResourceAsClient(
  body: JsonObject,
  named: { id: string },
  server: ResourceAsDefinition,
  before: KnownEntry<ResourceAsClientEntry> | undefined,
): Promise<EntryValue> {
  const around = (raw: unknown) => checkResourceAs(partOf({ ...server, trustedIssuers: [], clients: [raw] }))
  const shape = mapping({ ...clientMembers(server.issuer), ...clientMembersAt.resourceAs })
  return await readClient('resourceAsClient', shape, body, named, around, before)
}

/** The credentials as they come over HTTP: the secret itself, and public keys written out. */
function clientMembers(issuer: string) {
  const options = { development: isLoopbackUrl(issuer), clientSecret: true }
  const secret = z.string().superRefine((text, context) => {
    const judgement = text === '' ? { message: 'must not be empty' } : judgeSecret(text, options)
    if (judgement !== undefined) refuse(context, judgement)
  })
  return { ...plainClientMembers, secret: secret.optional(), jwks: writtenPublicKeys.optional() }
}

type ClientShape = z.ZodType<{
  disabled: boolean
  secret?: string | undefined
  jwks?: { jwks: JsonObject } | undefined
}>

/**
 * Of the secret, only the digest is kept. Without a new one the client keeps the secret it has, as long as one of its methods needs
 * it: nobody can send back what nobody is shown.
 */
async function readClient(
  place: 'idpClient' | 'resourceAsClient',
  shape: ClientShape,
  body: JsonObject,
  named: { id: string },
  check: (raw: unknown) => Finding[],
  before: KnownEntry<{ secretDigest?: Uint8Array | undefined }> | undefined,
): Promise<EntryValue> {
  const raw: JsonObject = entryWithProfile(place, { ...body, ...named })
  const bySecret =
    Array.isArray(raw.authMethods) && raw.authMethods.some((one) => String(one).startsWith('client_secret'))
  const kept = raw.secret === undefined && bySecret ? before?.entry.secretDigest : undefined
  const findings = findingsAt(['clients', 0], check(kept === undefined ? raw : { ...raw, secret: 'kept' }))
  const { secret, jwks, ...rest } = await judged(shape, body, named, raw, findings.map(asWritten))
  const secretDigest = secret === undefined ? kept : secretDigestOf(secret)
  return {
    ...rest,
    ...(secretDigest === undefined ? {} : { secretDigest: Buffer.from(secretDigest).toString('base64url') }),
    ...(jwks === undefined ? {} : { jwks: jwks.jwks }),
  }
}

/** In a configuration file credentials are references; over HTTP they are written out. */
function asWritten(problem: EntryProblem): EntryProblem {
  if (problem.remedy?.startsWith('add secret:'))
    return { ...problem, remedy: 'add secret: a text of 32 characters or more' }
  if (problem.remedy?.startsWith('add jwks:')) return { ...problem, remedy: 'add jwks: the JWK Set of its public keys' }
  return problem
}

async function judged<Entry>(
  shape: z.ZodType<Entry>,
  body: JsonObject,
  named: Named,
  raw: unknown,
  findings: readonly EntryProblem[],
): Promise<Entry> {
  const parsed = await shape.safeParseAsync(raw)
  const problems = [
    ...Object.keys(named)
      .filter((member) => body[member] !== undefined && body[member] !== named[member])
      .map((member) => ({ path: member, message: 'is another than in the address', remedy: 'leave it out' })),
    ...(parsed.success ? [] : schemaProblems(parsed.error.issues, raw, () => '').map(({ place: _, ...rest }) => rest)),
    ...findings,
  ]
  if (!parsed.success || problems.length > 0) throw new EntryInputError(problems)
  return parsed.data
}

function findingsAt(place: Path, findings: readonly Finding[]): EntryProblem[] {
  return findings
    .filter(({ path }) => place.every((step, at) => path[at] === step))
    .map(({ path, ...rest }) => ({ ...rest, path: pathText(path.slice(place.length)) }))
}

function entriesOf<Entry>(known: ReadonlyMap<string, KnownEntry<Entry>>): Entry[] {
  return [...known.values()].map(({ entry }) => entry)
}
