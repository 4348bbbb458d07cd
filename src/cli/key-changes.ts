/** What `xaa keys` changes in a file that is in use: rotate, retire, purge. */

import type { SignatureAlgorithm } from '../protocol/keys.ts'
import type { Seconds } from '../protocol/ports.ts'
import { changeKeyFile } from '../server/key-files.ts'
import {
  defaultKeep,
  defaultLead,
  momentText,
  newPrivateKey,
  privateJwksOf,
  purged,
  retired,
  rotated,
  type TimedKey,
  timedKeysOf,
} from '../server/key-rotation.ts'
import type { Io } from './command.ts'

/** One call of an act: its arguments, its options as they were given, and the time. */
export interface KeyCall {
  file: string
  /** Empty for an act without this argument. */
  kid: string
  options: {
    alg?: string | undefined
    lead?: string | undefined
    keep?: string | undefined
    json?: boolean | undefined
  }
  io: Io
  now: Seconds
}

/** A value on the command line that cannot be meant, as a sentence. */
export class MisuseError extends Error {
  override readonly name = 'MisuseError'
}

/** The algorithms a new key may have. */
export const offered = ['ES256', 'EdDSA', 'RS256', 'PS256'] as const satisfies readonly SignatureAlgorithm[]

const maxDuration: Seconds = 30 * 24 * 3600
/** Our verifiers use a set of keys so long without asking again. */
const verifiersUse: Seconds = 600
/** The longest access token, with the difference between clocks. */
const tokensLive: Seconds = 3660

/** The algorithm of a new key: `--alg`, or ES256. Throws {@link MisuseError}. */
export function algorithmOf({ alg = 'ES256' }: KeyCall['options']): (typeof offered)[number] {
  const known = offered.find((one) => one === alg)
  if (known === undefined) throw new MisuseError(`--alg must be ${offered.join(' or ')}, and is ${JSON.stringify(alg)}`)
  return known
}

function durationOf(name: string, text: string | undefined, otherwise: Seconds): Seconds {
  if (text === undefined) return otherwise
  if (!/^\d{1,7}$/.test(text) || Number(text) > maxDuration)
    throw new MisuseError(`--${name} must be whole seconds from 0 to ${maxDuration}, and is ${JSON.stringify(text)}`)
  return Number(text)
}

/** Adds a key that is published at once and signs later. Resolves to the exit code. */
export async function rotate({ file, options, io, now }: KeyCall): Promise<number> {
  const alg = algorithmOf(options)
  const lead = durationOf('lead', options.lead, defaultLead)
  const keep = durationOf('keep', options.keep, defaultKeep)
  const { before, after } = await changeKeyFile(file, async (jwks) => {
    const before = await timedKeysOf(jwks)
    const after = rotated(before, await newTimedKey(alg), { now, lead, keep })
    return { keys: privateJwksOf(after), before, after }
  })
  for (const { kid, jwk, signsFrom } of after)
    if (signsFrom !== undefined && !holds(before, kid))
      io.out(`${file}: ${jwk.alg} key ${kid} is published now and signs from ${momentText(signsFrom)}\n`)
  for (const { kid, publishedUntil } of after)
    if (publishedUntil !== undefined && before.some((key) => key.kid === kid && key.publishedUntil !== publishedUntil))
      io.out(`${file}: key ${kid} signs until then, and stays published until ${momentText(publishedUntil)}\n`)
  sayRemoved(before, after, file, io)
  if (lead < verifiersUse)
    io.err(
      `xaa keys: --lead is short: whoever fetched the keys in the last ${verifiersUse} s may not know the new one\n`,
    )
  if (keep < tokensLive)
    io.err(`xaa keys: --keep is short: an access token may live 3600 s, and is refused once its key is gone\n`)
  return 0
}

async function newTimedKey(alg: SignatureAlgorithm): Promise<TimedKey> {
  const jwk = await newPrivateKey(alg)
  return { kid: jwk.kid, jwk }
}

function holds(keys: readonly TimedKey[], kid: string): boolean {
  return keys.some((key) => key.kid === kid)
}

function sayRemoved(before: readonly TimedKey[], after: readonly TimedKey[], file: string, io: Io): void {
  for (const { kid } of before) if (!holds(after, kid)) io.out(`${file}: key ${kid} removed, its time was over\n`)
}

/** Removes the keys whose time is over. Resolves to the exit code. */
export async function retire({ file, io, now }: KeyCall): Promise<number> {
  const { before, after } = await changeKeyFile(file, async (jwks) => {
    const before = await timedKeysOf(jwks)
    const after = retired(before, now)
    return { keys: privateJwksOf(after), before, after }
  })
  sayRemoved(before, after, file, io)
  return 0
}

/** Removes a key at once. Resolves to the exit code. */
export async function purge({ file, kid, io, now }: KeyCall): Promise<number> {
  const { signer, unknownYet } = await changeKeyFile(file, async (jwks) => {
    const purge = await purged(await timedKeysOf(jwks), kid, now, ({ jwk: { alg } }) =>
      newTimedKey(offered.find((one) => one === alg) ?? 'ES256'),
    )
    return { ...purge, keys: privateJwksOf(purge.keys) }
  })
  io.out(`${file}: key ${kid} purged; ${signer.jwk.alg} key ${signer.kid} signs\n`)
  if (unknownYet)
    io.err(
      `xaa keys: verifiers that fetched the keys earlier do not know ${signer.kid} yet, and refuse its tokens until they fetch again\n`,
    )
  io.err(
    `xaa keys: verifiers elsewhere may take what ${kid} signed for up to ${verifiersUse} s more; of this product, at once after: xaa issuers purge-keys ISSUER\n`,
  )
  return 0
}
