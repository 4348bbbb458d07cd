/** The requests of the flow as a stranger's program would send them: URLSearchParams and fetch, nothing of ours. */

import type { Credentials } from '../../src/testing/clients.ts'
import type { World } from '../../src/testing/world.ts'

export interface Answer {
  status: number
  body: { [member: string]: unknown }
  headers: Headers
}

/** HTTP Basic with plain credentials. */
export function basic({ id, secret }: Pick<Credentials, 'id' | 'secret'>): { authorization: string } {
  return { authorization: `Basic ${btoa(`${id}:${secret}`)}` }
}

export async function postForm(
  url: string,
  form: { [name: string]: string },
  headers: { [name: string]: string } = {},
): Promise<Answer> {
  const answer = await fetch(url, { method: 'POST', headers, body: new URLSearchParams(form) })
  return { status: answer.status, body: (await answer.json()) as Answer['body'], headers: answer.headers }
}

/** The token exchange of one subject token for the chat, with anything changed by `change`. */
export function exchange(
  world: World,
  subjectToken: string,
  change: { [name: string]: string } = {},
  client: Credentials = world.clients.assistant.idp,
): Promise<Answer> {
  return postForm(
    world.idp.tokenEndpoint,
    {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
      subject_token: subjectToken,
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      audience: world.resourceAs.chat.issuer,
      ...change,
    },
    basic(client),
  )
}

/** The redemption of one ID-JAG at the chat, or at another token endpoint. */
export function redeem(
  world: World,
  assertion: unknown,
  client: Credentials = world.clients.assistant.resourceAs,
  tokenEndpoint: string = world.resourceAs.chat.tokenEndpoint,
): Promise<Answer> {
  const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
  return postForm(tokenEndpoint, { grant_type, assertion: String(assertion) }, basic(client))
}
