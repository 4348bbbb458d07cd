/** `xaa block`: stops a user, a client, an audience, a tenant or an issuer, everywhere and at once. */

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
export const summary = 'stop a user, client, audience, tenant or issuer everywhere'

/** What `--help` prints. */
export const help = `xaa block [--user NAME] [--client ID] [--audience NAME] [--tenant NAME] [--issuer NAME] [--note TEXT]

Stops every access that fits all of the names given: within 5 seconds, at every server on the same store, there is no new ID-JAG and no
redemption, refresh tokens are dead, and access tokens that were issued before have ended (introspection and status list say so).

${blockHelp}  --note TEXT       why, for whoever reads xaa blocks
${ownHelp}
For example: xaa block --user alice@acme.example --client assistant
Exit: 0 blocked (also when it was before), 1 not possible, 2 not understood.
`

/** Runs the command. Resolves to its exit code. */
export async function run(args: string[], io: Io): Promise<number> {
  return await runPolicyCommand(args, io, {
    word: 'block',
    help,
    options: blockOptions,
    problem: blockProblem,
    async work(policy, { values, actor }) {
      const names = blockOfValues(values)
      const { changed, version } = await policy.block(names, actor)
      const text = changed
        ? `blocked ${blockText(names)}: in force everywhere within 5 seconds (policy ${version})\n`
        : `${blockText(names)} was blocked before; nothing was changed\n`
      return { exit: 0, text, json: { blocked: names, changed, policyVersion: version } }
    },
  })
}
