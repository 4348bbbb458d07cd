/** `xaa issuers`: gives up the keys of a foreign issuer, when one of them is in the wrong hands. */

import { nearest } from '../server/spelling.ts'
import type { Io } from './command.ts'
import { ownHelp, runPolicyCommand } from './policy-command.ts'

/** One line for the list of commands; the same as there. */
export const summary = 'give up the cached keys of a foreign issuer'

/** What `--help` prints. */
export const help = `xaa issuers purge-keys ISSUER [--note TEXT]

For the hour in which an issuer has withdrawn a key that somebody stole: every server on the same store forgets, within 5 seconds, the
keys of ISSUER that it has fetched, and fetches them anew when the next token of that issuer comes. Until that succeeds, its tokens are
answered with 503.

${ownHelp}
Exit: 0 done, 1 not possible, 2 not understood.
`

/** Runs the command. Resolves to its exit code. */
export async function run(args: string[], io: Io): Promise<number> {
  return await runPolicyCommand(args, io, {
    word: 'issuers',
    help,
    options: {},
    positionals: 2,
    problem(_values, [word = '', issuer]) {
      if (word !== 'purge-keys')
        return `there is only purge-keys${nearest(word, ['purge-keys']) === undefined ? '' : '; did you mean that?'}`
      return issuer !== undefined && URL.canParse(issuer) ? undefined : 'name the issuer: its identifier, an address'
    },
    async work(policy, { words: [, issuer = ''], actor }) {
      const { version } = await policy.purgeIssuerKeys(issuer, actor)
      const text = `keys of ${issuer} fetched before now are forgotten everywhere within 5 seconds (policy ${version})\n`
      return { exit: 0, text, json: { issuer, policyVersion: version } }
    },
  })
}
