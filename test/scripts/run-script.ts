/** A script of the project as a process of its own. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { root } from '../fixture/shipped.ts'

/** Runs `scripts/NAME.ts` to its end; gives its exit code, standard output and standard error. */
export async function runScript(name: string, args: readonly string[], environment: { [name: string]: string } = {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', `scripts/${name}.ts`, ...args], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [out, err] = ['', '']
  child.stdout.on('data', (text) => {
    out += text
  })
  child.stderr.on('data', (text) => {
    err += text
  })
  const [code] = (await once(child, 'close')) as [number]
  return { code, out, err }
}
