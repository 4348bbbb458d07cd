/** `xaa keys`: makes signing keys, shows them, and rotates them without a moment in which a token cannot be checked. */

import { parseArgs } from 'node:util'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import { isSignatureAlgorithm, publicPartOf, type SignatureAlgorithm } from '../protocol/keys.ts'
import { KeyFileError, readKeyFile, writeKeyFile } from '../server/key-files.ts'
import { type Io, usageProblem } from './command.ts'

/** One line for the list of commands; the same as there. */
export const summary = 'make, list and rotate signing keys'

const offered = ['ES256', 'EdDSA', 'RS256', 'PS256'] as const satisfies readonly SignatureAlgorithm[]

/** What `--help` prints. */
export const help = `xaa keys make FILE [--alg ALG]       make FILE with one new key, which signs (${offered.join(', ')}; default ES256)
xaa keys make FILE --next            add a second key: published, not signing yet
xaa keys promote FILE                let the second key sign; the first stays published
xaa keys retire FILE                 remove the second key, for good
xaa keys list FILE [--json]          show ids, algorithms and which key signs; never a private part

To rotate: make --next, restart the server, and wait an hour until everybody has fetched the new key. Then promote, restart, and
wait as long as the longest token lives. Then retire, and restart.
`

const acts: { readonly [act: string]: (file: string, options: Options, io: Io) => Promise<number> } = {
  make,
  promote,
  retire,
  list,
}

interface Options {
  alg?: string | undefined
  next?: boolean | undefined
  json?: boolean | undefined
}

/** Runs the command. Resolves to the exit code: 0 done, 1 refused or not possible, 2 not understood. */
export async function run(args: string[], io: Io): Promise<number> {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        alg: { type: 'string' },
        next: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help === true) {
      io.out(help)
      return 0
    }
    const [word = '', file, ...rest] = positionals
    const act = Object.hasOwn(acts, word) ? acts[word] : undefined
    if (act === undefined || file === undefined || rest.length > 0)
      return misunderstood('make, promote, retire or list, and one FILE', io)
    return await act(file, values, io)
  } catch (error) {
    const problem = usageProblem(error)
    if (problem !== undefined) return misunderstood(problem, io)
    if (!(error instanceof KeyFileError)) throw error
    io.err(`xaa keys: ${error.message}.${error.remedy === undefined ? '' : ` Remedy: ${error.remedy}`}\n`)
    return 1
  }
}

function misunderstood(problem: string, io: Io): number {
  io.err(`xaa keys: ${problem}\n\n${help}`)
  return 2
}

async function make(file: string, { alg = 'ES256', next = false }: Options, io: Io): Promise<number> {
  const known = offered.find((one) => one === alg)
  if (known === undefined) return misunderstood(`--alg must be ${offered.join(' or ')}`, io)
  const keys = next ? (await readKeyFile(file)).keys : []
  // Two are enough to rotate, and whoever has more no longer knows which of them signs.
  if (keys.length > 1) throw new KeyFileError(file, 'holds two keys already', { remedy: `xaa keys retire ${file}` })
  const key = await newKey(known)
  await writeKeyFile(file, { keys: [...keys, key] }, { onlyNew: !next })
  io.out(`${file}: ${key.alg} key ${key.kid}, ${next ? 'published next to the one that signs' : 'which signs'}\n`)
  return 0
}

async function newKey(alg: SignatureAlgorithm): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), use: 'sig', alg }
}

async function promote(file: string, _options: Options, io: Io): Promise<number> {
  const [first, second] = await twoKeys(file)
  await writeKeyFile(file, { keys: [second, first] }, { onlyNew: false })
  io.out(`${file}: key ${second.kid} signs; ${first.kid} stays published\n`)
  return 0
}

async function retire(file: string, _options: Options, io: Io): Promise<number> {
  const [first, second] = await twoKeys(file)
  await writeKeyFile(file, { keys: [first] }, { onlyNew: false })
  io.out(`${file}: key ${second.kid} removed; ${first.kid} signs\n`)
  return 0
}

async function twoKeys(file: string): Promise<[JWK, JWK]> {
  const { keys } = await readKeyFile(file)
  const [first, second] = keys
  if (first === undefined || second === undefined)
    throw new KeyFileError(file, 'holds only the key that signs', { remedy: `add one: xaa keys make ${file} --next` })
  return [first, second]
}

async function list(file: string, { json = false }: Options, io: Io): Promise<number> {
  const { keys } = await readKeyFile(file)
  const shown = await Promise.all(
    keys.map(async (key, at) => ({
      kid: key.kid ?? (await calculateJwkThumbprint(publicPartOf(key))),
      alg: isSignatureAlgorithm(key.alg) ? key.alg : 'unknown',
      signs: at === 0,
    })),
  )
  if (json) io.out(`${JSON.stringify(shown, null, 2)}\n`)
  else for (const { kid, alg, signs } of shown) io.out(`${kid}  ${alg}  ${signs ? 'signs' : 'published'}\n`)
  return 0
}
