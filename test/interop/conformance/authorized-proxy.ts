/** A front that adds a good access token to every request: the suite's server scenarios know no authorization. */

import { once } from 'node:events'
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface AuthorizedProxy {
  url: string
  close(): Promise<void>
}

/**
 * Stands before `url` on a port of its own. Host and Origin go on as they came, except that its own address becomes that of the
 * server: what is foreign to it stays foreign.
 */
export async function authorizedProxy(url: string, token: () => Promise<string>): Promise<AuthorizedProxy> {
  const { host: real, hostname, port } = new URL(url)
  const server = createServer(async (incoming, outgoing) => {
    const own = `127.0.0.1:${(server.address() as AddressInfo).port}`
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [name, String(value).replace(own, real)]),
    )
    const { method, url: path } = incoming
    const asked = send({
      hostname,
      port,
      method,
      path,
      headers: { ...headers, authorization: `Bearer ${await token()}` },
    })
    asked.on('response', (answer) => answer.pipe(outgoing.writeHead(answer.statusCode ?? 502, answer.headers)))
    incoming.pipe(asked)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${new URL(url).pathname}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
