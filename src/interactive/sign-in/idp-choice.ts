/** Which company's IdP somebody signs in at, and the addresses at which the IdPs send the browser back. */

import { domainToASCII } from 'node:url'
import type { PageOptions, SignInIssuer } from './contract.ts'
import { signInPath } from './page.ts'

/** The IdP that the domain of an e-mail address belongs to. */
export function idpOfEmail(issuers: readonly SignInIssuer[], email: string): SignInIssuer | undefined {
  const [, typed = ''] = /^[^@\s]+@([^@\s]+)$/.exec(email.trim()) ?? []
  const domain = domainToASCII(typed).toLowerCase()
  return domain === '' ? undefined : issuers.find(({ emailDomains }) => emailDomains.includes(domain))
}

/** What people know an IdP by. */
export function idpName({ name, issuer }: Pick<SignInIssuer, 'name' | 'issuer'>): string {
  return name ?? new URL(issuer).host
}

/**
 * The redirect address of this server at an IdP. RFC 9700 §4.4: who signs people in at several IdPs tells their answers apart by `iss`,
 * or by separate redirect addresses. An IdP that does not announce `iss`, beside others, sends the browser to an address that is
 * named after the first of its e-mail domains.
 */
export function redirectUriAt(
  { issuer: root, signInIssuers }: Pick<PageOptions, 'issuer' | 'signInIssuers'>,
  { emailDomains: [domain] }: SignInIssuer,
  announcesIss: boolean,
): string {
  return callbackAddress(root, announcesIss || signInIssuers.length === 1 ? undefined : domain)
}

/** The address that a request to the callback route came to, as the IdP was given it: never read from `Host`. */
export function callbackAddress(issuer: string, domain: string | undefined): string {
  const address = `${issuer.replace(/\/$/, '')}${signInPath}/callback`
  return domain === undefined ? address : `${address}/${domain}`
}
