/** The certificate and key that a role's own TLS uses: read from PEM files, and followed, so that a renewed certificate needs no restart. */

import { readFile, stat } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { stampOf } from './signing-keys.ts'

/** Where the PEM files are. */
export interface TlsPaths {
  /** The server's certificate, with those between it and its root. */
  cert: string
  key: string
  /** Whose client certificates are taken. Absent: every client certificate is, because nothing is bound to its issuer. */
  clientCa?: string | undefined
}

/** What is in them, in the form that Node's TLS wants. */
export interface TlsMaterial {
  cert: string
  key: string
  ca?: string
}

/** Why a file is not used, as a sentence that begins with its path. */
export class TlsFileError extends Error {
  override readonly name = 'TlsFileError'
  /** Which of the files. */
  readonly file: keyof TlsPaths
  /** The sentence without the path. */
  readonly fact: string
  readonly remedy: string | undefined
  constructor(file: keyof TlsPaths, path: string, fact: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(`${path} ${fact}`, { cause: options.cause })
    this.file = file
    this.fact = fact
    this.remedy = options.remedy
  }
}

/**
 * Reads them. Throws {@link TlsFileError} for a file that cannot be read or is not PEM of its kind, for a key that others than its owner
 * may touch (not looked at on Windows), and for a key that is not the certificate's. Does NOT look at the clock or at who issued it.
 */
export async function readTlsFiles(paths: TlsPaths): Promise<TlsMaterial> {
  const cert = await textOf('cert', paths.cert)
  const key = await textOf('key', paths.key)
  const ca = paths.clientCa === undefined ? undefined : await textOf('clientCa', paths.clientCa)
  const { mode } = await stat(paths.key)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new TlsFileError('key', paths.key, `may be read or written by others (mode ${(mode & 0o777).toString(8)})`, {
      remedy: `chmod 600 ${paths.key}`,
    })
  judge('cert', paths.cert, 'holds no certificate in PEM', { cert })
  judge('key', paths.key, 'holds no private key in PEM, or an encrypted one', { key })
  judge('key', paths.key, `is not the key of ${paths.cert}`, { cert, key })
  if (ca === undefined) return { cert, key }
  // OpenSSL takes a file without any certificate for an empty list.
  if (!ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new TlsFileError('clientCa', paths.clientCa ?? '', 'holds no certificate in PEM')
  judge('clientCa', paths.clientCa ?? '', 'holds no certificate in PEM', { ca })
  return { cert, key, ca }
}

async function textOf(file: keyof TlsPaths, path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const fact = cause.code === 'ENOENT' ? 'does not exist' : `cannot be read (${cause.code ?? 'unknown'})`
    throw new TlsFileError(file, path, fact, { cause })
  })
}

function judge(file: keyof TlsPaths, path: string, fact: string, material: Partial<TlsMaterial>): void {
  try {
    createSecureContext(material)
  } catch (cause) {
    throw new TlsFileError(file, path, fact, { cause })
  }
}

const interval = 1000

/**
 * Looks each second whether the files are others, and gives what they hold to `use`; files that cannot be used are warned about once, and
 * what was there before stays. Ends with the function that it gives.
 */
export function followTlsFiles(
  paths: TlsPaths,
  { use, warn }: { use(material: TlsMaterial): void; warn(message: string): void },
): { look(): Promise<void>; close(): void } {
  let stamp: string | undefined
  let closed = false
  const look = async () => {
    const found = (await Promise.all(Object.values(paths).map(stampOf))).join(', ')
    if (found === stamp || closed) return
    stamp = found
    try {
      const material = await readTlsFiles(paths)
      if (!closed) use(material)
    } catch (cause) {
      if (!closed) warn(`${(cause as Error).message}; the certificate of before stays in use`)
    }
  }
  const timer = setInterval(() => void look(), interval)
  timer.unref()
  return {
    look,
    close() {
      closed = true
      clearInterval(timer)
    },
  }
}
