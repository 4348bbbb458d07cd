/** What a command of `xaa` is, and what it may touch of the process. */

/** The streams and the environment of a command. */
export interface Io {
  /** Standard output: what the command was asked for, and nothing else. */
  out(text: string): void
  /** Standard error: progress, and why something was not done. */
  err(text: string): void
  env: NodeJS.ProcessEnv
}

/** A file of this folder that is a command. */
export interface Command {
  /** One line for the list of commands. */
  summary: string
  help: string
  /** Resolves to the exit code: 0 done, 1 refused or not possible, 2 not understood. */
  run(args: string[], io: Io): Promise<number>
}

/** What node:util's parseArgs found wrong with the arguments, or undefined for any other error. */
export function usageProblem(error: unknown): string | undefined {
  const { code, message } = error as { code?: unknown; message?: unknown }
  return typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS_') ? String(message) : undefined
}
