/** Whether an assertion is good now, for this service provider, from whoever bears it (SAML core §2.4, §2.5; SAML profiles §4.1.4). */

import type { Element } from '@xmldom/xmldom'
import type { Seconds } from '../protocol/ports.ts'
import { refused } from './refusal.ts'
import { momentOf } from './times.ts'
import { attribute, childElements, children, isNamed, namespace, textOf } from './xml.ts'

/** One of our clients, as the issuer of assertions knows it. */
export interface ServiceProvider {
  /** Its SAML entity id: the Audience of assertions for it. */
  entityId: string
  /** Its assertion consumer services: the Recipient of assertions for it. */
  recipients: readonly string[]
}

/** Against what conditions are judged. */
export interface ConditionRules {
  serviceProvider: ServiceProvider
  now: Seconds
  skew: Seconds
}

const bearer = 'urn:oasis:names:tc:SAML:2.0:cm:bearer'

/** When the assertion ends. Throws {@link OAuthError} `saml_conditions`, for a condition that is not known too (SAML core §2.5.1). */
export function checkConditions(assertion: Element, rules: ConditionRules): Seconds {
  const [conditions, ...more] = children(assertion, 'Conditions')
  if (conditions === undefined || more.length > 0) throw wrong('must have its Conditions, once')
  const notBefore = momentOf(attribute(conditions, 'NotBefore'))
  const notOnOrAfter = momentOf(attribute(conditions, 'NotOnOrAfter'))
  if (notBefore === undefined || notOnOrAfter === undefined)
    throw wrong('its Conditions must have NotBefore and NotOnOrAfter, in UTC')
  if (rules.now < notBefore - rules.skew) throw wrong('is not valid yet')
  if (rules.now >= notOnOrAfter + rules.skew) throw wrong('has expired')
  for (const condition of childElements(conditions))
    if (!['AudienceRestriction', 'OneTimeUse'].some((name) => isNamed(condition, namespace.assertion, name)))
      throw wrong('holds a condition that cannot be kept', condition.localName ?? undefined)
  checkAudience(children(conditions, 'AudienceRestriction'), rules.serviceProvider)
  return notOnOrAfter
}

/** ID-JAG §4.5, SAML-01: each restriction names the service provider that this client is. */
function checkAudience(restrictions: readonly Element[], { entityId }: ServiceProvider): void {
  const audiences = restrictions.map((one) => children(one, 'Audience').map(textOf))
  if (audiences.length === 0 || !audiences.every((ones) => ones.includes(entityId)))
    throw wrong(
      'its Audience is not this client',
      `found ${audiences.flat().join(', ') || 'none'}, expected ${entityId}`,
    )
}

/**
 * SAML profiles §4.1.4.2: one confirmation by bearing it, at a place of this service provider, in time. Whether it answers a request of
 * that service provider (InResponseTo) only that one knows. Throws {@link OAuthError} `saml_conditions`.
 */
export function checkConfirmation(subject: Element, { serviceProvider, now, skew }: ConditionRules): void {
  const confirmed = children(subject, 'SubjectConfirmation')
    .filter((one) => attribute(one, 'Method') === bearer)
    .flatMap((one) => children(one, 'SubjectConfirmationData'))
    .filter((data) => {
      const until = momentOf(attribute(data, 'NotOnOrAfter'))
      return until !== undefined && now < until + skew && attribute(data, 'NotBefore') === undefined
    })
  if (confirmed.length === 0) throw wrong('has no bearer confirmation that is in time')
  const recipients = confirmed.map((data) => attribute(data, 'Recipient'))
  if (!recipients.some((one) => one !== undefined && serviceProvider.recipients.includes(one)))
    throw wrong('its Recipient is not this client', `found ${recipients.join(', ')}`)
}

function wrong(message: string, detail?: string) {
  return refused('saml_conditions', message, detail)
}
