/** The part of the configuration that is about SAML assertions: whose are taken, and as whom they know our clients. */

import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import * as z from 'zod'
import { address, foreignName } from './config-values.ts'
import type { Sources } from './references.ts'
import { mapping, refuse } from './schema-problems.ts'

/** `samlIssuers`: the SAML identity providers whose assertions are subject tokens. Absent: nobody's, and no XML is parsed. */
export function samlIssuers(sources: Sources) {
  return z
    .array(
      mapping({
        entityId: foreignName,
        certificates: z.array(certificates(sources)).min(1),
        users: z.enum(['token', 'directory']),
        /** What the name of a person is here. */
        nameIdIs: z.enum(['sub', 'email']).default('sub'),
        subAttribute: foreignName.optional(),
        emailAttribute: foreignName.optional(),
        groupsAttribute: foreignName.optional(),
        /** True: an assertion is good for an ID-JAG, and not only for a refresh token. */
        direct: z.boolean().default(false),
      }),
    )
    .min(1)
    .optional()
}

/** `samlAt`: as which service provider an issuer of assertions knows this client, by the entity id of the issuer. */
export const samlAt = z
  .record(z.string(), mapping({ entityId: foreignName, recipients: z.array(address).min(1) }))
  .optional()

const pemBlock = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/** Certificates in PEM, written out or `{ file: path }`; a file may hold several. Whether they are valid now is asked at each use. */
function certificates({ folder }: Sources) {
  return z
    .union([z.string(), mapping({ file: z.string() })], { error: 'must be a certificate in PEM, or { file: path }' })
    .transform(async (written, context): Promise<X509Certificate[]> => {
      const stop = (fact: string) => {
        const message = typeof written === 'string' ? fact : `names the file ${written.file}, which ${fact}`
        refuse(context, { message, remedy: "take the signing certificate from the issuer's SAML metadata, as PEM" })
        return z.NEVER
      }
      const text =
        typeof written === 'string' ? written : await readFile(resolve(folder, written.file), 'utf8').catch(() => '')
      const blocks = text.match(pemBlock) ?? []
      if (blocks.length === 0) return stop('holds no certificate in PEM')
      try {
        const read = blocks.map((pem) => new X509Certificate(pem))
        return read.every(isStrong) ? read : stop('holds a certificate without an RSA key of 2048 bits or more')
      } catch {
        return stop('holds a certificate that cannot be read')
      }
    })
}

function isStrong({ publicKey }: X509Certificate): boolean {
  return publicKey.asymmetricKeyType === 'rsa' && (publicKey.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048
}
