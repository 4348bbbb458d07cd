/** Runs one scenario of the MCP conformance suite as its command does, and reads the checks that it wrote. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const suite = 'node_modules/@modelcontextprotocol/conformance/dist/index.js'

export interface Verdict {
  exitCode: number | null
  /** By id: SUCCESS, FAILURE, WARNING. What was only logged is left out. */
  checks: { [id: string]: string }
  /** Everything it printed, for a test that fails. */
  said: string
}

/** `args` as after `npx @modelcontextprotocol/conformance`. Nothing is asked of the network but loopback. */
export async function conformance(...args: string[]): Promise<Verdict> {
  const folder = await mkdtemp(join(tmpdir(), 'xaa-conformance-'))
  try {
    const child = spawn(process.execPath, [...olderNode(), suite, ...args, '-o', folder], { cwd: root })
    const said: Buffer[] = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk))
    const [exitCode] = (await once(child, 'close')) as [number | null]
    return { exitCode, checks: await checksIn(folder), said: Buffer.concat(said).toString('utf8') }
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function checksIn(folder: string): Promise<Verdict['checks']> {
  const written = (await readdir(folder, { recursive: true })).find((path) => path.endsWith('checks.json'))
  if (written === undefined) return {}
  const list = JSON.parse(await readFile(join(folder, written), 'utf8')) as { id: string; status: string }[]
  return Object.fromEntries(list.filter(({ status }) => status !== 'INFO').map(({ id, status }) => [id, status]))
}

function olderNode(): string[] {
  if (Number(process.versions.node.split('.')[0]) >= 22) return []
  const hooks = pathToFileURL(join(root, 'test/interop/conformance/older-node.mjs')).href
  return ['--import', `data:text/javascript,import { register } from "node:module"; register("${hooks}")`]
}
