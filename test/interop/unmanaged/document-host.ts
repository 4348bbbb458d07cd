/** Where applications that nobody registered publish their Client ID Metadata Documents: by http on this machine, or by https. */

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface DocumentHost {
  /** Publishes a document; its address is the client's id. */
  publish(name: string, members: { [member: string]: unknown }): string
  /** The paths that were asked for, in order. */
  asked: string[]
  close(): Promise<void>
}

/** For servers whose own issuer is on this machine: they take http there. */
export async function documentHost(): Promise<DocumentHost> {
  return await hostAt('http', (answer) => createHttpServer(answer))
}

/** `certificateFile` is what a server must trust to fetch from it; openssl makes it, anew for each host. */
export async function secureDocumentHost(): Promise<DocumentHost & { certificateFile: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'xaa-certificate-'))
  const [keyFile, certificateFile] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const { status, stderr } = spawnSync(
    process.env.OPENSSL ?? 'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'],
      ...['-keyout', keyFile, '-out', certificateFile],
    ],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`openssl made no certificate: ${stderr}`)
  const [key, cert] = [readFileSync(keyFile), readFileSync(certificateFile)]
  const host = await hostAt('https', (answer) => createHttpsServer({ key, cert }, answer))
  return {
    ...host,
    certificateFile,
    async close() {
      await host.close()
      rmSync(folder, { recursive: true })
    },
  }
}

async function hostAt(protocol: 'http' | 'https', make: (answer: RequestListener) => Server): Promise<DocumentHost> {
  const documents = new Map<string, object>()
  const asked: string[] = []
  const server = make(({ url = '' }, response) => {
    asked.push(url)
    const document = documents.get(url)
    response.writeHead(document === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(document ?? {}))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    asked,
    publish(name, members) {
      const clientId = `${origin}/${name}.json`
      documents.set(`/${name}.json`, { client_id: clientId, ...members })
      return clientId
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
