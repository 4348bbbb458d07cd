/** Tells a person at a terminal what the client did, step by step, and why it stopped. */

import { CrossAppError, SignInRequired, type Step } from '../client/client.ts'
import { readJwt } from '../protocol/jwt.ts'
import { JwtError } from '../protocol/jwt-error.ts'

/** One line: which step, where, and the status of its answer. */
export function progressLine({ name, request, answer }: Step): string {
  return `${name.padEnd(30)} ${answer.status}  ${request.method} ${request.url}\n`
}

const shownHeaders = ['authorization', 'dpop', 'www-authenticate', 'dpop-nonce', 'location', 'x-correlation-id']
const tokenMembers = ['subject_token', 'assertion', 'client_assertion', 'access_token']

/** The whole step with its tokens decoded. Secrets are left out, and tokens cut: what is printed opens nothing. */
export function stepReport({ name, request, answer }: Step): string {
  const form = request.body === undefined ? [] : [...new URLSearchParams(request.body)]
  const members = name === 'call' ? [] : Object.entries(objectOf(answer.body))
  return [
    `── ${name}`,
    `   ${request.method} ${request.url}`,
    ...headerLines(request.headers),
    ...form.flatMap(([member, value]) => memberLines(member, value)),
    `   answer ${answer.status}`,
    ...headerLines(answer.headers),
    ...members.flatMap(([member, value]) =>
      memberLines(member, typeof value === 'string' ? value : JSON.stringify(value)),
    ),
    '',
    '',
  ].join('\n')
}

function headerLines(headers: { [name: string]: string }): string[] {
  return shownHeaders.flatMap((name) => {
    const value = headers[name]
    if (value === undefined) return []
    if (name === 'dpop') return [`     ${name}: ${printable(cut(value, 12))}`, ...decoded(value)]
    return [`     ${name}: ${printable(name === 'authorization' ? cut(value, value.indexOf(' ') + 9) : value)}`]
  })
}

function memberLines(member: string, value: string): string[] {
  if (member === 'client_secret') return ['     client_secret = (not shown)']
  if (member === 'refresh_token') return ['     refresh_token = (not shown, not kept)']
  if (!tokenMembers.includes(member)) return [`     ${member} = ${printable(value)}`]
  return [`     ${member} = ${printable(cut(value, 12))}`, ...decoded(value)]
}

function decoded(token: string): string[] {
  try {
    const { header, claims } = readJwt(token)
    return [JSON.stringify(header), ...JSON.stringify(claims, null, 2).split('\n')].map(
      (line) => `       ${printable(line)}`,
    )
  } catch (cause) {
    if (cause instanceof JwtError) return ['       (not a JWT)']
    throw cause
  }
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text
}

function objectOf(body: string | undefined): { [member: string]: unknown } {
  try {
    const value: unknown = JSON.parse(body ?? '')
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/** Why there is no answer, for a person: the sentence, then every member of the refusal. */
export function errorReport(error: unknown): string {
  if (!(error instanceof CrossAppError)) return `${printable(messageOf(error))}\n`
  const { step, server, status, code, description, parameters } = error
  const members = { step, server, status, error: code, error_description: description, ...parameters }
  const lines = Object.entries(members).flatMap(([member, value]) => {
    if (value === undefined) return []
    return [`  ${member}: ${printable(typeof value === 'string' ? value : JSON.stringify(value))}`]
  })
  return [error.message, ...lines, ...signInAdvice(error), ''].join('\n')
}

/** CL-11: what the person does, and with which parameters. */
function signInAdvice(error: CrossAppError): string[] {
  if (!(error instanceof SignInRequired)) return []
  const { acrValues, maxAge } = error
  const wanted = [
    ...(acrValues.length === 0 ? [] : [`acr_values=${printable(acrValues.join(' '))}`]),
    ...(maxAge === undefined ? [] : [`max_age=${maxAge}`]),
  ]
  const how = wanted.length === 0 ? '' : ` with ${wanted.join(' and ')}`
  return [
    `  to go on: sign in again at the identity provider${how}, put the new token where subject: of the client configuration reads it, and call again`,
  ]
}

/** The same for a program: ours beside `answer`, which holds the refusal as the server sent it. */
export function errorJson(error: unknown): string {
  if (!(error instanceof CrossAppError)) return `${JSON.stringify({ message: messageOf(error) })}\n`
  const { step, stop, server, status, code, description, parameters, message } = error
  const answer = code === undefined ? undefined : { error: code, error_description: description, ...parameters }
  return `${JSON.stringify({ message, step, stop, server, status, answer })}\n`
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown failure'
  // Node's fetch says only "fetch failed" and keeps the reason one below.
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}

function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, '?')
}
