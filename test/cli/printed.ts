/** The streams of a command in a test: what it printed, and the environment it saw. */

import type { Io } from '../../src/cli/command.ts'

export interface Printed extends Io {
  stdout: string
  stderr: string
}

export function printed(env: NodeJS.ProcessEnv = {}): Printed {
  const io: Printed = {
    stdout: '',
    stderr: '',
    env,
    out(text) {
      io.stdout += text
    },
    err(text) {
      io.stderr += text
    },
  }
  return io
}
