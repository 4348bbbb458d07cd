/** The API behind the servers: a guard as a resource builds it, and the question to an instance whether a token is alive. */

import { randomUUID } from 'node:crypto'
import { documentFetch } from '../../../src/outbound/document.ts'
import { issuerKeys } from '../../../src/protocol/issuer-keys.ts'
import { defaultAlgorithms } from '../../../src/protocol/keys.ts'
import { Challenge } from '../../../src/resource/challenge.ts'
import { guardOf } from '../../../src/resource/guard.ts'
import { statusLists } from '../../../src/resource/status-lists.ts'
import { api, resource, scope } from './deployment.ts'
import type { Instance } from './instance.ts'

export interface GuardedApi {
  /** Calls the API with a token. Resolves to `let in`, or to the word for why not. */
  call(accessToken: string): Promise<string>
}

/** An API that knows nothing but the issuer of its tokens: keys and status lists come from there, and are kept as its rules say. */
export function guardedApi(issuer: string): GuardedApi {
  const now = () => Date.now() / 1000
  const fetchDocument = documentFetch({ allowLoopback: true, allowAddresses: [] })
  const guard = guardOf(
    {
      resource,
      authorizationServer: issuer,
      keys: issuerKeys({ issuer, fetchDocument, now, warn: () => {} }),
      algorithms: defaultAlgorithms,
      scopes: [scope],
      skew: 30,
      maxLifetime: 3600,
      revocation: statusLists({ fetchDocument }),
    },
    { now, newId: randomUUID, fence: () => 0, once: async () => true, record: async () => {} },
  )
  return {
    async call(accessToken) {
      const correlationId = randomUUID()
      try {
        const who = await guard.authenticate({ authorization: [`Bearer ${accessToken}`], correlationId })
        await guard.authorize(who, { required: [scope], correlationId })
        return 'let in'
      } catch (error) {
        if (error instanceof Challenge) return error.reason
        return error instanceof Error ? error.message : String(error)
      }
    },
  }
}

/** Whether an instance calls a token alive (RFC 7662); undefined when it does not answer the question. */
export async function isActive(
  { address }: Pick<Instance, 'address'>,
  accessToken: string,
): Promise<boolean | undefined> {
  try {
    const response = await fetch(`${address}/introspect`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${api.id}:${api.secret}`)}` },
      body: new URLSearchParams({ token: accessToken }),
      signal: AbortSignal.timeout(3000),
    })
    const answer = (await response.json()) as { active?: boolean }
    return response.ok ? answer.active : undefined
  } catch {
    return undefined
  }
}
