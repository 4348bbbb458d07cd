/** A real redis-server on a free port of this machine, which a test may stop, kill, hang and start again. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createClient } from 'redis'

export interface RedisServer {
  readonly port: number
  readonly address: string
  directory: string
  /** Starts it on the same port, over what the directory holds; resolves when it answers. */
  start(): Promise<void>
  signal(signal: NodeJS.Signals): void
  /** Kills it and waits for its end. */
  kill(): Promise<void>
  /** One command, on a connection of its own. */
  ask(...command: string[]): Promise<unknown>
  /** Kills it and removes its directory. */
  remove(): Promise<void>
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function executable(): string {
  const { REDIS_SERVER: named = '' } = process.env
  if (named !== '') return named
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin']
  const found = folders.map((folder) => join(folder, 'redis-server')).find((path) => existsSync(path))
  if (found === undefined) throw new Error('redis-server is not installed (Debian: apt-get install redis-server)')
  return found
}

/**
 * A server with a log of its writes, unless the settings (names and values in turn) say otherwise; already answering. With lines of a
 * configuration file it is a Sentinel.
 */
export async function redisServer(
  settings: readonly string[] = [],
  givenPort?: number,
  lines?: readonly string[],
): Promise<RedisServer> {
  const port = givenPort ?? (await freePort())
  const directory = await mkdtemp(join(tmpdir(), 'xaa-redis-'))
  let child: ChildProcess | undefined
  const server: RedisServer = {
    port,
    address: `redis://127.0.0.1:${port}`,
    directory,
    async start() {
      const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory]
      const file = join(directory, 'sentinel.conf')
      if (lines !== undefined) await writeFile(file, lines.join('\n'))
      const own = lines === undefined ? [...place, '--save', '', '--appendonly', 'yes'] : [file, ...place]
      child = spawn(executable(), [...own, ...settings], { stdio: 'ignore' })
      for (;;) {
        if (child.exitCode !== null) throw new Error(`redis-server ended with code ${child.exitCode}`)
        if (await answers(port)) return
      }
    },
    signal: (signal) => void child?.kill(signal),
    async kill() {
      if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
    async ask(...command) {
      const client = createClient({ url: server.address, commandOptions: { timeout: 0 } })
      client.on('error', () => {})
      await client.connect()
      try {
        return await client.sendCommand(command)
      } finally {
        client.destroy()
      }
    },
    async remove() {
      await server.kill()
      await rm(directory, { recursive: true, force: true })
    },
  }
  await server.start()
  return server
}

/** True when the server answers a PING with PONG: not while it still reads its log. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'))
    const end = (answer: boolean) => {
      socket.destroy()
      // Whoever asks again at once would do nothing else.
      setTimeout(() => resolve(answer), answer ? 0 : 20)
    }
    socket.once('data', (data) => end(String(data).startsWith('+PONG')))
    socket.once('error', () => end(false))
  })
}
