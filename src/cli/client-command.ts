/** What `xaa token` and `xaa call` have in common: their options, their client, and how they end. */

import { type ParseArgsConfig, parseArgs } from 'node:util'
import { isSafeAddress } from '../client/address.ts'
import { type CrossAppClient, createCrossAppClient } from '../client/client.ts'
import type { AuthorizationDetail } from '../protocol/authorization-details.ts'
import { ConfigError, printProblems } from '../server/problems.ts'
import { readAuthorizationDetails } from './authorization-details.ts'
import { type ClientConfig, readClientConfig } from './client-config.ts'
import { type Io, usageProblem } from './command.ts'
import { errorJson, errorReport, progressLine, stepReport } from './flow-report.ts'

type OptionsConfig = NonNullable<ParseArgsConfig['options']>

/** The command line cannot be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const ownOptions = {
  'client-config': { type: 'string', default: 'xaa-client.yaml' },
  steps: { type: 'boolean', default: false },
  'authorization-details': { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const satisfies OptionsConfig

export const optionsHelp = `  --client-config FILE  who this client is and whom it acts for (default xaa-client.yaml)
  --steps               show every request and answer on stderr, tokens decoded, secrets left out
  --authorization-details JSON|@FILE
                        ask for these objects (RFC 9396), too: a JSON array, or a file that holds one
`

/** The command line as read. */
export interface CommandLine<Options extends OptionsConfig> {
  url: string
  values: ReturnType<typeof parseArgs<{ options: Options }>>['values']
}

export const now = () => Date.now() / 1000

/**
 * Runs a command that needs one address and a client. The exit code is what `work` gives; 1 after a refusal or an unusable
 * configuration, which is told on stderr (a refusal as JSON with `--json`); 2 for a command line that cannot be understood.
 */
export async function runClientCommand<Options extends OptionsConfig>(
  args: string[],
  io: Io,
  command: {
    word: string
    help: string
    options: Options
    /** Prints one line for each step where `--steps` does not print more. */
    progress: boolean
    work(client: CrossAppClient, line: CommandLine<Options>, json: boolean): Promise<number>
  },
): Promise<number> {
  let json = false
  try {
    const { values, positionals } = read(args, { ...command.options, ...ownOptions })
    if (values.help === true) {
      io.out(command.help)
      return 0
    }
    json = values.json === true
    const url = oneAddress(positionals)
    const details = await detailsOf(values['authorization-details'])
    const config = await readClientConfig(String(values['client-config']), io.env)
    const tell = values.steps === true ? stepReport : command.progress ? progressLine : undefined
    const client = createCrossAppClient({
      ...(details === undefined ? config : withDetails(config, details)),
      now,
      ...(tell === undefined ? {} : { onStep: (step) => io.err(tell(step)) }),
    })
    return await command.work(client, { url, values: values as CommandLine<Options>['values'] }, json)
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(`xaa ${command.word}: ${error.message}\n\n${command.help}`)
      return 2
    }
    if (error instanceof ConfigError) io.err(printProblems(error))
    else io.err(json ? errorJson(error) : errorReport(error))
    return 1
  }
}

function read(args: string[], options: OptionsConfig) {
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (cause) {
    const problem = usageProblem(cause)
    if (problem !== undefined) throw new UsageError(problem, { cause })
    throw cause
  }
}

async function detailsOf(option: unknown): Promise<AuthorizationDetail[] | undefined> {
  if (typeof option !== 'string') return undefined
  const read = await readAuthorizationDetails(option)
  if ('problem' in read) throw new UsageError(`--authorization-details ${read.problem}`)
  return read.details
}

/** The same details of whichever server the address leads to. */
function withDetails(config: ClientConfig, authorizationDetails: AuthorizationDetail[]): ClientConfig {
  const entries = Object.entries(config.resourceServers)
  return {
    ...config,
    resourceServers: Object.fromEntries(entries.map(([issuer, entry]) => [issuer, { ...entry, authorizationDetails }])),
  }
}

function oneAddress(positionals: string[]): string {
  const [url, ...others] = positionals
  if (url === undefined || others.length > 0) throw new UsageError('one URL is needed')
  if (!isSafeAddress(url))
    throw new UsageError(`${JSON.stringify(url)} is not an https address (http only on loopback)`)
  return url
}
