/** The single values of a configuration: what an issuer, an id, a secret or an address must look like, and what to do if it does not. */

import * as z from 'zod'
import { isAddressRange, isWideRange } from '../outbound/addresses.ts'
import { scopeToken } from '../protocol/form.ts'
import { signatureAlgorithms } from '../protocol/keys.ts'
import { isLoopbackHost } from '../protocol/loopback.ts'
import { isResourceIndicator } from '../protocol/resource.ts'
import { type Judgement, judged, refuse } from './schema-problems.ts'

/** True for an address whose host is this machine by name: what makes a role a development one. */
export function isLoopbackUrl(text: unknown): boolean {
  return typeof text === 'string' && URL.canParse(text) && isLoopbackHost(new URL(text).hostname)
}

function judgeAddress(text: string): Judgement | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackHost(url.hostname))))
    return { message: 'must be an https address', remedy: 'for local work use http://127.0.0.1 or http://localhost' }
  if (url.username !== '' || url.password !== '') return { message: 'must hold no user and no password' }
  return undefined
}

/** An address that is fetched or called. */
export const address = judged(judgeAddress)

function judgeIssuer(text: string): Judgement | undefined {
  const judgement = judgeAddress(text)
  if (judgement !== undefined) return judgement
  // RFC 8414 §2
  if (/[?#]/.test(text)) return { message: 'must have no query and no fragment' }
  return undefined
}

/** Somebody else's issuer identifier, as they write it: some end with a slash. */
export const foreignIssuer = judged(judgeIssuer)

/** The issuer identifier of a role of ours: an address in the one form that URL libraries leave as it is. */
export const ownIssuer = judged((text) => {
  const judgement = judgeIssuer(text)
  if (judgement !== undefined) return judgement
  const remedy = 'issuers are compared to the letter, and clients would ask for the other form'
  if (text.endsWith('/')) return { message: 'must not end with a slash', remedy }
  const { href } = new URL(text)
  const usual = href.endsWith('/') ? href.slice(0, -1) : href
  return usual === text ? undefined : { message: `must be written ${usual}`, remedy }
})

/** The id of a client of ours (see the Basic credentials of RFC 6749 §2.3.1: characters that nobody encodes in two ways). */
export function judgeId(text: string): Judgement | undefined {
  if (/^[A-Za-z0-9._~-]{1,255}$/.test(text)) return undefined
  return {
    message: 'must be 1 to 255 of the characters A-Z a-z 0-9 . _ ~ -',
    remedy: 'clients encode other characters in several ways',
  }
}

/** An id that {@link judgeId} takes. */
export const id = judged(judgeId)

/** A name in somebody else's world, such as a subject or the id of a client over there. */
export const foreignName = judged((text) =>
  text !== '' && text.length <= 255 && text.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(text)
    ? undefined
    : { message: 'must be 1 to 255 characters without control characters' },
)

/** One scope (RFC 6749 §3.3). */
export const scope = judged((text) =>
  scopeToken.test(text)
    ? undefined
    : { message: 'must be one scope, without spaces and quotes', remedy: 'write each scope as an entry of the list' },
)

/** A resource indicator (RFC 8707 §2). */
export const resource = judged((text) =>
  isResourceIndicator(text) ? undefined : { message: 'must be an absolute URI without a fragment (RFC 8707)' },
)

/** A domain as it stands behind the @ of addresses that may be linked. */
export const emailDomain = judged((text) =>
  /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(text)
    ? undefined
    : { message: 'must be a domain in lower case, such as acme.example' },
)

/** A range of network addresses, in CIDR form, no larger than a private network can be: what it lets in is trusted. */
export const addressRange = judged((text) => {
  if (!isAddressRange(text))
    return { message: 'must be an address range', remedy: 'such as 10.20.0.0/16, or 10.20.0.7/32 for one address' }
  return isWideRange(text)
    ? { message: 'is wider than any private network', remedy: 'name the network itself, such as 10.20.0.0/16' }
    : undefined
})

/** Signature algorithms that are taken from somebody; at least one. */
export const algorithms = z.array(z.enum(signatureAlgorithms)).min(1)

/** A duration in whole seconds within bounds. */
export function duration(least: number, most: number): z.ZodNumber {
  return z.int().min(least).max(most)
}

/** How many there are of something; at least one. */
export function count(most: number): z.ZodNumber {
  return z.int().min(1).max(most)
}

/** Where a role listens. */
export interface Listen {
  host: string
  port: number
}

/** True for an address that only this machine reaches. */
export function staysHere({ host }: Listen): boolean {
  return isLoopbackHost(host.includes(':') ? `[${host}]` : host)
}

/** `HOST:PORT`; an IPv6 address stands in brackets. Port 0 lets the system choose. */
export const listen = z.string().transform((text, context): Listen => {
  const [, six, host, port] = /^(?:\[([0-9a-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/i.exec(text) ?? []
  const name = six ?? host
  if (name !== undefined && Number(port) <= 65535) return { host: name, port: Number(port) }
  refuse(context, { message: 'must be HOST:PORT', remedy: 'such as 127.0.0.1:4000 or [::1]:4000' })
  return z.NEVER
})
