/** `xaa serve`: runs the roles of a configuration file, or only judges the file. */

import { parseArgs } from 'node:util'
import { type Config, readConfig } from '../server/config.ts'
import { ConfigError, printProblems } from '../server/problems.ts'
import type { RunningServers } from '../server/server.ts'
import { storeText } from '../server/state.ts'
import { type Io, usageProblem } from './command.ts'
import { stopSignal } from './stop-signal.ts'

/** One line for the list of commands; the same as there. */
export const summary = 'run an identity provider, a resource authorization server, or both'

/** What `--help` prints. */
export const help = `xaa serve [--config FILE]            run what the file describes, until SIGTERM or SIGINT
xaa serve --check [--json]           only judge the file, its secrets and its keys

  --config FILE   the configuration; otherwise $XAA_CONFIG, otherwise xaa.yaml
  --check         print every problem and start nothing; exit 0 when there is none
  --json          with --check: { "ok": …, "problems": [{ path, message, place, found, remedy }] }

Audit events go to standard output unless the file says otherwise; everything else goes to standard error.
`

/** Runs the command. Resolves to the exit code: 0 done, 1 refused or not possible, 2 not understood. */
export async function run(args: string[], io: Io): Promise<number> {
  let options: { config?: string; check?: boolean; json?: boolean; help?: boolean }
  try {
    options = parseArgs({
      args,
      options: {
        config: { type: 'string' },
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
  const path = options.config ?? (io.env.XAA_CONFIG || 'xaa.yaml')
  let config: Config
  try {
    config = await readConfig(path, io.env)
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
  if (options.check === true) {
    io.out(
      options.json === true
        ? `${JSON.stringify({ ok: true, problems: [] }, null, 2)}\n`
        : `${path} can be used: ${rolesText(config)}.\n`,
    )
    return 0
  }
  return await serve(config, io)
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

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

async function serve(config: Config, io: Io): Promise<number> {
  // Listening for them before the start: a stop that comes in between is not lost.
  const stop = stopSignal(io.env)
  // A file that cannot be used is told sooner without the HTTP server's code.
  const { StartError, startServers } = await import('../server/server.ts')
  let servers: RunningServers
  try {
    servers = await startServers(config, { stdout: process.stdout, log: io.err })
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    io.err(`xaa serve: ${error.message}\n`)
    return 1
  }
  for (const { role, issuer, listens, metadata } of servers.roles)
    io.err(
      `${role === 'idp' ? 'identity provider' : 'resource authorization server'}\n  issuer    ${issuer}\n  listens   ${listens}\n  metadata  ${metadata}\n`,
    )
  io.err(`state\n  store     ${storeText(config.store)}\n`)
  if (config.resourceAs !== undefined) {
    if (config.store.kind === 'memory')
      io.err(
        'The memory store forgets at each start which ID-JAGs were redeemed: for the first 30 seconds, and for all that were issued before, redemption is refused.\n',
      )
    else if (servers.fence > Date.now() / 1000)
      io.err(
        `The store is new, or lost its memory: ID-JAGs issued before ${new Date(servers.fence * 1000).toISOString()} are not redeemed.\n`,
      )
  }
  const signal = await stop
  io.err(`stopped by ${signal}: closing\n`)
  await servers.close()
  return 0
}
