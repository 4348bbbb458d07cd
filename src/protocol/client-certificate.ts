/** The certificate that a client came with (RFC 8705 §3): read from its bytes or from the header of a proxy, and named by its thumbprint. */

import { createHash, X509Certificate } from 'node:crypto'
import { OAuthError } from './errors.ts'
import type { Seconds } from './ports.ts'

/**
 * How a proxy writes a certificate into a header: PEM, percent-encoded (nginx, Envoy, AWS), the base64 of its DER (Apache, IIS, Traefik),
 * or the same between colons (RFC 9440 §2.1).
 */
export const certificateEncodings = ['pem-urlencoded', 'der-base64', 'rfc9440'] as const
export type CertificateEncoding = (typeof certificateEncodings)[number]

const maxLength = 16 * 1024
const base64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/**
 * The base64url SHA-256 of a certificate's DER: the `x5t#S256` of whatever is bound to it. Throws {@link OAuthError} `invalid_request` for
 * one whose time is not now. Does NOT ask who issued it: to be bound to it, a self-signed one is as good (RFC 8705 §3).
 */
export function certificateThumbprint(certificate: X509Certificate, now: Seconds, skew: Seconds): string {
  const [from, to] = [certificate.validFrom, certificate.validTo].map((text) => Date.parse(text) / 1000) as [
    Seconds,
    Seconds,
  ]
  // A time that cannot be read is NaN, and no comparison with it is true.
  if (!(now >= from - skew && now <= to + skew))
    throw certificateRefused(`is good from ${certificate.validFrom} to ${certificate.validTo}`)
  return createHash('sha256').update(certificate.raw).digest('base64url')
}

/** The certificate in the lines of a proxy's header; undefined where none came. Throws {@link OAuthError} for whatever is not exactly one. */
export function certificateOfHeader(
  lines: readonly string[],
  encoding: CertificateEncoding,
): X509Certificate | undefined {
  const [line, ...more] = lines
  if (more.length > 0) throw certificateRefused('stands in more than one header')
  // A proxy that sets the header on every request sets it to nothing where no certificate came.
  if (line === undefined || line === '') return undefined
  if (line.length > maxLength) throw certificateRefused('is too long')
  try {
    const der = derOf(line, encoding)
    const certificate = new X509Certificate(der)
    // OpenSSL reads one certificate and leaves what follows it.
    if (certificate.raw.equals(der)) return certificate
  } catch (cause) {
    throw certificateRefused('cannot be read', cause)
  }
  throw certificateRefused('has bytes behind it')
}

function derOf(line: string, encoding: CertificateEncoding): Buffer {
  if (encoding === 'der-base64') return bytesOf(line)
  if (encoding === 'rfc9440') return bytesOf(/^:(.+):$/.exec(line)?.[1])
  // RFC 7468 §2: one certificate, and nothing around it.
  const pem = /^-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*$/.exec(
    decodeURIComponent(line),
  )
  return bytesOf(pem?.[1]?.replace(/\s/g, ''))
}

function bytesOf(text: string | undefined): Buffer {
  if (text === undefined || !base64.test(text)) throw new TypeError('not in the encoding that was agreed on')
  return Buffer.from(text, 'base64')
}

/** The refusal of a certificate, or of how it came. */
export function certificateRefused(fact: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_request', `the client certificate ${fact}`, {
    reason: 'pop_malformed',
    ...(cause === undefined ? {} : { cause }),
  })
}
