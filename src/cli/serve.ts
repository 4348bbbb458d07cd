/** `xaa serve`: runs the roles of a configuration file, or only judges the file. */

import cluster from 'node:cluster'
import { parseArgs } from 'node:util'
import { type Config, readConfig } from '../server/config.ts'
import { ConfigError, printProblems } from '../server/problems.ts'
import { configWarnings, processWarnings } from '../server/start-warnings.ts'
import { type Io, usageProblem } from './command.ts'
import { serveAlone, serveAsWorker } from './serve-process.ts'
import { supervise } from './supervisor.ts'

/** One line for the list of commands; the same as there. */
export const summary = 'run an identity provider, a resource authorization server, or both'

/** What `--help` prints. */
export const help = `xaa serve [--config FILE]            run what the file describes, until SIGTERM or SIGINT
xaa serve --check [--json]           only judge the file, its secrets and its keys

  --config FILE   the configuration; otherwise $XAA_CONFIG, otherwise xaa.yaml
  --workers N     so many processes that share the work, 1 to 64; otherwise as the file says, otherwise 1
  --check         print every problem and start nothing; exit 0 when there is none
  --json          with --check: { "ok": …, "problems": [{ path, message, place, found, remedy }] }; of a file that can be
                  used "warnings": [ … ], and "profiles": [{ path, profile, settings }] where it names any

Audit events go to standard output unless the file says otherwise; everything else goes to standard error.
A worker that dies is replaced. GET /health/live and /health/ready tell a load balancer how it is. SIGTERM: not ready at once, then
for shutdown.delay seconds (2) everything is answered still, then no new connection is taken, and what came is answered: 10 s at
most. SIGINT does the same without the delay. A second signal waits for nobody.
`

/** Runs the command. Resolves to the exit code: 0 done, 1 refused or not possible, 2 not understood. */
export async function run(args: string[], io: Io): Promise<number> {
  let options: { config?: string; workers?: string; check?: boolean; json?: boolean; help?: boolean }
  try {
    options = parseArgs({
      args,
      options: {
        config: { type: 'string' },
        workers: { type: 'string' },
        check: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    const problem = usageProblem(error)
    if (problem === undefined) throw error
    io.err(`xaa serve: ${problem}\n\n${help}`)
    return 2
  }
  if (options.help === true) {
    io.out(help)
    return 0
  }
  const { workers } = options
  if (workers !== undefined && !(/^[1-9]\d?$/.test(workers) && Number(workers) <= 64)) {
    io.err(`xaa serve: --workers must be a number from 1 to 64, and is ${JSON.stringify(workers)}\n\n${help}`)
    return 2
  }
  const path = options.config ?? (io.env.XAA_CONFIG || 'xaa.yaml')
  let config: Config
  try {
    config = await readConfig(path, workers === undefined ? io.env : { ...io.env, XAA_WORKERS: workers })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    if (options.json === true) io.out(`${JSON.stringify({ ok: false, problems: error.problems }, null, 2)}\n`)
    else
      io.err(
        printProblems(
          error,
          options.check === true ? undefined : `The same check without starting: xaa serve --check --config ${path}`,
        ),
      )
    return 1
  }
  const warn = (sentences: readonly string[]) => {
    for (const sentence of sentences) io.err(`warning: ${sentence}\n`)
  }
  if (options.check === true) {
    const warnings = configWarnings(config)
    if (options.json !== true) warn(warnings)
    io.out(
      options.json === true
        ? `${JSON.stringify({ ok: true, problems: [], warnings, ...profilesOf(config) }, null, 2)}\n`
        : `${path} can be used: ${rolesText(config)}.\n${profilesText(config)}`,
    )
    return 0
  }
  if (cluster.isWorker) return await serveAsWorker(config, io)
  const facts = { nodeVersion: process.versions.node, userId: process.getuid?.() }
  warn([...configWarnings(config), ...processWarnings(facts)])
  return config.workers > 1 ? await supervise(config, io) : await serveAlone(config, io)
}

function rolesText({ idp, resourceAs }: Config): string {
  return [
    ...(idp === undefined ? [] : [`identity provider ${idp.issuer}, ${count(idp.connections.length, 'connection')}`]),
    ...(resourceAs === undefined
      ? []
      : [
          `resource authorization server ${resourceAs.issuer}, ${count(resourceAs.trustedIssuers.length, 'trusted issuer')}`,
        ]),
  ].join('; ')
}

/** For programs; nothing where there is no profile. */
function profilesOf({ profiles }: Config): Partial<Pick<Config, 'profiles'>> {
  return profiles.length === 0 ? {} : { profiles }
}

/** What each profile filled in, in the words of the configuration. */
function profilesText({ profiles }: Config): string {
  return profiles
    .map(({ path, profile, settings }) => {
      const members = Object.entries(settings).map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
      return `  ${path}, profile ${profile}: ${members.join(', ') || 'nothing to fill in'}\n`
    })
    .join('')
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
