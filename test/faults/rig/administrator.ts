/** An administrator: runs the real `xaa` beside the servers, and may be killed while it works. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { root, xaa } from '../../fixture/shipped.ts'
import type { Deployment } from './deployment.ts'
import { atExit } from './leftovers.ts'

export interface Administrator {
  /** Runs a command to its end. Resolves to what it printed; throws what it said on standard error when it did not succeed. */
  run(...words: string[]): Promise<string>
  /** The same, and SIGKILL after so many milliseconds. Resolves to undefined when that came first. */
  runCut(after: number, ...words: string[]): Promise<string | undefined>
}

/** One who works on the configuration of a deployment. */
export function administratorOf({ env, configFile }: Pick<Deployment, 'env' | 'configFile'>): Administrator {
  const runFor = async (after: number | undefined, words: readonly string[]): Promise<string | undefined> => {
    const child = spawn(process.execPath, [xaa, ...words], {
      cwd: root,
      env: { ...process.env, ...env, XAA_CONFIG: configFile },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const over = atExit(() => child.kill('SIGKILL'))
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    child.stderr.on('data', (chunk) => {
      err += chunk
    })
    const timer = after === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), after)
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
    clearTimeout(timer)
    over()
    if (signal === 'SIGKILL' && after !== undefined) return undefined
    if (code !== 0) throw new Error(`xaa ${words.join(' ')} ended with ${code ?? signal}: ${err.slice(-1000)}`)
    return out
  }
  return {
    run: async (...words) => (await runFor(undefined, words)) ?? '',
    runCut: (after, ...words) => runFor(after, words),
  }
}
