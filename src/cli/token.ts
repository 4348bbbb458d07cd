/** `xaa token URL`: gets an access token for an API and prints it. */

import { now, optionsHelp, runClientCommand } from './client-command.ts'
import type { Io } from './command.ts'

export const summary = 'get an access token for the address of an API'

export const help = `xaa token URL [--json] [--steps] [--client-config FILE]

Gets an access token for the API at URL as the signed-in person, and prints it: nothing else goes to stdout. With dpop in the file, the
token is good with proofs by that key alone.

  --json                print {access_token, token_type, expires_in, scope, resource, authorization_server}, and what was granted of
                        authorization_details
${optionsHelp}
Exit: 0 with a token, 1 when it was refused (stderr says why; JSON with --json), 2 for a wrong command line.

  curl -H "Authorization: Bearer $(xaa token https://api.chat.example/mcp)" https://api.chat.example/mcp
`

/** Runs the command. Resolves to its exit code. */
export async function run(args: string[], io: Io): Promise<number> {
  return await runClientCommand(args, io, {
    word: 'token',
    help,
    options: {},
    progress: true,
    async work(client, { url }, json) {
      const { token, type, expiresAt, scopes, authorizationDetails, resource, authorizationServer } =
        await client.token(url)
      const answer = {
        access_token: token,
        token_type: type,
        ...(expiresAt === undefined ? {} : { expires_in: Math.max(0, Math.floor(expiresAt - now())) }),
        scope: scopes.join(' '),
        ...(authorizationDetails === undefined ? {} : { authorization_details: authorizationDetails }),
        resource,
        authorization_server: authorizationServer,
      }
      io.out(json ? `${JSON.stringify(answer)}\n` : `${token}\n`)
      return 0
    },
  })
}
