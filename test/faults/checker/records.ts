/** I3, I4 and I8: what a client got is in the audit, nothing is granted after it was stopped, and no line is missing. */

import { createHash } from 'node:crypto'
import { decodeJwt } from 'jose'
import { type AuditLine, type AuditReading, isRedemption } from './audit-lines.ts'
import { checkChains } from './chains.ts'
import { fits, stopDelay } from './excuses.ts'
import type { History, Presentation, Violation } from './history.ts'

export function checkRecords(history: History, audit: AuditReading): Violation[] {
  return [...checkSuccesses(history, audit), ...checkStops(history, audit), ...checkChains(history, audit)]
}

function checkSuccesses(history: History, { byCorrelation }: AuditReading): Violation[] {
  return history.presentations
    .filter(({ status }) => status === 200)
    .flatMap((one): Violation[] => {
      const lines = (byCorrelation.get(one.correlationId ?? '') ?? []).filter(({ outcome }) => outcome === 'granted')
      const [line] = lines
      const name = `the grant of ID-JAG ${one.jti} at ${one.instance}`
      if (line === undefined || lines.length > 1)
        return [{ invariant: 'I3', says: `${name} is in the audit ${lines.length} times` }]
      return differences(one, line, history).map((member) => ({
        invariant: 'I3',
        says: `${name} has another ${member} in the audit`,
      }))
    })
}

function differences(one: Presentation, line: AuditLine, { server, policyVersions }: History): string[] {
  const claims = one.accessToken === undefined ? {} : claimsOf(one.accessToken)
  const expected = {
    tokenId: hashOf(one.issuer, one.jti),
    issuedTokenId: hashOf(server, String(claims.jti)),
    client: one.client,
    subject: one.subject,
    issuer: one.issuer,
    scope: one.scope,
    instance: one.instance,
  }
  const wrong = Object.entries(expected).filter(([member, value]) => line[member as keyof AuditLine] !== value)
  // What an administrator changes at run time is a number behind the configuration's own version.
  const version = line.policyVersion
  const unknownPolicy = !policyVersions.some((one) => version === one || version?.startsWith(`${one}.`))
  return [...wrong.map(([member]) => member), ...(unknownPolicy ? ['policyVersion'] : [])]
}

function checkStops({ revocations, presentations }: History, { lines }: AuditReading): Violation[] {
  const sentAs = new Map(presentations.map((one) => [one.correlationId, one]))
  return lines.filter(isRedemption).flatMap((line): Violation[] => {
    const sent = sentAs.get(line.correlationId)
    // The generator's clock where it saw the request; the instance's own for a request that nobody got an answer to.
    const at = sent?.sent ?? line.at
    const late = revocations.filter(
      (stop) =>
        at > stop.acknowledged + stopDelay &&
        (sent?.ended ?? at) < (stop.liftAsked ?? Number.POSITIVE_INFINITY) &&
        fits(stop, { ...line, ...(sent === undefined ? {} : { keyId: sent.keyId }) }),
    )
    return late.map(({ acknowledged }) => ({
      invariant: 'I4',
      says: `${line.instance} line ${line.number} grants what was stopped ${(at - acknowledged).toFixed(1)} s before`,
    }))
  })
}

/** The audit's name for a token, written down once more (see `tokenIdHash`). */
function hashOf(issuer: string, jti: string): string {
  return createHash('sha256')
    .update(JSON.stringify([issuer, jti]))
    .digest('base64url')
    .slice(0, 22)
}

function claimsOf(token: string): { jti?: string } {
  try {
    return decodeJwt(token)
  } catch {
    return {}
  }
}
