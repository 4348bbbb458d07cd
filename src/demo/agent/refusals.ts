/** Three things that must not work: an ID-JAG at another company, an ID-JAG twice, and a connection that was removed. */

import { clientSecretBasic } from '../../client/client.ts'
import { grantType } from '../../protocol/names.ts'
import type { Cast, Vendor } from './cast.ts'
import { type Errand, runErrand } from './errands.ts'
import { type Observed, observedFetch } from './observed.ts'
import type { Person } from './relying-party.ts'

/** Shows an ID-JAG to a vendor, as the agent, whatever it is worth there. */
export async function redeemAt({ issuer, tokenEndpoint, credentials }: Vendor, idJag: string): Promise<Observed> {
  const headers = new Headers()
  const form = new URLSearchParams({ grant_type: grantType.jwtBearer, assertion: idJag })
  await clientSecretBasic(credentials.id, credentials.secret).authenticate(
    { headers, form, issuer, tokenEndpoint },
    { now: () => 0, newId: () => '' },
  )
  headers.set('content-type', 'application/x-www-form-urlencoded')
  const seen: Observed[] = []
  const send = observedFetch('redemption', (one) => seen.push(one))
  await send(tokenEndpoint, { method: 'POST', headers, body: form.toString() })
  const [observed] = seen
  if (observed === undefined) throw new TypeError('a request that was answered was observed')
  return observed
}

/** The ID-JAG that an errand got on its way; undefined when it never got one. */
export function idJagOf(observed: readonly Observed[]): string | undefined {
  const body = observed.find(({ name, answer }) => name === 'exchange' && answer.status === 200)?.answer.body
  const token = body === undefined ? undefined : (JSON.parse(body) as { access_token?: unknown }).access_token
  return typeof token === 'string' ? token : undefined
}

/** Reads the chat, and then shows the very same ID-JAG once more: to the same vendor, or to another. */
export async function errandThenAgain(to: 'chat' | 'files', person: Person, cast: Cast): Promise<Errand> {
  const errand = await runErrand('read', '', person, cast)
  const idJag = idJagOf(errand.observed)
  if (idJag === undefined) return errand
  return { ...errand, observed: [...errand.observed, await redeemAt(cast[to], idJag)] }
}

/** Does something while the employer's administrator has removed the connection, and puts it back whatever comes of it. */
export async function withoutConnection<Result>(cast: Cast, deed: () => Promise<Result>): Promise<Result> {
  await cast.setConnection(cast.chat.issuer, false)
  try {
    return await deed()
  } finally {
    await cast.setConnection(cast.chat.issuer, true)
  }
}
