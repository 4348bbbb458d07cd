/** The signing keys of a running role: they follow their file, so that a rotation or a purge needs no restart. */

import { stat } from 'node:fs/promises'
import { isPublishedAt, signerAt } from '../protocol/key-schedule.ts'
import type { SigningKeys } from '../protocol/keys.ts'
import { signingKeysAt } from '../protocol/own-keys.ts'
import type { Seconds } from '../protocol/ports.ts'
import { KeyFileError, readSigningKeyFile, type SigningKeyFile } from './key-files.ts'

export interface FollowOptions {
  now(): Seconds
  /** Tells the operator why the file is not used as it is, once for each state of the file. */
  warn(message: string): void
  /**
   * Told of each key that left the file before its time, after this process has stopped using it: for whoever tells the other
   * replicas. Not of one that {@link isPurged} knew already. What it throws is warned about and otherwise passed over.
   */
  onPurged?(kid: string): void
  /** True for a key that was purged at another replica. Asked at each use. It must not throw. */
  isPurged?(kid: string): boolean
}

/** Signing keys that follow a file. */
export interface FollowedKeys extends SigningKeys {
  /** True for a key that may not be used any more, because it left the file before its time or was purged elsewhere. */
  isPurged(kid: string): boolean
  /** Since when the key signs that signs now. Undefined where the file does not say, and when there is none. */
  signingSince(): Seconds | undefined
  /** Looks at the file now. Never rejects: a file that cannot be used is warned about, and the last good keys stay. */
  look(): Promise<void>
  /** Follows no longer. The keys of that moment stay, and their times go on to count. */
  close(): void
}

/** How often the file is looked at, in milliseconds: what an operator changes is in force one second later. */
const interval = 1000
/** A key that leaves its file so shortly before its end was retired by a clock that is ahead. It is over everywhere in that time. */
const clockAllowance: Seconds = 5

/**
 * Follows a key file from the state in which it was read. Each second it looks whether another file is there; what it holds is used
 * as a whole or, when {@link readSigningKeyFile} refuses it, not at all. A key that left the file before its time is refused from
 * then on, also when an old copy of the file brings it back.
 */
export function followSigningKeys(file: SigningKeyFile, options: FollowOptions): FollowedKeys {
  const { path } = file
  const { now, warn, onPurged = () => {} } = options
  const gone = new Set<string>()
  const warnedOf = new Set<string>()
  let { keys } = file
  let stamp: string | undefined
  let looking: Promise<void> | undefined
  let closed = false

  const isPurged = (kid: string) => gone.has(kid) || options.isPurged?.(kid) === true
  const take = (next: SigningKeyFile['keys']) => {
    const lost = keys.filter(
      (key) => isPublishedAt(key, now() + clockAllowance) && !next.some(({ kid }) => kid === key.kid),
    )
    const known = lost.filter(({ kid }) => isPurged(kid))
    keys = next
    for (const { kid } of lost) gone.add(kid)
    for (const key of lost) {
      if (known.includes(key)) continue
      warn(`${path} holds the key ${key.kid} no longer, before its time: from now on it is refused`)
      try {
        onPurged(key.kid)
      } catch (cause) {
        warn(`the other servers could not be told that the key ${key.kid} was purged: ${String(cause)}`)
      }
    }
  }
  const warnOfPurged = () => {
    for (const { kid } of keys) {
      if (!isPurged(kid) || warnedOf.has(kid)) continue
      warnedOf.add(kid)
      warn(`${path} holds the key ${kid}, which was purged: it is not used. Copy the new file here`)
    }
  }
  const read = async () => {
    // A file that is replaced between this and its reading has another stamp the next time, and is read again.
    const found = await stampOf(path)
    if (found === stamp) return
    stamp = found
    const next = await readSigningKeyFile(path)
    if (!closed) take(next.keys)
  }
  const look = (): Promise<void> => {
    looking ??= read()
      .then(warnOfPurged)
      .catch((cause: unknown) => {
        if (closed) return
        if (!(cause instanceof KeyFileError)) return warn(`${path}: ${String(cause)}`)
        const remedy = cause.remedy === undefined ? '' : `. Remedy: ${cause.remedy}`
        warn(`${cause.message}; the keys of before stay in use${remedy}`)
      })
      .finally(() => {
        looking = undefined
      })
    return looking
  }

  const timer = setInterval(() => void look(), interval)
  timer.unref()
  return {
    ...signingKeysAt({ keys: () => keys, now, isRefused: isPurged }),
    isPurged,
    signingSince() {
      const usable = keys.filter((key) => isPublishedAt(key, now()) && !isPurged(key.kid))
      return signerAt(usable, now())?.signsFrom
    },
    look,
    close() {
      closed = true
      clearInterval(timer)
    },
  }
}

/** Changes when the file does, or its permissions. Never rejects. */
export async function stampOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return [ino, size, mtimeNs, ctimeNs].join(' ')
  } catch (cause) {
    return String((cause as NodeJS.ErrnoException).code)
  }
}
