/** One `xaa serve` as a process of its own: started with the executable of this one, ended with it. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export interface ServerProcessOptions {
  /** What it is called in messages, such as `chat`. */
  name: string
  /** The configuration file, and with which variables over it. */
  config: string
  variables: { readonly [name: string]: string }
  /** Where it will answer, such as `http://127.0.0.1:4001`. */
  address: string
  say(message: string): void
}

/** A server that was started. */
export interface ServerProcess {
  /** Resolves when it can be given requests. Rejects with its own sentence when it ends instead, or takes longer than 5 minutes. */
  ready: Promise<void>
  /** Lets it drain, and resolves when it is gone; what has not ended after 15 s is killed. */
  stop(): Promise<void>
}

/** Milliseconds. Many servers that start at once on a small machine take a minute. */
const longestStart = 300_000
const longestEnd = 15_000

/** Starts it. Should this process end without a word, it drains and ends by itself. */
export function startServerProcess({ name, config, variables, address, say }: ServerProcessOptions): ServerProcess {
  const child = spawn(process.execPath, [...process.execArgv, executable(), 'serve', '--config', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...withoutSettings(process.env), ...variables, XAA_PARENT: String(process.pid) },
  })
  let phase: 'starting' | 'serving' | 'ending' = 'starting'
  let said = ''
  if (child.stderr !== null)
    createInterface(child.stderr).on('line', (line) => {
      if (phase === 'starting') said = `${said}${line}\n`.slice(-8192)
      else if (phase === 'serving' && isNews(line)) say(`${name}: ${line}`)
    })
  // Its last words may come after its exit.
  const gone = ended(child)
  void gone.then((how) => {
    if (phase === 'serving') say(`${name} ended with ${how}`)
  })
  const start = async (): Promise<void> => {
    const given = AbortSignal.timeout(longestStart)
    const failed = gone.then((how) => {
      throw new Error(`${name}: ${sentenceOf(said) || `the server ended with ${how} before it served.`}`)
    })
    while (!(await Promise.race([isReady(address), failed]))) {
      if (given.aborted) throw new Error(`${name}: the server was not ready within ${longestStart / 1000} s.`)
      await pause(50)
    }
    if (phase === 'starting') phase = 'serving'
  }
  return {
    ready: start(),
    async stop() {
      phase = 'ending'
      child.kill('SIGTERM')
      const late = setTimeout(() => child.kill('SIGKILL'), longestEnd)
      await gone.finally(() => clearTimeout(late))
    },
  }
}

/** `bin.ts` where this file is a source, `bin.js` where it was compiled. */
function executable(): string {
  return fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../bin.ts' : '../bin.js', import.meta.url))
}

/** What was meant for an `xaa serve` of the user's own. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('XAA_')))
}

async function ended(child: ChildProcess): Promise<string> {
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    return signal ?? `code ${code}`
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code ?? 'an error'
  }
}

async function isReady(address: string): Promise<boolean> {
  try {
    const answer = await fetch(`${address}/health/ready`, { signal: AbortSignal.timeout(2000) })
    await answer.arrayBuffer()
    return answer.status === 200
  } catch {
    return false
  }
}

/** Warnings, failures and what becomes of workers. Not the report of the start, which may come after the server is ready. */
function isNews(line: string): boolean {
  return /^(\{|xaa serve: |worker )/.test(line)
}

/** What `xaa serve` says when it cannot start. */
function sentenceOf(text: string): string {
  return /^xaa serve: (.+)$/m.exec(text)?.[1] ?? text.trim()
}
