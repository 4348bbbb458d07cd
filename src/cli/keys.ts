/** `xaa keys`: makes signing keys, shows them, and rotates them without a moment in which a token cannot be checked. */

import { parseArgs } from 'node:util'
import { isKeyManagementAlgorithm, keyManagementAlgorithms } from '../protocol/encryption-keys.ts'
import { isPublishedAt, signerAt } from '../protocol/key-schedule.ts'
import type { Seconds } from '../protocol/ports.ts'
import { KeyFileError, readKeyFile, writeKeyFile } from '../server/key-files.ts'
import {
  defaultKeep,
  defaultLead,
  momentText,
  newPrivateKey,
  RotationError,
  timedKeysOf,
} from '../server/key-rotation.ts'
import { systemNow } from '../server/ports.ts'
import { type Io, usageProblem } from './command.ts'
import { algorithmOf, type KeyCall, MisuseError, offered, purge, retire, rotate } from './key-changes.ts'

/** One line for the list of commands; the same as there. */
export const summary = 'make, list and rotate signing keys'

/** What `--help` prints. */
export const help = `xaa keys make FILE [--alg ALG]       make FILE with one new key, which signs (${offered.join(', ')}; default ES256)
                                     or which opens encrypted ID-JAGs (${keyManagementAlgorithms.join(', ')})
xaa keys rotate FILE [--alg ALG]     add a key: published now, signing later; the one that signs now stays published after that
  --lead SECONDS                     how long it is published before it signs; default ${defaultLead}
  --keep SECONDS                     how long the other one stays published after it signed last; default ${defaultKeep}
xaa keys retire FILE                 remove the keys whose time is over, for good
xaa keys purge FILE KID              emergency: remove a key at once; tokens it signed are refused
xaa keys list FILE [--json]          show ids, algorithms, who signs and until when; never a private part

Servers follow the file: nothing is restarted, and the times take effect by themselves. Where several machines have a copy of
the file, copy it to each of them within the lead.
`

interface Act {
  arguments: readonly string[]
  options: readonly string[]
  run(call: KeyCall): Promise<number>
}

const acts: { readonly [act: string]: Act } = {
  make: { arguments: ['FILE'], options: ['alg'], run: make },
  rotate: { arguments: ['FILE'], options: ['alg', 'lead', 'keep'], run: rotate },
  retire: { arguments: ['FILE'], options: [], run: retire },
  purge: { arguments: ['FILE', 'KID'], options: [], run: purge },
  list: { arguments: ['FILE'], options: ['json'], run: list },
}

/** Runs the command. Resolves to the exit code: 0 done, 1 refused or not possible, 2 not understood. `now` is for tests. */
export async function run(args: string[], io: Io, now: () => Seconds = systemNow): Promise<number> {
  let file = ''
  try {
    const { values, positionals } = parseArgs({
      args: withKeyId(args),
      allowPositionals: true,
      options: {
        alg: { type: 'string' },
        lead: { type: 'string' },
        keep: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    const { help: wantsHelp, ...options } = values
    if (wantsHelp === true) {
      io.out(help)
      return 0
    }
    const [word = '', ...given] = positionals
    const act = Object.hasOwn(acts, word) ? acts[word] : undefined
    if (act === undefined) return misunderstood(`${Object.keys(acts).join(', ')}, and a FILE`, io)
    if (given.length !== act.arguments.length) return misunderstood(`${word} takes ${act.arguments.join(' and ')}`, io)
    const stray = Object.keys(options).find((name) => !act.options.includes(name))
    if (stray !== undefined) return misunderstood(`${word} takes no --${stray}`, io)
    const [path = '', kid = ''] = given
    file = path
    return await act.run({ file, kid, options, io, now: now() })
  } catch (error) {
    const problem = error instanceof MisuseError ? error.message : usageProblem(error)
    if (problem !== undefined) return misunderstood(problem, io)
    const refusal = refusalOf(error, file)
    if (refusal === undefined) throw error
    io.err(`xaa keys: ${refusal}\n`)
    return 1
  }
}

/** RFC 7638: one thumbprint in 64 begins with a hyphen, and is no option for that. */
function withKeyId(args: string[]): string[] {
  return args.flatMap((arg) => (/^-[\w-]{42}$/.test(arg) ? ['--', arg] : [arg]))
}

function misunderstood(problem: string, io: Io): number {
  io.err(`xaa keys: ${problem}\n\n${help}`)
  return 2
}

function refusalOf(error: unknown, file: string): string | undefined {
  if (error instanceof RotationError) return `${file} ${error.message}. Remedy: ${error.remedyFor(file)}`
  if (!(error instanceof KeyFileError)) return undefined
  return `${error.message}.${error.remedy === undefined ? '' : ` Remedy: ${error.remedy}`}`
}

async function make({ file, options, io }: KeyCall): Promise<number> {
  const opens = isKeyManagementAlgorithm(options.alg)
  const alg = isKeyManagementAlgorithm(options.alg) ? options.alg : algorithmOf(options)
  const key = await newPrivateKey(alg)
  await writeKeyFile(file, { keys: [key] }, { onlyNew: true })
  io.out(`${file}: ${alg} key ${key.kid}, which ${opens ? 'opens encrypted ID-JAGs' : 'signs'}\n`)
  return 0
}

async function list({ file, options, io, now }: KeyCall): Promise<number> {
  const keys = await timedKeysOf((await readKeyFile(file)).keys)
  const signer = signerAt(keys, now)
  const shown = keys.map((key) => {
    const { kid, jwk, signsFrom, publishedUntil } = key
    const waits = signsFrom !== undefined && signsFrom > now
    const state = key === signer ? 'signs' : waits ? 'next' : isPublishedAt(key, now) ? 'published' : 'over'
    return { kid, alg: jwk.alg, state, signsFrom, publishedUntil }
  })
  if (options.json === true) io.out(`${JSON.stringify(shown, null, 2)}\n`)
  else
    for (const { kid, alg, state, signsFrom, publishedUntil } of shown) {
      const from = state === 'next' && signsFrom !== undefined ? `, signs from ${momentText(signsFrom)}` : ''
      const until = publishedUntil === undefined ? '' : `, published until ${momentText(publishedUntil)}`
      io.out(`${kid}  ${alg}  ${state}${from}${until}\n`)
    }
  return 0
}
