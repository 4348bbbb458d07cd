/** The material of every fuzzer: text that breaks something somewhere, JSON of any shape, and accidents to bytes. */

import { hostile } from '../../test/fixture/mutations.ts'
import type { Random } from './random.ts'

/** Hostile text, alone or inside of the good one. Well-formed UTF-16. */
export function hostileText(good: string, random: Random): string {
  if (random.oneIn(8))
    return String.fromCodePoint(...Array.from({ length: 1 + random.below(6) }, () => anyCodePoint(random)))
  return hostile(good, random.below).toWellFormed()
}

function anyCodePoint(random: Random): number {
  const [start = 0, end = 0x80] = random.pick([
    [0, 0x20],
    [0x20, 0x7f],
    [0x80, 0x100],
    [0x300, 0x370],
    [0x2000, 0x2070],
    [0xfff0, 0xfffe],
    [0x1f300, 0x1f700],
    [0xe0000, 0xe0080],
  ])
  return start + random.below(end - start)
}

const numbers = [
  0,
  -0,
  1,
  -1,
  0.5,
  1e21,
  -1e21,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  2 ** 53 + 2,
  Number.MAX_VALUE,
  Number.MIN_VALUE,
]

/** Any JSON value, near `good` or far from it; at most `depth` levels of arrays and objects. */
export function hostileValue(good: unknown, random: Random, depth = 3): unknown {
  const kind = random.below(depth > 0 ? 10 : 6)
  if (kind === 0) return null
  if (kind === 1) return random.oneIn(2)
  if (kind === 2) return typeof good === 'number' ? good + random.pick(numbers) : random.pick(numbers)
  if (kind === 3) return typeof good === 'object' ? 'object' : String(good)
  if (kind <= 5) return hostileText(typeof good === 'string' ? good : 'x', random)
  if (kind === 6) return [good]
  if (kind === 7) return Array.from({ length: random.below(4) }, () => hostileValue(good, random, depth - 1))
  const names = ['', 'a', 'sub', 'iss', 'aud', 'length', 'toString', 'constructor', 'then', 'jwk', 'jkt', 'format']
  const members = Array.from({ length: 1 + random.below(3) }, (): [string, unknown] => [
    random.pick(names),
    hostileValue(good, random, depth - 1),
  ])
  return Object.fromEntries(members)
}

/** Raw JSON texts that JSON.stringify never writes; `good` is the text of the value that stood there. */
export function rawJson(good: string, random: Random): string {
  const depth = random.pick([10, 31, 32, 33, 500])
  return random.pick([
    '1e400',
    '-1e400',
    '01',
    '+1',
    '.5',
    '0x10',
    'NaN',
    'Infinity',
    "'a'",
    '"\\ud800"',
    '"\\u0000"',
    '{"a":1,"a":2}',
    '{"__proto__":{"x":1}}',
    `${good},`,
    `${good} ${good}`,
    `\u00a0${good}`,
    `/**/${good}`,
    '['.repeat(depth) + ']'.repeat(depth),
    '{"a":'.repeat(depth) + good + '}'.repeat(depth),
    '"'.repeat(3),
    '',
  ])
}

/** The same bytes after an accident: some changed, cut out, doubled or put in. */
export function accident(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1)
  const length = 1 + random.below(random.oneIn(4) ? 64 : 4)
  const before = bytes.subarray(0, at)
  const after = bytes.subarray(Math.min(bytes.length, at + length))
  const kind = random.below(5)
  if (kind === 0) return Buffer.concat([before, after])
  if (kind === 1) return Buffer.concat([before, bytes.subarray(at, at + length), bytes.subarray(at)])
  if (kind === 2) return Buffer.concat([before, Buffer.from([random.below(256)]), bytes.subarray(at)])
  if (kind === 3) return Buffer.concat([before, Buffer.from(hostileText('', random)), bytes.subarray(at)])
  const changed = Buffer.from(bytes)
  const place = Math.min(at, bytes.length - 1)
  if (place >= 0) changed[place] = (changed[place] ?? 0) ^ (1 << random.below(8))
  return changed
}

/** An object with one to three of its members changed, taken away, added or renamed, and what was done. */
export function mutatedMembers(
  good: { [name: string]: unknown },
  extra: readonly string[],
  random: Random,
): { [name: string]: unknown } {
  const members = { ...good }
  for (let changes = 1 + random.below(random.oneIn(3) ? 3 : 1); changes > 0; changes--) {
    const name = random.pick([...Object.keys(good), ...extra])
    const kind = random.below(8)
    if (kind === 0) delete members[name]
    else if (kind === 1) members[hostileText(name, random)] = members[name]
    else members[name] = hostileValue(members[name], random)
  }
  return members
}
