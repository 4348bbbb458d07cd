/** What the commands that change or show the policy have in common: their options, the store they open, and how they end. */

import { hostname, userInfo } from 'node:os'
import { resolve } from 'node:path'
import { type ParseArgsConfig, parseArgs } from 'node:util'
import type { Block } from '../protocol/blocks.ts'
import { fileAudit } from '../server/audit.ts'
import { type Config, readConfig } from '../server/config.ts'
import { type Administration, administration } from '../server/policy/administration.ts'
import type { Actor } from '../server/policy/decision.ts'
import { systemId, systemNow } from '../server/ports.ts'
import { ConfigError, printProblems } from '../server/problems.ts'
import { openStore } from '../server/state.ts'
import { skew } from '../server/surroundings.ts'
import { type Io, usageProblem } from './command.ts'

type OptionsConfig = NonNullable<ParseArgsConfig['options']>
type Values = { [name: string]: string | boolean | undefined }

/** The names of a block as options, and those that every one of these commands has. */
export const blockOptions = {
  user: { type: 'string' },
  client: { type: 'string' },
  audience: { type: 'string' },
  tenant: { type: 'string' },
  issuer: { type: 'string' },
} as const satisfies OptionsConfig

const ownOptions = {
  config: { type: 'string' },
  note: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const satisfies OptionsConfig

/** The lines of the help that are the same for all of them. */
export const blockHelp = `  --user NAME       a sub, an account, or an e-mail address
  --client ID       a client
  --audience NAME   the issuer of a resource authorization server, or a resource identifier
  --tenant NAME     a tenant
  --issuer NAME     the issuer of the ID Token, or of the ID-JAG
`
export const ownHelp = `  --config FILE     the configuration of the servers; otherwise $XAA_CONFIG, otherwise xaa.yaml
  --json            print JSON
`

/** What one command does with an open store. */
export interface PolicyCommand {
  word: string
  help: string
  options: OptionsConfig
  /** How many words it takes beside its options. */
  positionals?: number
  /** What is wrong with the command line beyond its form. */
  problem?(values: Values, words: string[]): string | undefined
  work(policy: Administration, given: { values: Values; words: string[]; actor: Actor }): Promise<Answer>
}

/** What a command prints: sentences, or with `--json` a value. */
export interface Answer {
  exit: 0 | 1
  text: string
  json: unknown
}

/** Runs one of them. Resolves to the exit code: 0 done or so already, 1 refused or not possible, 2 not understood. */
export async function runPolicyCommand(args: string[], io: Io, command: PolicyCommand): Promise<number> {
  const { word, help } = command
  let read: { values: Values; positionals: string[] }
  try {
    const options = { ...ownOptions, ...command.options }
    read = parseArgs({ args, options, allowPositionals: true }) as typeof read
  } catch (error) {
    const problem = usageProblem(error)
    if (problem === undefined) throw error
    io.err(`xaa ${word}: ${problem}\n\n${help}`)
    return 2
  }
  const { values, positionals: words } = read
  if (values.help === true) {
    io.out(help)
    return 0
  }
  const tooMany = words[command.positionals ?? 0]
  const problem =
    tooMany === undefined ? command.problem?.(values, words) : `${JSON.stringify(tooMany)} was not expected`
  if (problem !== undefined) {
    io.err(`xaa ${word}: ${problem}\n\n${help}`)
    return 2
  }
  try {
    const answer = await withPolicy(
      values,
      io,
      [word, ...words, blockText(blockOfValues(values))].join(' ').trim(),
      (policy, actor) => command.work(policy, { values, words, actor }),
    )
    if (values.json === true) io.out(`${JSON.stringify(answer.json, null, 2)}\n`)
    else if (answer.exit === 0) io.out(answer.text)
    else io.err(answer.text)
    return answer.exit
  } catch (error) {
    if (!(error instanceof Error)) throw error
    io.err(error instanceof ConfigError ? printProblems(error) : `xaa ${word}: ${error.message}\n`)
    return 1
  }
}

async function withPolicy(
  { config: file, note }: Values,
  io: Io,
  what: string,
  work: (policy: Administration, actor: Actor) => Promise<Answer>,
): Promise<Answer> {
  const path = typeof file === 'string' ? file : io.env.XAA_CONFIG || 'xaa.yaml'
  const config = await readConfig(path, io.env)
  if (config.store.kind === 'memory')
    throw new Error(
      'store: memory is inside of the server and cannot be reached from here. Set store to lmdb or a Redis address.',
    )
  const warn = (message: string) => io.err(`${message}\n`)
  const store = await openStore(config.store, { now: systemNow, skew, newId: systemId, warn })
  try {
    const by = `${userInfo().username}@${hostname()}`
    const actor: Actor = { by, ...(typeof note === 'string' ? { note } : {}) }
    const announce = announcer(config, { ...actor, what }, warn)
    return await work(administration(store.records, systemNow), {
      ...actor,
      ...(announce === undefined ? {} : { announce }),
    })
  } finally {
    await store.close()
  }
}

/** Writes the line of a change before it is made, where the servers keep their audit in a file. Their standard output is not ours. */
function announcer(
  { audit, folder, policyVersion, idp, resourceAs }: Config,
  { by, note, what }: { by: string; note?: string | undefined; what: string },
  warn: (message: string) => void,
): Actor['announce'] {
  if (audit === 'stdout') return undefined
  const home =
    idp === undefined
      ? { role: 'resource-as' as const, server: resourceAs?.issuer ?? '' }
      : { role: 'idp' as const, server: idp.issuer }
  return async (version) => {
    const kept = await fileAudit(resolve(folder, audit.file), { instance: systemId(), now: systemNow, warn })
    try {
      await kept.record({
        at: systemNow(),
        ...home,
        action: 'admin',
        outcome: 'granted',
        reason: 'admin_changed',
        detail: `${what}, by ${by}${note === undefined ? '' : `: ${note}`}`,
        correlationId: systemId(),
        policyVersion: `${policyVersion}.${version}`,
      })
    } finally {
      await kept.close()
    }
  }
}

/** The names of a block that stand on a command line. */
export function blockOfValues(values: Values): Block {
  const given = Object.keys(blockOptions).flatMap((name) => {
    const value = values[name]
    return typeof value === 'string' ? [[name, value] as const] : []
  })
  return Object.fromEntries(given)
}

/** What is wrong with these names. */
export function blockProblem(values: Values): string | undefined {
  const names = Object.entries(blockOfValues(values))
  if (names.length === 0) return 'name somebody: --user, --client, --audience, --tenant or --issuer, or several of them'
  const empty = names.find(([, value]) => value.trim() === '' || value.length > 1024)
  return empty === undefined ? undefined : `--${empty[0]} must be 1 to 1024 characters`
}

/** A block as a person reads it. */
export function blockText(block: Block): string {
  return Object.keys(blockOptions)
    .flatMap((name) => {
      const value = block[name as keyof Block]
      return value === undefined ? [] : [`${name} ${value}`]
    })
    .join(', ')
}
