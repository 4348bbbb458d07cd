/** An issuer whose documents are all bad, each in its own way: without end, too large, packed, too slow, or not there at all. */

import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'

const megabyte = 1024 * 1024
const json = { 'content-type': 'application/json' }

/** How each of them is answered; the connection of one that waits ends with the server. */
const answers: { [name: string]: (response: ServerResponse) => unknown } = {
  endless: (response) => send(response.writeHead(200, json), endless()),
  large: (response) => response.writeHead(200, json).end(`{"keys":[],"x":"${'x'.repeat(megabyte)}"}`),
  packed: (response) => response.writeHead(200, { ...json, 'content-encoding': 'gzip' }).end(bomb),
  trickling: (response) => send(response.writeHead(200, json), trickling()),
  silent: () => {},
  deep: (response) => response.writeHead(200, json).end('[{"a":'.repeat(8000)),
  'of many keys': (response) => response.writeHead(200, json).end(manyKeys),
}
const bomb = gzipSync(Buffer.alloc(50 * megabyte))
const manyKeys = JSON.stringify({ keys: Array.from({ length: 1000 }, (_, at) => ({ kty: 'EC', kid: String(at) })) })

export interface BadDocuments {
  readonly names: readonly string[]
  /** Where one of them is; also the name of an issuer. */
  addressOf(name: string): string
  /** Which ones were asked for so far, each once. */
  asked(): ReadonlySet<string>
  close(): Promise<void>
}

/** Serves them on a free port of this machine. */
export async function badDocuments(): Promise<BadDocuments> {
  const asked = new Set<string>()
  const server = createServer((request, response) => {
    const name = decodeURIComponent((request.url ?? '').slice(1))
    asked.add(name)
    response.on('error', () => {})
    answers[name]?.(response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    names: Object.keys(answers),
    addressOf: (name) => `http://127.0.0.1:${port}/${encodeURIComponent(name)}`,
    asked: () => asked,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Whoever stops reading ends it, and that is right. */
async function send(response: ServerResponse, body: Iterable<string> | AsyncIterable<string>): Promise<void> {
  await pipeline(Readable.from(body), response).catch(() => {})
}

function* endless(): Generator<string> {
  const spaces = ' '.repeat(64 * 1024)
  for (;;) yield spaces
}

async function* trickling(): AsyncGenerator<string> {
  for (;;) {
    yield ' '
    await pause(1000)
  }
}
