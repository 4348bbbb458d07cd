/** `xaa unblock`: lifts a block. */

import type { Io } from './command.ts'
import {
  blockHelp,
  blockOfValues,
  blockOptions,
  blockProblem,
  blockText,
  ownHelp,
  runPolicyCommand,
} from './policy-command.ts'

/** One line for the list of commands; the same as there. */
export const summary = 'lift a block'

/** What `--help` prints. */
export const help = `xaa unblock [--user NAME] [--client ID] [--audience NAME] [--tenant NAME] [--issuer NAME]

Lifts the block with exactly these names. What it ended stays ended: applications get new tokens, and people whose refresh tokens
are dead sign in again.

${blockHelp}${ownHelp}
Exit: 0 lifted, 1 there is no such block or it is not possible, 2 not understood.
`

/** Runs the command. Resolves to its exit code. */
export async function run(args: string[], io: Io): Promise<number> {
  return await runPolicyCommand(args, io, {
    word: 'unblock',
    help,
    options: blockOptions,
    problem: blockProblem,
    async work(policy, { values, actor }) {
      const names = blockOfValues(values)
      const { changed, version } = await policy.unblock(names, actor)
      const others = changed ? [] : await policy.blocks()
      const text = changed
        ? `lifted the block on ${blockText(names)} (policy ${version})\n`
        : `xaa unblock: there is no block on exactly ${blockText(names)}; ${
            others.length === 0 ? 'there is none at all' : `there are: ${others.map(blockText).join('; ')}`
          }\n`
      return { exit: changed ? 0 : 1, text, json: { lifted: names, changed, policyVersion: version } }
    },
  })
}
