/** How a role is reached: by TLS of its own or behind a proxy, and where it has the certificates of its clients from. */

import { resolve } from 'node:path'
import * as z from 'zod'
import type { ClientCertificates } from '../http/client-certificates.ts'
import { blockListOf } from '../outbound/addresses.ts'
import { certificateEncodings } from '../protocol/client-certificate.ts'
import type { Finding, Part } from './config-part.ts'
import { addressRange } from './config-values.ts'
import type { Sources } from './references.ts'
import { judged, mapping, refuse } from './schema-problems.ts'
import { readTlsFiles, TlsFileError, type TlsMaterial, type TlsPaths } from './tls-files.ts'

/** TLS that the server does itself. */
export interface TlsSetting {
  paths: TlsPaths
  material: TlsMaterial
  /** Clients are asked for a certificate, and need none. */
  asksCertificates: boolean
}

const file = mapping({ file: z.string().min(1) })

function tls({ folder }: Sources) {
  return mapping({
    cert: file,
    key: file,
    clientCertificates: z.literal('optional').optional(),
    clientCa: file.optional(),
  }).transform(async ({ cert, key, clientCa, clientCertificates }, context): Promise<TlsSetting> => {
    const paths: TlsPaths = {
      cert: resolve(folder, cert.file),
      key: resolve(folder, key.file),
      ...(clientCa === undefined ? {} : { clientCa: resolve(folder, clientCa.file) }),
    }
    try {
      return { paths, material: await readTlsFiles(paths), asksCertificates: clientCertificates !== undefined }
    } catch (cause) {
      if (!(cause instanceof TlsFileError)) throw cause
      const named = { cert, key, clientCa }[cause.file]?.file
      const { fact, remedy } = cause
      refuse(context, {
        message: `names as ${cause.file} the file ${named}, which ${fact}`,
        ...(remedy === undefined ? {} : { remedy }),
      })
      return z.NEVER
    }
  })
}

/** Headers that mean something to us already. */
const taken = ['authorization', 'content-encoding', 'content-length', 'content-type', 'cookie', 'dpop', 'host']

const header = judged((text) => {
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(text))
    return { message: 'must be the name of a header in lower case', remedy: 'such as x-client-cert' }
  return taken.includes(text)
    ? { message: 'is a header with another meaning', remedy: 'let the proxy use one of its own' }
    : undefined
})

const origin = judged((text) =>
  URL.canParse(text) && new URL(text).protocol === 'https:' && new URL(text).origin === text
    ? undefined
    : {
        message: 'must be an https origin',
        remedy: 'such as https://mtls.id.acme.example, without a slash at its end',
      },
)

/** What both roles have in common. */
export function transportMembers(sources: Sources) {
  return {
    /** Absent: the role listens without TLS, for a proxy in front of it. */
    tls: tls(sources).optional(),
    /** The header into which a proxy writes the certificate of its client. Absent: no header says anything of a certificate. */
    clientCertificates: mapping({
      header,
      encoding: z.enum(certificateEncodings),
      from: z.array(addressRange).min(1),
    }).optional(),
    /** Another origin for the same role, where clients are asked for certificates (RFC 8705 §5). */
    mtlsOrigin: origin.optional(),
  }
}

/** What {@link transportMembers} are by the time they were read. */
type Transport = z.output<z.ZodObject<ReturnType<typeof transportMembers>>>

/** What the plugin of a role is given of it. */
export function certificateOptions({ tls: own, clientCertificates, mtlsOrigin }: Transport): {
  clientCertificates?: ClientCertificates
  mtlsOrigin?: string | undefined
} {
  if (clientCertificates !== undefined)
    return { clientCertificates: { ...clientCertificates, from: blockListOf(clientCertificates.from) }, mtlsOrigin }
  if (own?.asksCertificates !== true) return {}
  return { clientCertificates: { from: 'tls', verified: own.material.ca !== undefined }, mtlsOrigin }
}

/** What is wrong between these and the branch that gives certificates a meaning. */
export function checkTransport(role: Part): Finding[] {
  const branch = role.at('branches').at('mtls-cnf-binding')
  const asked = role.at('tls').at('clientCertificates')
  const header = role.at('clientCertificates')
  const authority = role.at('tls').at('clientCa')
  const source = asked.exists ? asked : header.exists ? header : undefined
  const finding = (one: Part, message: string, remedy: string): Finding => ({ path: one.path, message, remedy })
  const needed = 'add tls: with clientCertificates: optional, or clientCertificates: for the header of a proxy'
  return [
    ...(branch.value === true && source === undefined
      ? [finding(branch, 'is on, and no certificate is ever seen', needed)]
      : []),
    ...(branch.value !== true && source !== undefined
      ? [finding(source, 'asks for certificates that mean nothing', 'add branches: { mtls-cnf-binding: true }')]
      : []),
    ...(asked.exists && header.exists
      ? [finding(header, 'is a second source of certificates', 'keep this or tls.clientCertificates')]
      : []),
    ...(authority.exists && !asked.exists
      ? [finding(authority, 'is for certificates that are not asked for', 'add clientCertificates: optional to tls')]
      : []),
    ...(role.at('mtlsOrigin').exists && source === undefined
      ? [finding(role.at('mtlsOrigin'), 'is an address where certificates would be seen', needed)]
      : []),
  ]
}
