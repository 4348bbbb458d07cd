/** What an assertion states of a person: the name, the sign-in, and attributes (SAML core §2.2, §2.7). */

import type { Element } from '@xmldom/xmldom'
import type { Seconds } from '../protocol/ports.ts'
import { refused } from './refusal.ts'
import { momentOf } from './times.ts'
import { attribute, children, textOf } from './xml.ts'

/** The name of a person, each qualifier only where it is written (SAML core §2.2.2). */
export interface NameId {
  value: string
  format?: string
  nameQualifier?: string
  spNameQualifier?: string
  spProvidedId?: string
}

/** When and how the person signed in. */
export interface SignIn {
  authTime: Seconds
  acr?: string
  sessionNotOnOrAfter?: Seconds
}

/** The texts of each attribute by its Name. An attribute whose values are more than text has none. */
export type Attributes = ReadonlyMap<string, readonly string[]>

/** The subject, and in it the name. Throws {@link OAuthError} `saml_conditions` unless there is one of each. */
export function readSubject(assertion: Element): { subject: Element; nameId: NameId } {
  const [subject, ...more] = children(assertion, 'Subject')
  if (subject === undefined || more.length > 0) throw wrong('must have a Subject, once')
  const [name, ...names] = children(subject, 'NameID')
  const value = name === undefined ? undefined : textOf(name)
  if (name === undefined || names.length > 0 || value === undefined || !isName(value))
    throw wrong('must have a NameID, once, of 1 to 255 characters')
  const qualifiers = [
    ['format', 'Format'],
    ['nameQualifier', 'NameQualifier'],
    ['spNameQualifier', 'SPNameQualifier'],
    ['spProvidedId', 'SPProvidedID'],
  ] as const
  const written = qualifiers.flatMap(([ours, theirs]) => {
    const text = attribute(name, theirs)
    return text === undefined ? [] : [[ours, text]]
  })
  return { subject, nameId: { value, ...Object.fromEntries(written) } }
}

/** Throws {@link OAuthError} `saml_conditions` without one sign-in in the past, and for a session that is over. */
export function readSignIn(assertion: Element, { now, skew }: { now: Seconds; skew: Seconds }): SignIn {
  const [statement, ...more] = children(assertion, 'AuthnStatement')
  if (statement === undefined || more.length > 0) throw wrong('must have an AuthnStatement, once')
  const authTime = momentOf(attribute(statement, 'AuthnInstant'))
  if (authTime === undefined || authTime > now + skew)
    throw wrong('its AuthnInstant must be a moment in the past, in UTC')
  const end = attribute(statement, 'SessionNotOnOrAfter')
  const sessionNotOnOrAfter = momentOf(end)
  if (end !== undefined && (sessionNotOnOrAfter === undefined || now >= sessionNotOnOrAfter + skew))
    throw wrong('its session is over')
  const [reference] = children(statement, 'AuthnContext').flatMap((one) => children(one, 'AuthnContextClassRef'))
  const acr = reference === undefined ? undefined : textOf(reference)
  return {
    // ID-JAG §3.1: auth_time is a number of seconds.
    authTime: Math.floor(authTime),
    ...(acr === undefined || !isName(acr) ? {} : { acr }),
    ...(sessionNotOnOrAfter === undefined ? {} : { sessionNotOnOrAfter }),
  }
}

export function readAttributes(assertion: Element): Attributes {
  const attributes = new Map<string, string[]>()
  for (const one of children(assertion, 'AttributeStatement').flatMap((each) => children(each, 'Attribute'))) {
    const name = attribute(one, 'Name')
    if (name === undefined) continue
    const values = children(one, 'AttributeValue').flatMap((value) => textOf(value) ?? [])
    attributes.set(name, [...(attributes.get(name) ?? []), ...values])
  }
  return attributes
}

/** What may become a `sub`: as long as an ID-JAG may carry, without control characters. */
function isName(text: string): boolean {
  return text !== '' && text.length <= 255 && !/[\u0000-\u001f\u007f]/.test(text)
}

function wrong(message: string) {
  return refused('saml_conditions', message)
}
