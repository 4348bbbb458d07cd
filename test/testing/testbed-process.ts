/** `xaa testbed` as a process of its own, and the flow at any of its token endpoints. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { signingKeysOf } from '../../src/protocol/own-keys.ts'
import { readKeyFile } from '../../src/server/key-files.ts'
import { mintIdToken } from '../../src/testing/id-token.ts'
import { TestbedFile } from '../../src/testing/testbed-file.ts'
import { root, xaa } from '../fixture/shipped.ts'
import { type Answer, basic, postForm } from './flow.ts'

export interface Testbed {
  child: ChildProcess
  /** What it printed to standard error. */
  said(): string
  bed: TestbedFile
  /** Exit code and signal. */
  ended: Promise<[number | null, NodeJS.Signals | null]>
}

/** Starts one. Without a file in the end, it says why. */
export function spawnTestbed(args: readonly string[]): Omit<Testbed, 'bed'> & { ready: Promise<void> } {
  const child = spawn(process.execPath, [xaa, 'testbed', ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let printed = ''
  const ended = once(child, 'close') as Testbed['ended']
  const ready = new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (text) => {
      printed += text
      if (printed.includes('xaa testbed: ready, ')) resolve()
    })
    void ended.then(() => reject(new Error(`the test bed ended: ${printed}`)))
  })
  ready.catch(() => {})
  return { child, said: () => printed, ended, ready }
}

/** Starts one and reads its file. */
export async function startTestbed(file: string, args: readonly string[]): Promise<Testbed> {
  const { ready, ...testbed } = spawnTestbed(['--out', file, ...args])
  await ready
  return { ...testbed, bed: TestbedFile.parse(JSON.parse(await readFile(file, 'utf8'))) }
}

/** The numbers of the `xaa serve` processes that a process started, and of those that they started. Linux alone. */
export async function serversOf(pid: number): Promise<number[]> {
  const processes: { pid: number; parent: number; serves: boolean }[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const read = (what: string) => readFile(`/proc/${name}/${what}`, 'utf8').catch(() => '')
    const [, parent] = /\) \S (\d+) /.exec(await read('stat')) ?? []
    const words = (await read('cmdline')).split('\0')
    if (parent !== undefined)
      processes.push({ pid: Number(name), parent: Number(parent), serves: words.includes('serve') })
  }
  const found = [pid]
  for (const one of found)
    for (const child of processes) if (child.parent === one && child.serves) found.push(child.pid)
  return found.slice(1)
}

/** Those of the processes that still run. One that has ended and was not waited for counts as gone. */
export async function running(pids: readonly number[]): Promise<number[]> {
  const alive = await Promise.all(
    pids.map((pid) =>
      readlink(`/proc/${pid}/exe`).then(
        () => true,
        () => false,
      ),
    ),
  )
  return pids.filter((_, at) => alive[at])
}

function named<Named extends { name: string }>(list: readonly Named[], name: string): Named {
  const found = list.find((one) => one.name === name)
  if (found === undefined) throw new Error(`nothing is called ${name}`)
  return found
}

/** A fresh ID-JAG of somebody for the assistant, at the chat unless another server is named. */
export async function idJag(bed: TestbedFile, user = 'alice', server = 'chat'): Promise<string> {
  const client = named(bed.clients, 'assistant').idp
  const now = Date.now() / 1000
  const subjectToken = await mintIdToken({
    issuer: bed.idp.issuer,
    signingKeys: await signingKeysOf(await readKeyFile(bed.idp.signingKeyFile), () => now),
    clientId: client.id,
    user: named(bed.users, user),
    now,
    jti: crypto.randomUUID(),
  })
  const { status, body } = await postForm(
    bed.idp.tokenEndpoint,
    {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag',
      subject_token: subjectToken,
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
      audience: named(bed.resourceAs, server).issuer,
    },
    basic(client),
  )
  if (status !== 200) throw new Error(`the exchange answered ${status}: ${JSON.stringify(body)}`)
  return String(body.access_token)
}

/** Its redemption by the assistant at one token endpoint. */
export function redeemAt(bed: TestbedFile, tokenEndpoint: string, assertion: string): Promise<Answer> {
  const grant_type = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
  return postForm(tokenEndpoint, { grant_type, assertion }, basic(named(bed.clients, 'assistant').resourceAs))
}

/** Calls the tool of the MCP server. */
export async function callTool(bed: TestbedFile, token: unknown): Promise<{ status: number; text: string }> {
  const answer = await fetch(bed.resource.url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${String(token)}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: bed.resource.tool, arguments: {} },
    }),
  })
  return { status: answer.status, text: await answer.text() }
}

/** A request to the administrator's interface. */
export async function administer(bed: TestbedFile, method: string, path: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(bed.admin.url + path, {
    method,
    headers: {
      authorization: `Bearer ${bed.admin.token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Answer['body'] }
}
