/** `xaa call URL`: calls an API as the signed-in person and prints its answer. */

import { optionsHelp, runClientCommand, UsageError } from './client-command.ts'
import type { Io } from './command.ts'

export const summary = 'call an API as the signed-in user'

export const help = `xaa call URL [-X METHOD] [-d BODY] [-H 'Name: value']... [--json] [--steps] [--client-config FILE]

Calls the API at URL as the signed-in person, gets whatever access token that takes, and prints the body of the answer.

  -X, --method METHOD   default GET, or POST with -d
  -d, --data BODY       the body as it is; its Content-Type is application/json unless -H says otherwise
  -H, --header LINE     may be repeated; Authorization is not allowed
  --json                tell a refusal as JSON
${optionsHelp}
Exit: 0 for an answer of 2xx, 1 for any other and for a refusal on the way, 2 for a wrong command line.
`

const options = {
  method: { type: 'string', short: 'X' },
  data: { type: 'string', short: 'd' },
  header: { type: 'string', short: 'H', multiple: true },
} as const

/** Runs the command. Resolves to its exit code. */
export async function run(args: string[], io: Io): Promise<number> {
  return await runClientCommand(args, io, {
    word: 'call',
    help,
    options,
    progress: false,
    async work(client, { url, values: { method, data, header } }, json) {
      const response = await client.fetch(url, requestOf(method, data, header ?? []))
      const body = await response.text()
      io.out(body === '' || body.endsWith('\n') ? body : `${body}\n`)
      if (response.ok) return 0
      const challenge = response.headers.get('www-authenticate') ?? undefined
      const { status } = response
      if (json)
        io.err(
          `${JSON.stringify({ message: `${url} answered ${status}`, step: 'call', server: url, status, challenge })}\n`,
        )
      else io.err(`${url} answered ${status}\n${challenge === undefined ? '' : `  www-authenticate: ${challenge}\n`}`)
      return 1
    },
  })
}

function requestOf(method: string | undefined, data: string | undefined, lines: readonly string[]): RequestInit {
  const headers = new Headers()
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n\0]*)$/.exec(line) ?? []
    if (name === undefined || value === undefined) throw new UsageError(`${JSON.stringify(line)} is not 'Name: value'`)
    if (name.toLowerCase() === 'authorization') throw new UsageError('Authorization is set by the client alone')
    headers.append(name, value)
  }
  if (data !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json')
  const chosen = method ?? (data === undefined ? 'GET' : 'POST')
  if (!/^[A-Za-z]+$/.test(chosen) || /^(connect|trace|track)$/i.test(chosen))
    throw new UsageError(`${JSON.stringify(chosen)} is not a method that can be sent`)
  if (data !== undefined && /^(get|head)$/i.test(chosen)) throw new UsageError(`${chosen.toUpperCase()} sends no body`)
  return { method: chosen.toUpperCase(), headers, ...(data === undefined ? {} : { body: data }) }
}
