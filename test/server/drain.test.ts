import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/server/config.ts'
import { type RunningServers, startServers } from '../../src/server/server.ts'
import { changed, environment, example, exampleFolder, type Folder } from './example.ts'

let folder: Folder
let servers: RunningServers
let log: string[]
let address: string
let port: number
beforeAll(async () => {
  folder = await exampleFolder()
})
afterAll(() => folder.remove())
beforeEach(async () => {
  log = []
  const alone = changed('resourceAs', undefined, changed('idp.listen', '127.0.0.1:0', { ...example, store: 'memory' }))
  servers = await startServers(await readConfig(await folder.write(alone), environment), {
    stdout: new PassThrough().resume(),
    log: (line) => log.push(line),
  })
  address = servers.roles[0]?.listens ?? ''
  port = Number(new URL(address).port)
})

const body = 'grant_type=x'
const head = `POST /token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n`

/** A connection that says what it was sent, one answer at a time. */
async function connection(): Promise<{ socket: Socket; send(bytes: string): void; answer(): Promise<string> }> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  await once(socket, 'connect')
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    async answer() {
      while (!text.includes('\r\n\r\n') || !text.endsWith('}')) await once(socket, 'data')
      const all = text.toLowerCase()
      text = ''
      return all
    },
  }
}

/** Until nobody listens any more. */
async function deaf(): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const refused = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(false)).once('error', () => resolve(true))
    })
    socket.destroy()
    if (refused) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

describe('a server that is closed with a delay', () => {
  it('[ATK-129] is not ready at once, and goes on answering, with Connection: close', async () => {
    const before = await fetch(`${address}/health/ready`)
    expect([before.status, before.headers.get('keep-alive')]).toEqual([200, 'timeout=5'])
    const kept = await connection()
    kept.send(`${head}${body}`)
    expect(await kept.answer()).toContain('connection: keep-alive')
    const closed = servers.close(1)
    const after = await fetch(`${address}/health/ready`)
    expect([after.status, after.headers.get('connection')]).toEqual([503, 'close'])
    expect(await after.json()).toMatchObject({ ready: false, failing: [{ name: 'stopping' }] })
    expect((await fetch(`${address}/health/live`)).status).toBe(200)
    const told = await fetch(`${address}/token`, { method: 'POST', body: new URLSearchParams(body) })
    expect([told.status, told.headers.get('connection')]).toEqual([401, 'close'])
    kept.send(`${head}${body}`)
    expect(await kept.answer()).toMatch(/^http\/1\.1 401 [\s\S]*connection: close\r\n/)
    await closed
    expect(log).toEqual([])
  })

  it('takes no connection after the delay, and still answers on one that nobody could tell', async () => {
    const idle = await connection()
    idle.send(`${head}${body}`)
    await idle.answer()
    const closed = servers.close(0.1)
    await deaf()
    idle.send(`${head}${body}`)
    expect(await idle.answer()).toMatch(/^http\/1\.1 401 [\s\S]*connection: close\r\n/)
    await closed
  })

  it('[ATK-129] answers a request that was only half there', async () => {
    const half = await connection()
    half.send(`${head}grant`)
    expect((await fetch(`${address}/health/live`)).status).toBe(200)
    const closed = servers.close(0.1)
    await deaf()
    half.send('_type=x')
    expect(await half.answer()).toMatch(/^http\/1\.1 401 /)
    await closed
    expect(log).toEqual([])
  })
})

describe('a server that is closed without delay', () => {
  it('closes idle connections at once', async () => {
    const idle = await connection()
    idle.send(`${head}${body}`)
    await idle.answer()
    const gone = once(idle.socket, 'close')
    await servers.close()
    await gone
    expect(log).toEqual([])
  })

  it('cuts what is left when it is told to, and says how much that was', async () => {
    const half = await connection()
    half.send(`${head}grant`)
    expect((await fetch(`${address}/health/live`)).status).toBe(200)
    const gone = once(half.socket, 'close')
    const closed = servers.close()
    await deaf()
    servers.cut()
    await closed
    await gone
    expect(log.map((line) => JSON.parse(line).warning)).toEqual([
      '1 connections were still open at the end, and were cut',
    ])
  })
})
