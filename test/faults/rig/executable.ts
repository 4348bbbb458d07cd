/** How `xaa` is started as a process: from its sources, or compiled, as it is shipped, which starts twice as fast. */

import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { atExit } from './leftovers.ts'

/** Where every process of the rig is started. */
export const root = fileURLToPath(new URL('../../..', import.meta.url))

let executable = ['--import', 'tsx', 'src/bin.ts']

/** What stands before the words of a command, for node. */
export function xaa(): readonly string[] {
  return executable
}

/** Has every process of this program run what the sources are now, compiled. Throws when they cannot be. */
export function compileFirst(): void {
  // Inside the project, so that its packages are found.
  const folder = join(root, 'node_modules', '.cache', `xaa-faults-${process.pid}`)
  const tsc = [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '--declaration', 'false', '--sourceMap', 'false']
  atExit(() => rmSync(folder, { recursive: true, force: true }))
  const { status, stdout } = spawnSync(process.execPath, [...tsc, '--outDir', folder], { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`the sources cannot be compiled:\n${stdout}`)
  // Below node_modules, the project's own package.json says nothing any more.
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  executable = [join(folder, 'bin.js')]
}
