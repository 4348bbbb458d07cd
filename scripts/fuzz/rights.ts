/** What an input has a right to, judged a second time and leniently: whatever the servers grant beyond this is a finding. */

import { clientAssertionType, grantType, tokenType } from '../../src/protocol/names.ts'
import { sameResource } from '../../src/protocol/resource.ts'
import { claimsIn, type Genuine, type Members } from './genuine.ts'
import type { Place } from './target.ts'
import type { Answer } from './wire.ts'

/** A form as a lenient reader sees it: every value that is not empty. */
function lenient(body: string): (name: string) => string[] {
  const form = new URLSearchParams(body)
  return (name) => form.getAll(name).filter((value) => value !== '')
}

/** What a request proves who sent it with. */
export interface Shown {
  body: string
  authorization?: string
  /** The assertions that are good in this very request. */
  assertions?: readonly string[]
}

/** Why the credentials are no one's; undefined when they are, however oddly written, those of this client. */
export function credentialsObjection(
  { body, authorization, assertions = [] }: Shown,
  client: Place['client'] | { id: string; secret: string },
): string | undefined {
  const values = lenient(body)
  const named = values('client_id')
  if (named.some((id) => id !== client.id)) return 'with the client_id of somebody else'
  if (authorization !== undefined) {
    const text = Buffer.from(authorization.replace(/^\s*basic\s*/i, ''), 'base64').toString()
    const plain = text.replaceAll('+', ' ')
    return plain === `${client.id}:${client.secret}` ? undefined : 'with another Authorization'
  }
  const shown = values('client_assertion')
  if (shown.length > 0)
    return shown.length === 1 &&
      assertions.includes(shown[0] ?? '') &&
      values('client_assertion_type').includes(clientAssertionType)
      ? undefined
      : 'with another client_assertion'
  return named.length === 1 && values('client_secret').length === 1 && values('client_secret')[0] === client.secret
    ? undefined
    : 'without credentials'
}

/** Reads an answer 200 of a token endpoint. */
export function grantedIn({ body }: Answer): Members {
  try {
    return JSON.parse(body) as Members
  } catch {
    return {}
  }
}

/** Why a redemption of this ID-JAG of alice, with `chat.read`, may not be answered so. */
export function redemptionObjection(
  body: string,
  assertion: string,
  answer: Answer,
  { target }: Genuine,
): string | undefined {
  const values = lenient(body)
  const grants: readonly string[] = [grantType.jwtBearer, grantType.jwtDpop]
  if (values('grant_type').length !== 1 || !grants.includes(values('grant_type')[0] ?? '')) return 'another grant_type'
  if (values('assertion').length !== 1 || values('assertion')[0] !== assertion) return 'another assertion'
  if (values('resource').some((one) => !sameResource(one, target.resource))) return 'a resource that nobody governs'
  return accessObjection(grantedIn(answer), scopesAsked(values('scope')), target.chat.client.id, target.resource)
}

function scopesAsked(values: string[]): string[] | undefined {
  return values.length === 0 ? undefined : values.join(' ').split(' ')
}

/** Why an access token is not one of alice for this client, with `chat.read` at the most. */
export function accessObjection(
  answer: Members,
  asked: string[] | undefined,
  client: string,
  resource: string,
): string | undefined {
  const { sub, aud, client_id: clientId, scope } = claimsIn(answer.access_token)
  if (sub !== 'a-1') return `an access token of ${String(sub)}`
  if (aud !== resource) return `an access token for ${String(aud)}`
  if (clientId !== client) return `an access token for the client ${String(clientId)}`
  const granted = String(scope ?? '').split(' ')
  if (granted.some((one) => one !== 'chat.read')) return `an access token with ${String(scope)}`
  if (asked !== undefined && granted.some((one) => !asked.includes(one))) return 'a scope that was not asked for'
  return answer.refresh_token === undefined ? undefined : 'a refresh token'
}

/** Why an exchange of this ID Token of alice may not be answered so. */
export function exchangeObjection(
  body: string,
  subjectToken: string,
  answer: Answer,
  { target }: Genuine,
): string | undefined {
  const values = lenient(body)
  const only = (name: string, value: string) => values(name).length === 1 && values(name)[0] === value
  if (!only('grant_type', grantType.tokenExchange)) return 'another grant_type'
  if (!only('requested_token_type', tokenType.idJag)) return 'another requested_token_type'
  if (!only('subject_token_type', tokenType.idToken)) return 'another subject_token_type'
  if (!only('subject_token', subjectToken)) return 'another subject_token'
  if (!only('audience', target.chat.issuer)) return 'another audience'
  for (const name of ['actor_token', 'actor_token_type']) if (values(name).length > 0) return `${name} was ignored`
  if (values('resource').some((one) => !sameResource(one, target.resource))) return 'a resource that nobody governs'
  return idJagObjection(grantedIn(answer), 'alice', scopesAsked(values('scope')), target)
}

/** Why an ID-JAG is not one of this subject for the chat. */
export function idJagObjection(
  answer: Members,
  subject: unknown,
  asked: string[] | undefined,
  { idp, chat }: Pick<Genuine['target'], 'idp' | 'chat'>,
): string | undefined {
  const { iss, sub, aud, client_id: clientId, scope, exp, iat } = claimsIn(answer.access_token)
  if (iss !== idp.issuer || aud !== chat.issuer || clientId !== chat.client.id) return 'an ID-JAG for somewhere else'
  if (sub !== subject) return `an ID-JAG of ${String(sub)}`
  if (Number(exp) - Number(iat) > 300) return 'an ID-JAG that lives too long'
  const granted = String(scope ?? '').split(' ')
  if (granted.some((one) => one !== 'chat.read' && one !== 'chat.write')) return `an ID-JAG with ${String(scope)}`
  if (asked !== undefined && granted.some((one) => !asked.includes(one))) return 'a scope that was not asked for'
  return answer.refresh_token === undefined ? undefined : 'a refresh token'
}
