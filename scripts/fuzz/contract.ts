/** The contract of every refusal (RC1, RC2, RC7) as one function over an answer, and what no answer may hold. */

import type { Shot } from './fuzzer.ts'
import type { Answer } from './wire.ts'

/** Which status each code goes with; where HTTP is more exact, several. */
const statuses: { [code: string]: readonly number[] } = {
  invalid_request: [400, 405, 408, 413, 414, 415, 417, 431],
  invalid_client: [401],
  invalid_grant: [400],
  unauthorized_client: [400],
  unsupported_grant_type: [400],
  invalid_scope: [400],
  invalid_target: [400],
  access_denied: [400],
  invalid_authorization_details: [400],
  invalid_dpop_proof: [400],
  insufficient_user_authentication: [400],
}

/** Members beside `error` and `error_description`. */
const members = ['error', 'error_description', 'error_uri', 'acr_values', 'max_age']

/** Words of libraries, stacks, and files: nothing of ours that a stranger should read. */
const internals =
  /\bat (?:async )?[\w.<>]+ \(|\.(?:ts|js|mjs):\d|node_modules|node:internal|\b(?:zod|jose|fastify|FST_ERR\w*|JW[ST]\w*Invalid|JOSEError|ERR_[A-Z_]+|TypeError|RangeError|SyntaxError|ZodError|ENOENT|Unexpected token|undefined is not (?:a |an |iterable|defined)|Cannot read propert)/i

/** What is wrong with an answer; undefined when all is well. */
export function objectionTo(answer: Answer, { judge, contract }: Shot): string | undefined {
  const { status, body } = answer
  if (!(status >= 200 && status < 600)) return `status ${status}`
  if (status >= 500 && !(contract === 'http' && status === 505)) return `answered ${status}`
  const told = status < 300 ? null : internals.exec(`${body} ${readableHeaders(answer)}`)
  if (told !== null) return `an answer with internals: ${told[0]}`
  if (status < 300) return judge === undefined ? 'accepted' : judge(answer)
  if (status < 400) return `redirects with ${status}`
  if (contract === 'http' && !isOAuth(answer)) return undefined
  return refusalObjection(answer)
}

/** Without those of random letters, where any word may stand by chance. */
function readableHeaders({ headers }: Answer): string {
  return [...headers].filter(([name]) => name !== 'x-correlation-id' && name !== 'dpop-nonce').join(' ')
}

function isOAuth({ headers, body }: Answer): boolean {
  return headers.has('x-correlation-id') && body.includes('"error_description"')
}

function refusalObjection({ status, headers, body }: Answer): string | undefined {
  let read: { [member: string]: unknown }
  try {
    read = JSON.parse(body)
  } catch {
    return `a refusal that is no JSON (${status})`
  }
  const { error, error_description: description } = read
  const extra = Object.keys(read).find((member) => !members.includes(member))
  if (extra !== undefined) return `a refusal with the member ${extra}`
  if (typeof error !== 'string' || statuses[error]?.includes(status) !== true) return `${String(error)} with ${status}`
  if (typeof description !== 'string' || !/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(description))
    return 'an error_description with other characters than RFC 6749 allows'
  if (description.length > 1000) return 'an error_description that is a thousand characters long'
  if (!/^application\/json\b/.test(headers.get('content-type') ?? '')) return 'a refusal that is not called JSON'
  if (headers.get('cache-control') !== 'no-store' || headers.get('pragma') !== 'no-cache')
    return 'a refusal that may be cached'
  // Without a whole head there is no request yet, and no line in the audit.
  if (!headers.has('x-correlation-id') && status !== 431) return 'a refusal without a correlation id'
  if (status === 405 && headers.get('allow') === undefined) return '405 without Allow'
  return undefined
}
