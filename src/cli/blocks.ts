/** `xaa blocks`: shows who is stopped, since when, by whom and why. */

import type { Io } from './command.ts'
import { blockText, ownHelp, runPolicyCommand } from './policy-command.ts'

/** One line for the list of commands; the same as there. */
export const summary = 'show the blocks in force'

/** What `--help` prints. */
export const help = `xaa blocks [--json]

Shows every block in force, the latest first.

${ownHelp}
Exit: 0, also when there is none; 1 not possible, 2 not understood.
`

/** Runs the command. Resolves to its exit code. */
export async function run(args: string[], io: Io): Promise<number> {
  return await runPolicyCommand(args, io, {
    word: 'blocks',
    help,
    options: {},
    async work(policy) {
      const blocks = [...(await policy.blocks())].sort((one, other) => other.at - one.at)
      const lines = blocks.map((block) => {
        const since = new Date(block.at * 1000).toISOString()
        return `${since}  ${blockText(block)}  (by ${block.by}${block.note === undefined ? '' : `: ${block.note}`})\n`
      })
      return { exit: 0, text: lines.length === 0 ? 'Nobody is blocked.\n' : lines.join(''), json: blocks }
    },
  })
}
