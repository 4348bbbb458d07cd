/** A server in a process of its own, so that its processor time is its own and not the generator's. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { atExit } from '../../test/faults/rig/leftovers.ts'

export interface MeasuredServer {
  readonly port: number
  /** Processor time of the whole process since its start, in microseconds. */
  processorTime(): Promise<number>
  close(): Promise<void>
}

/** Starts the server of a configuration file; resolves when it listens. Throws when it ends instead; it says why on standard error. */
export async function measuredServer(configFile: string, audit: 'on' | 'off'): Promise<MeasuredServer> {
  const script = fileURLToPath(new URL('./measured-process.ts', import.meta.url))
  const child = fork(script, [configFile, audit], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const over = atExit(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit').then(([code, signal]) => {
    over()
    throw new Error(`the measured server ended (${code ?? signal})`)
  })
  // Whoever waits for a message is told; nobody else needs to be.
  ended.catch(() => {})
  const message = async () => ((await Promise.race([once(child, 'message'), ended])) as [unknown])[0]
  const listens = String(await message())
  return {
    port: Number(new URL(listens).port),
    async processorTime() {
      const answer = message()
      child.send('processor time')
      return Number(await answer)
    },
    async close() {
      if (child.connected) child.disconnect()
      await ended.catch(() => {})
    },
  }
}
