/** Processes on a processor of their own, and what processor time and memory they and their children used, as the kernel counts it. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { atExit } from '../../test/faults/rig/leftovers.ts'

/** Where the servers run, and where the generator does. */
export const [serverCore, generatorCore] = ['0', '1']

/** True where `taskset` and two processors are: otherwise nothing is pinned, and the figures are worth less. */
export const canPin = cpus().length > 1 && spawnSync('taskset', ['--version']).status === 0

export interface PinnedProcess {
  readonly pid: number
  readonly port: number
  /** Milliseconds from the start to the line that named the port. */
  readonly startTime: number
  /** Processor time of the whole tree since the start, in microseconds; steps of 10 ms. */
  processorTime(): number
  /** Resident memory of the whole tree, in bytes. */
  memory(): number
  /** Ends it by SIGINT; resolves when it is gone. */
  close(): Promise<void>
}

export interface PinnedOptions {
  /** Processors as taskset names them; {@link serverCore} unless given. */
  cores?: string
  /** For Node itself. */
  nodeArguments?: readonly string[]
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const compiledFolder = join(root, 'node_modules', '.cache', 'xaa-bench')

/**
 * Compiles a program of this folder with all of our own that it imports, as the package is built: what runs TypeScript as it is makes the
 * code slower. Gives Node's arguments for it.
 */
export function programOf(name: string): string[] {
  buildSync({
    absWorkingDir: root,
    entryPoints: [join('scripts', 'bench', name)],
    outdir: compiledFolder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    packages: 'external',
    alias: { 'xaa-broker': './src/index.ts' },
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
  })
  return [join(compiledFolder, name.replace(/\.ts$/, '.mjs'))]
}

/**
 * Starts Node with these arguments. Resolves when the first address of this machine stands in what it prints, on either stream. Throws when
 * it ends instead, with what it printed.
 */
export async function startPinned(
  programArguments: readonly string[],
  { cores = serverCore, nodeArguments = [] }: PinnedOptions = {},
): Promise<PinnedProcess> {
  const command = [process.execPath, ...nodeArguments, ...programArguments]
  const [first = '', ...rest] = canPin ? ['taskset', '-c', cores ?? '0', ...command] : command
  const began = performance.now()
  const child = spawn(first, rest, { stdio: ['ignore', 'pipe', 'pipe'], cwd: root })
  const over = atExit(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit').finally(over)
  const port = await portOf(child)
  const pid = child.pid ?? 0
  return {
    pid,
    port,
    startTime: performance.now() - began,
    processorTime: () => treeOf(pid).reduce((sum, one) => sum + processorTimeOf(one), 0),
    memory: () => treeOf(pid).reduce((sum, one) => sum + memoryOf(one), 0),
    async close() {
      if (child.exitCode === null) child.kill('SIGINT')
      await ended
    },
  }
}

async function portOf(child: ChildProcess): Promise<number> {
  let printed = ''
  return await new Promise((resolve, reject) => {
    const read = (text: Buffer) => {
      if (printed.length > 10_000) return
      printed += text.toString()
      // The whole line: a number may come in two pieces.
      const port = /(?:listens|listening) +http:\/\/127\.0\.0\.1:(\d+)\s/.exec(printed)?.[1]
      if (port !== undefined) resolve(Number(port))
    }
    child.stdout?.on('data', read)
    child.stderr?.on('data', read)
    child.once('exit', (code, signal) => reject(new Error(`a measured server ended (${code ?? signal}): ${printed}`)))
  })
}

/** Puts every thread of this process on one processor, or on all of them again. */
export function pinGenerator(cores: string = generatorCore ?? '1'): void {
  if (canPin) spawnSync('taskset', ['-a', '-c', '-p', cores, String(process.pid)])
}

/** Undoes {@link pinGenerator}. */
export function unpinGenerator(): void {
  pinGenerator(`0-${cpus().length - 1}`)
}

function treeOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...children.flatMap(treeOf)]
}

/** proc(5): utime and stime of all threads, and cutime and cstime of children that ended, in hundredths of a second. */
function processorTimeOf(pid: number): number {
  // The name of the program, in brackets, may hold spaces.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0) * 10_000
}

function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) * 1024
}
