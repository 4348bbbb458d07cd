/** I9 and I10: access tokens verify with the keys that were published when they were issued, and no secret is in any log. */

import { createLocalJWKSet, errors, type JWK, jwtVerify } from 'jose'
import type { History, Presentation, PublishedKeys, Violation } from './history.ts'

/** Verifies every access token a client got, by the keys alone: not by our own verifier. */
export async function checkAccessTokens({ presentations, keys, server }: History): Promise<Violation[]> {
  const inOrder = [...keys].sort((one, other) => one.from - other.from)
  const found = await Promise.all(
    presentations
      .filter(({ status }) => status === 200)
      .map(async (one): Promise<Violation[]> => {
        const name = `the access token for ID-JAG ${one.jti} at ${one.instance}`
        if (one.accessToken === undefined) return [{ invariant: 'I9', says: `${name} is missing from the answer` }]
        const published = publishedDuring(one, inOrder)
        if (published.length === 0)
          return [{ invariant: 'I9', says: `${name} was issued before any key was published` }]
        try {
          // ID-JAG §4.4.1, RFC 9068 §4; the times are the checker's last concern, long after the run.
          const currentDate = new Date(one.ended * 1000)
          const found = createLocalJWKSet({ keys: published.flatMap(({ jwks }) => jwks.keys).filter(isFirst) })
          await jwtVerify(one.accessToken, found, {
            typ: 'at+jwt',
            issuer: server,
            currentDate,
            clockTolerance: 3600,
          })
          return []
        } catch (error) {
          const why = error instanceof errors.JOSEError ? error.code : String(error)
          return [{ invariant: 'I9', says: `${name} does not verify with the keys of that moment (${why})` }]
        }
      }),
  )
  return found.flat()
}

/** All that was published at some time between the question and the answer. */
function publishedDuring({ sent, ended }: Presentation, inOrder: readonly PublishedKeys[]): readonly PublishedKeys[] {
  return inOrder.filter(({ from }, at) => from <= ended && (inOrder[at + 1]?.from ?? Number.POSITIVE_INFINITY) > sent)
}

function isFirst({ kid }: JWK, at: number, all: readonly JWK[]): boolean {
  return all.findIndex((one) => one.kid === kid) === at
}

/** A whole signed token: header, claims and signature. */
const wholeToken = /eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{20,}/

/** Looks for marked values, and for whole tokens of any kind, in what operators read. */
export function checkSecrets({ audits, logs, secrets }: History): Violation[] {
  const texts = [
    ...audits.map(({ instance, text }) => ({ place: `the audit of ${instance}`, text })),
    ...logs.map(({ instance, text }) => ({ place: `the log of ${instance}`, text })),
  ]
  return texts.flatMap(({ place, text }) => {
    const found = secrets.filter(({ value }) => text.includes(value)).map(({ name }) => name)
    const names = wholeToken.test(text) ? [...found, 'a whole token'] : found
    return names.map((name): Violation => ({ invariant: 'I10', says: `${name} is in ${place}` }))
  })
}
