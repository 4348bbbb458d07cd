/** A SAML assertion as subject token: decoded, its signature verified, and judged by the rules of SAML (ID-JAG SAML-11). */

import type { X509Certificate } from 'node:crypto'
import type { Element } from '@xmldom/xmldom'
import { type AuditFacts, onceKey, type Ports, type Seconds, tokenIdHash } from '../protocol/ports.ts'
import { checkConditions, checkConfirmation, type ServiceProvider } from './conditions.ts'
import { assertionIn } from './document.ts'
import { decodeAssertion } from './encoding.ts'
import { refused } from './refusal.ts'
import { signedPart } from './signature.ts'
import { type Attributes, type NameId, readAttributes, readSignIn, readSubject, type SignIn } from './statements.ts'
import { momentOf } from './times.ts'
import { attribute, children, textOf } from './xml.ts'

/** A SAML identity provider whose assertions are taken. */
export interface SamlIssuer {
  entityId: string
  enabled: boolean
  /** It signs with the key of one of these. There is no other way to trust. */
  certificates: readonly X509Certificate[]
}

/** Whom an assertion is judged for. */
export interface AssertionRules {
  findIssuer(entityId: string): SamlIssuer | undefined
  /** The authenticated client at this issuer; undefined when it is nobody there. */
  serviceProviderAt(entityId: string): ServiceProvider | undefined
  ports: Ports
  skew: Seconds
  facts: AuditFacts
}

/** What a good assertion says. */
export interface Assertion extends SignIn {
  id: string
  issuer: string
  issuedAt: Seconds
  notOnOrAfter: Seconds
  nameId: NameId
  attributes: Attributes
}

/** The longest life of an assertion: for as long its use is remembered. */
const maxLifetime: Seconds = 24 * 3600

/**
 * Judges an assertion whole, and consumes nothing. Throws {@link OAuthError} `invalid_grant`: `saml_xml`, `saml_signature`,
 * `saml_conditions`, `issuer_unknown`, `issuer_disabled` or `replay_fence`. Does NOT ask who the person is here.
 */
export function readAssertion(token: string, rules: AssertionRules): Assertion {
  const { ports, skew, facts } = rules
  const found = assertionIn(decodeAssertion(token))
  // Which issuer's keys to try; the issuer counts only as the signed bytes say it.
  const named = issuerOf(found)
  const id = attribute(found, 'ID')
  Object.assign(facts, { issuer: named, unverified: true })
  if (named !== undefined && id !== undefined) facts.tokenId = tokenIdHash(named, id)
  const issuer = named === undefined ? undefined : rules.findIssuer(named)
  if (issuer === undefined) throw refused('issuer_unknown', 'its issuer is not one whose assertions are taken')
  if (!issuer.enabled) throw refused('issuer_disabled', 'its issuer is disabled')
  const now = ports.now()
  const assertion = signedPart(found, { certificates: issuer.certificates, now })
  if (issuerOf(assertion) !== issuer.entityId) throw refused('saml_signature', 'its issuer is not the one that signed')
  delete facts.unverified

  if (attribute(assertion, 'Version') !== '2.0') throw wrong('must be of Version 2.0')
  const issuedAt = momentOf(attribute(assertion, 'IssueInstant'))
  if (issuedAt === undefined || issuedAt > now + skew)
    throw wrong('its IssueInstant must be a moment in the past, in UTC')
  const serviceProvider = rules.serviceProviderAt(issuer.entityId)
  if (serviceProvider === undefined)
    throw wrong('its Audience is not this client', `the client has no samlAt entry for ${issuer.entityId}`)
  const notOnOrAfter = checkConditions(assertion, { serviceProvider, now, skew })
  if (notOnOrAfter - issuedAt > maxLifetime) throw wrong('lives for longer than a day')
  const { subject, nameId } = readSubject(assertion)
  checkConfirmation(subject, { serviceProvider, now, skew })
  const signIn = readSignIn(assertion, { now, skew })
  refuseForgotten(issuedAt, ports)
  facts.subject = nameId.value
  return {
    ...signIn,
    id: attribute(assertion, 'ID') ?? '',
    issuer: issuer.entityId,
    issuedAt,
    notOnOrAfter,
    nameId,
    attributes: readAttributes(assertion),
  }
}

/**
 * Spends an assertion (SM-04). The record outlives it on an instance whose clock is behind, too. Throws {@link OAuthError}
 * `saml_conditions` for one that was used before.
 */
export async function spendAssertion(
  { id, issuer, issuedAt, notOnOrAfter }: Assertion,
  { ports, skew }: Pick<AssertionRules, 'ports' | 'skew'>,
): Promise<void> {
  // Credentials were spent since the times were checked, and after this moment the record of a use may be gone.
  if (ports.now() >= notOnOrAfter + skew) throw wrong('has expired')
  const first = await ports.once(onceKey('saml-assertion', issuer, null, id), notOnOrAfter + 2 * skew)
  if (!first) throw wrong('was used before')
  // The store may have found only now that it lost its memory.
  refuseForgotten(issuedAt, ports)
}

function refuseForgotten(issuedAt: Seconds, ports: Ports): void {
  if (issuedAt < ports.fence())
    throw refused('replay_fence', 'was issued before this server can remember; sign in again for a new one')
}

/** SAML core §2.2.5: the entity id of who issued it. */
function issuerOf(assertion: Element): string | undefined {
  const [issuer, ...more] = children(assertion, 'Issuer')
  return issuer === undefined || more.length > 0 ? undefined : textOf(issuer)
}

function wrong(message: string, detail?: string) {
  return refused('saml_conditions', message, detail)
}
