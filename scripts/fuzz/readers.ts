/** Opens the process of the readers, and hands it work. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { atExit } from '../../test/faults/rig/leftovers.ts'
import type { Finding } from './findings.ts'
import type { ReaderTask } from './reader-process.ts'

export interface Readers {
  /** Tries these inputs; gives what was found. To be called again only after that. */
  try(tasks: ReaderTask[]): Promise<Finding[]>
  /** Rejects when the process ends before {@link close}: a reader brought it down. */
  ended: Promise<never>
  close(): void
}

/** Starts the process; resolves when it can be given work. */
export async function openReaders(): Promise<Readers> {
  const child = fork(fileURLToPath(new URL('./reader-process.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
    // Inputs are bytes.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const over = atExit(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit').then(([code, signal]): never => {
    over()
    throw new Error(`the process of the readers ended (${code ?? signal})`)
  })
  ended.catch(() => {})
  await Promise.race([once(child, 'message'), ended])
  return {
    async try(tasks) {
      if (tasks.length === 0) return []
      const answer = once(child, 'message')
      child.send(tasks)
      const [findings] = (await Promise.race([answer, ended])) as [Finding[]]
      return findings.map((finding) => ({ ...finding, input: Buffer.from(finding.input) }))
    },
    ended,
    close: () => void (child.connected && child.disconnect()),
  }
}
