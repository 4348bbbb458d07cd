#!/usr/bin/env node
/** The `xaa` executable: hands the words of the command line to their command, and its answer to the shell. */

const io = {
  out: (text: string) => void process.stdout.write(text),
  err: (text: string) => void process.stderr.write(text),
  env: process.env,
}

try {
  const { main } = await import('./cli/commands.ts')
  // Not process.exit: what was printed must reach a pipe first.
  process.exitCode = await main(process.argv.slice(2), io)
} catch (error) {
  io.err(`xaa: a failure of its own\n${error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 1
}
