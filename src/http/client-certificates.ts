/** Where a Fastify server has the certificates of its clients from: its own TLS, or a header that one proxy alone may set (RFC 8705 §6.5). */

import type { X509Certificate } from 'node:crypto'
import { type BlockList, isIP } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { FastifyRequest } from 'fastify'
import { type Branches, usualBranches } from '../protocol/branches.ts'
import {
  type CertificateEncoding,
  certificateOfHeader,
  certificateRefused,
  certificateThumbprint,
} from '../protocol/client-certificate.ts'
import type { IssuerAddresses } from '../protocol/metadata.ts'
import type { Ports, Seconds } from '../protocol/ports.ts'
import { headerLines } from './oauth-scope.ts'

/** The server's own TLS asks for certificates: `requestCert: true` with `rejectUnauthorized: false`, so that they stay optional. */
export interface TlsCertificates {
  from: 'tls'
  /** True where `ca` was given: a certificate that is of none of these authorities is refused. Absent: one is as good as another. */
  verified?: boolean | undefined
}

/** A proxy ends TLS, checks that the client holds its key, and writes the certificate into a header. */
export interface ProxyCertificates {
  /** The addresses of the proxy. From any other address, a request with the header is refused. */
  from: BlockList
  /** Its name, in lower case. The proxy must take it away from every request that has it already. */
  header: string
  encoding: CertificateEncoding
}

export type ClientCertificates = TlsCertificates | ProxyCertificates

/** The thumbprint of the certificate that came with a request; undefined where none did. Throws OAuthError `invalid_request`. */
export type CertificateReader = (request: FastifyRequest) => string | undefined

/** Makes the reader. Without a source there are no certificates, whatever headers come. */
export function certificateReader(
  source: ClientCertificates | undefined,
  { ports, skew }: { ports: Pick<Ports, 'now'>; skew: Seconds },
): CertificateReader {
  if (source === undefined) return () => undefined
  const read = 'header' in source ? headerReader(source) : (request: FastifyRequest) => ofSocket(request, source)
  return (request) => {
    const certificate = read(request)
    return certificate === undefined ? undefined : certificateThumbprint(certificate, ports.now(), skew)
  }
}

/** What of it the metadata say: nothing but where the branch is in force and certificates are looked for. */
export function certificateAddresses(
  {
    clientCertificates,
    mtlsOrigin,
  }: { clientCertificates?: ClientCertificates | undefined; mtlsOrigin?: string | undefined },
  path: string,
  branches: Branches = usualBranches,
): Pick<IssuerAddresses, 'takesCertificates' | 'tokenEndpointWithCertificate'> {
  if (clientCertificates === undefined || !branches['mtls-cnf-binding']) return {}
  return {
    takesCertificates: true,
    tokenEndpointWithCertificate: mtlsOrigin === undefined ? undefined : `${mtlsOrigin}${path}/token`,
  }
}

function ofSocket({ raw: { socket } }: FastifyRequest, { verified }: TlsCertificates): X509Certificate | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  const certificate = socket.getPeerX509Certificate()
  if (certificate !== undefined && verified === true && !socket.authorized)
    throw certificateRefused('is of no authority that is trusted here')
  return certificate
}

function headerReader({ from, header, encoding }: ProxyCertificates) {
  return (request: FastifyRequest): X509Certificate | undefined => {
    const lines = headerLines(request, header)
    // RFC 8705 §6.5: whoever can set the header could be anybody. To overlook it would hide that the proxy is configured wrongly.
    if (lines.length > 0 && !isIn(from, request.raw.socket.remoteAddress))
      throw certificateRefused('did not come through the proxy')
    return certificateOfHeader(lines, encoding)
  }
}

function isIn(list: BlockList, address = ''): boolean {
  // A zone index, which BlockList does not know.
  const family = address.includes('%') ? 0 : isIP(address)
  return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6')
}
