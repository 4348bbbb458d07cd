/** Connections: which client may act for whom at which resource authorization server, decided by a pure function. */

import type { AuthorizationDetail, DetailTypes } from '../protocol/authorization-details.ts'
import { type Block, blockMembers, blockOf } from '../protocol/blocks.ts'
import type { JsonObject } from '../protocol/json.ts'
import type { Seconds } from '../protocol/ports.ts'
import type { FindRecipientKey } from '../protocol/recipient-keys.ts'
import { sameResource } from '../protocol/resource.ts'
import type { KnownSignIn, SignInDemand } from '../protocol/sign-in.ts'
import type { SamlName } from '../protocol/subject-identifier.ts'
import type { AccessDecision, AccessDenial } from './decision.ts'
import { scopesForSignIn, signInTooWeak } from './step-up.ts'

/** A resource authorization server that this IdP may issue ID-JAGs for. */
export interface ResourceServer {
  /** Its issuer identifier: what `aud` will say, to the letter. */
  issuer: string
  /** Further values of `audience` that mean this server (ID-JAG §4.3; IDP-04). */
  aliases: readonly string[]
  /** The resource identifiers it governs. */
  resources: readonly string[]
  /** The types of authorization details it understands (RFC 9396). Absent: none may be asked for. */
  detailTypes?: DetailTypes | undefined
  /** Finds the key its ID-JAGs are encrypted to, where the branch jwe-support is on. Absent: they are not encrypted. */
  encryptionKey?: FindRecipientKey | undefined
  enabled: boolean
}

/** Persons by `sub` or by group, and workloads by name. All empty: nobody. */
export interface People {
  /** Every person: no workload is meant. */
  everyone?: true
  users: readonly string[]
  groups: readonly string[]
  /** Absent: none. */
  workloads?: readonly string[] | undefined
}

/** How `sub` is written for one resource server (ID-JAG §5; IDP-32). */
export type SubjectMapping = { kind: 'same' } | { kind: 'pairwise' } | { kind: 'claim'; claim: string }

/** How the NameID is made that SAML sign-in to this resource server uses. Members that are absent are not on that NameID (SAML-05). */
export interface SamlNameMapping extends Omit<SamlName, 'nameId' | 'spProvidedId'> {
  nameId: SubjectMapping
  /** The claim of the user record that is SPProvidedID, for those who have one. */
  spProvidedIdClaim?: string | undefined
  /** The SAML entity id of the resource server; pairwise names are for it. May be absent only without the branch saml-nameid-stability. */
  serviceProvider?: string | undefined
}

/** One client's way to one resource authorization server. What it does not list, it does not grant. */
export interface Connection {
  client: string
  /** The issuer of the resource authorization server. */
  audience: string
  /** The tenant whose people alone it is for (ID-JAG §6.4). */
  tenant?: string | undefined
  /** For the people of every tenant. Where people have tenants, it is this or `tenant`, or the connection is for nobody. */
  everyTenant?: boolean | undefined
  /** Whether the audience is told the tenant of the person. Absent: it is, wherever there is one. */
  namesTenant?: boolean | undefined
  /** The tenant there that it leads to. Absent: not known, or there are none. */
  audTenant?: string | undefined
  /** The claim of the user record that is the id of the person's account there. Absent: not known. */
  audSubClaim?: string | undefined
  /** The client's id over there, in the tenant that it leads to (ID-JAG §3.1; MAP-01, TEN-04). */
  clientThere: string
  enabled: boolean
  who: People
  /** Scopes, each for the persons it names; without `who`, for everybody the connection is for. `signIn` is demanded for it as well. */
  scopes: readonly { name: string; who?: People; signIn?: SignInDemand }[]
  resources: readonly string[]
  /** The most there may be of authorization details, with the persons as for a scope. Absent: none. */
  details?: readonly { detail: AuthorizationDetail; who?: People }[]
  /** What the person's sign-in must have been (ID-JAG §9.2). */
  signIn: SignInDemand
  /** How long after the sign-in refresh tokens of this IdP's own are taken. Absent: not at all. */
  refreshTokens?: { maxAge: Seconds }
  lifetime: Seconds
  subject: SubjectMapping
  /** The person's SAML name, which goes along as `sub_id`. Absent: none does (SAML-10). */
  subjectId?: SamlNameMapping | undefined
  /** Which claims of the user record travel along. */
  userClaims: readonly string[]
}

/** A person, or a workload, as this IdP knows them now. */
export interface User {
  /** One person, within the tenant (TEN-02); or the name of the workload. */
  sub: string
  /** What kind of workload it is. Absent: a person. */
  profile?: string | undefined
  /** The tenant of this IdP that the person belongs to. Absent: it has none. */
  tenant?: string | undefined
  enabled: boolean
  groups: readonly string[]
  claims: JsonObject
}

/** What is asked, with everything the decision depends on. */
export interface AccessQuestion {
  user: User
  connection: Connection
  server: ResourceServer
  /** Empty: not asked for. */
  scopes: readonly string[]
  resources: readonly string[]
  /** True when authorization details are asked for; what of them is granted is decided apart. */
  details?: boolean
  authentication: KnownSignIn
  /** False: the scopes are those of a refresh token's context, and nobody asked for one of them. Absent: they were asked for. */
  scopesAsked?: boolean
  /** True: a better sign-in is demanded only where nothing else is wrong (FL-STEP-01). Absent: before resource and scope are looked at. */
  stepUpLast?: boolean
  /** Who issued the subject token. */
  issuer: string
  /** Those in force. */
  blocks: Iterable<Block>
  now: Seconds
  skew: Seconds
}

/**
 * Decides one exchange (ID-JAG §4.3.3, D-02). Pure: the same question has the same answer, and every answer has a reason.
 * Scopes and resources are narrowed to what the connection gives this person; a scope or resource that was asked for
 * and leaves nothing is refused. Does NOT check the subject token or the client: they are facts by now.
 */
export function decideAccess(question: AccessQuestion): AccessDecision {
  const { user, connection, server, now, skew, authentication } = question
  if (!belongs(user, connection.who))
    return denied(
      'policy_denied',
      `${user.sub} is in no group and on no list of the connection ${connection.client} -> ${connection.audience}`,
    )

  const signIn = { authTime: authentication.authTime, acr: authentication.acr, now, skew }
  const tooWeak = signInTooWeak(connection.signIn, signIn)
  if (tooWeak !== undefined && question.stepUpLast !== true) return tooWeak

  // ID-JAG §4.3.3, FL-ISS-01: every resource asked for is one that the audience governs.
  const foreign = question.resources.find((asked) => !server.resources.some((one) => sameResource(one, asked)))
  if (foreign !== undefined) return noResource(`${foreign} is not governed by ${server.issuer}`)
  const given = connection.resources.filter((one) => server.resources.some((governed) => sameResource(one, governed)))
  const resources =
    question.resources.length === 0
      ? given
      : given.filter((one) => question.resources.some((asked) => sameResource(one, asked)))
  if (question.resources.length > 0 && resources.length === 0)
    return noResource(`the connection gives none of ${question.resources.join(', ')}`)

  const theirs = connection.scopes.filter(({ who }) => who === undefined || belongs(user, who))
  const allowed = theirs.map(({ name }) => name)
  // RFC 9396 §3: details may stand alone, and then no scope is meant.
  const detailsAlone = question.details === true && question.scopes.length === 0
  const unasked = detailsAlone ? [] : allowed
  const scopes = question.scopes.length === 0 ? unasked : question.scopes.filter((asked) => allowed.includes(asked))
  // ID-JAG D-25: refuse rather than issue an empty grant.
  if (scopes.length === 0 && !detailsAlone)
    return {
      allowed: false,
      error: 'invalid_scope',
      description: 'none of the requested scope can be granted',
      reason: 'scope_denied',
      detail: `asked ${question.scopes.join(' ') || '(nothing)'}, the connection gives ${user.sub} ${allowed.join(' ') || '(nothing)'}`,
    }

  const { client } = connection
  const audiences = [server.issuer, ...server.aliases, ...resources]
  const block = blockOf(question.blocks, {
    users: namesOf(user),
    client,
    audiences,
    issuer: question.issuer,
    tenant: user.tenant,
  })
  if (block !== undefined) return denied('blocked', `stopped by the block on ${textOfBlock(block)}`)
  if (tooWeak !== undefined) return { ...tooWeak, resources }
  const asked = question.scopes.length > 0 && question.scopesAsked !== false
  const granted = scopesForSignIn(scopes, asked, connection.signIn, theirs, signIn)
  return Array.isArray(granted) ? { allowed: true, scopes: granted, resources } : { ...granted, resources }
}

/** Everything a person is called here. */
export function namesOf({ sub, claims }: User): string[] {
  return typeof claims.email === 'string' ? [sub, claims.email] : [sub]
}

function textOfBlock(block: Block): string {
  return blockMembers.flatMap((name) => (block[name] === undefined ? [] : [`${name} ${block[name]}`])).join(', ')
}

/** D-02: the same words for every cause, so that a client learns no more than that it may not. */
function denied(reason: 'policy_denied' | 'blocked', detail: string): AccessDenial {
  return {
    allowed: false,
    error: 'access_denied',
    description: 'policy does not allow this client to act for this user at this audience',
    reason,
    detail,
  }
}

/** Whether a person or a workload is one of these. Pure. */
export function belongs(user: User, people: People): boolean {
  // FL-WL-02: an administrator has named the workload; nothing that is said of people is said of it.
  if (user.profile !== undefined) return people.workloads?.includes(user.sub) === true
  return (
    people.everyone === true ||
    people.users.includes(user.sub) ||
    people.groups.some((group) => user.groups.includes(group))
  )
}

function noResource(detail: string): AccessDenial {
  return {
    allowed: false,
    error: 'invalid_target',
    description: 'resource: none that this audience and client may be given',
    reason: 'resource_denied',
    detail,
  }
}
