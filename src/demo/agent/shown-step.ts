/** One step of the flow as it is shown: what it is, who spoke to whom, the words that matter, and what the server noted. */

import { parseJsonObject } from '../../protocol/json.ts'
import type { AuditEvent } from '../../protocol/ports.ts'
import { agentName, type Cast, companyAt } from './cast.ts'
import type { Observed } from './observed.ts'
import { shortened, type TokenAnatomy, takeApart } from './token-anatomy.ts'

/** A parameter, header or member: its name, and its value with secrets masked and tokens cut. */
export type Shown = readonly [name: string, value: string]

/** A step with its secrets masked and its tokens cut and taken apart. */
export interface ShownStep {
  name: string
  title: string
  to: string
  request: { line: string; parameters: Shown[] }
  answer: { status: number; members: Shown[] }
  refused: boolean
  /** Tokens of the answer. */
  tokens: TokenAnatomy[]
  /** What the server that decided wrote into its audit; absent for public documents. */
  audit?: AuditEvent
}

const mask = '••••••••'
const secretParameters = ['client_secret', 'client_assertion', 'code_verifier']
const tokenParameters = ['assertion', 'subject_token', 'code', 'access_token', 'id_token', 'refresh_token']
/** Of metadata documents, which are long, the members that the flow reads. */
const metadataMembers = [
  'issuer',
  'token_endpoint',
  'authorization_grant_profiles_supported',
  'identity_chaining_requested_token_types_supported',
  'resource',
  'authorization_servers',
  'scopes_supported',
]

/** Prepares a step for people. Nothing secret is left in it. */
export function shownStep(observed: Observed, cast: Cast): ShownStep {
  const { name, request, answer } = observed
  const to = companyAt(request.url, cast)
  const refused = answer.status >= 400 && name !== 'call'
  const members = membersOf(answer.body)
  const audit = cast.auditOf(answer.headers['x-correlation-id'] ?? '')
  return {
    name,
    title: titleOf(observed, to),
    to,
    request: { line: `${request.method} ${request.url}`, parameters: parametersOf(request) },
    answer: { status: answer.status, members: shownMembers(observed, members) },
    refused,
    tokens: tokenParameters.flatMap((member) => {
      const token = name.endsWith('-metadata') ? undefined : members[member]
      return typeof token === 'string' ? (takeApart(token, cast) ?? []) : []
    }),
    ...(audit === undefined ? {} : { audit }),
  }
}

/**
 * The steps worth showing: no key sets, no metadata that was not there, no discovery by the sign-in; and of the calls with a
 * token the last one that sent something, because an MCP client shakes hands first.
 */
export function worthShowing(observed: readonly Observed[]): Observed[] {
  const calls = observed.filter(({ name, request }) => name === 'call' && request.headers.authorization !== undefined)
  const last = calls.findLast(({ request }) => request.method === 'POST') ?? calls.at(-1)
  return observed.filter((one) => {
    if (calls.includes(one)) return one === last
    if (one.name === 'sign-in') return one.request.method === 'POST'
    return !one.name.endsWith('-metadata') || one.answer.status === 200
  })
}

function titleOf({ name, answer: { status } }: Observed, to: string): string {
  if (name === 'sign-in') return `${agentName} turns the code of the sign-in into an ID Token`
  if (name === 'resource-metadata') return `${to} says which server gives out tokens for it`
  if (name.endsWith('-metadata')) return `${to} says where its token endpoint is`
  if (name === 'exchange')
    return status === 200 ? `${to} gives ${agentName} an ID-JAG` : `${to} refuses ${agentName} an ID-JAG`
  if (name === 'redemption')
    return status === 200 ? `${to} takes the ID-JAG and gives an access token` : `${to} refuses the ID-JAG`
  if (status === 401) return `${agentName} knocks without a token, and ${to} says where to get one`
  return status < 300 ? `${to} answers the call` : `${to} does not answer the call`
}

function parametersOf({ headers, body }: Observed['request']): Shown[] {
  const { authorization } = headers
  const credential: Shown[] = authorization === undefined ? [] : [['Authorization', maskedCredential(authorization)]]
  if (!headers['content-type']?.startsWith('application/x-www-form-urlencoded')) return credential
  return [...credential, ...[...new URLSearchParams(body)].map(([name, value]): Shown => [name, masked(name, value)])]
}

/** `Basic` shows the client's id, which is no secret; `Bearer` the first characters of the token. */
function maskedCredential(authorization: string): string {
  const [scheme = '', credential = ''] = authorization.split(' ')
  if (scheme !== 'Basic') return `${scheme} ${shortened(credential)}`
  return `Basic ${decodeURIComponent(atob(credential).split(':')[0] ?? '')}:${mask}`
}

function masked(name: string, value: string): string {
  if (secretParameters.includes(name)) return mask
  return tokenParameters.includes(name) ? shortened(value) : value
}

function shownMembers({ name, answer }: Observed, members: { [member: string]: unknown }): Shown[] {
  const challenge = answer.headers['www-authenticate']
  const entries = Object.entries(members).filter(
    ([member]) => !name.endsWith('-metadata') || metadataMembers.includes(member),
  )
  return [
    ...(challenge === undefined ? [] : [['WWW-Authenticate', challenge] as const]),
    ...entries.map(([member, value]): Shown => {
      const text = Array.isArray(value) ? value.join(' ') : typeof value === 'string' ? value : JSON.stringify(value)
      return [member, masked(member, text)]
    }),
  ]
}

function membersOf(body: string | undefined): { [member: string]: unknown } {
  if (body === undefined || !body.startsWith('{')) return {}
  return parseJsonObject(Buffer.from(body))
}
