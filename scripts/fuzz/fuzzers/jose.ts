/** Tokens as strings: header, payload and signature of every kind of token changed without a key, and headers changed with one. */

import { base64url, signedBytes, withRawHeader } from '../../../test/fixture/tokens.ts'
import type { HttpFuzzer } from '../fuzzer.ts'
import { type Genuine, type Kind, kinds, type Members } from '../genuine.ts'
import { accident, hostileText, hostileValue, mutatedMembers, rawJson } from '../hostile.ts'
import type { Random } from '../random.ts'
import { asHeader, shotWith } from '../token-shot.ts'

const headerMembers = [
  'alg',
  'typ',
  'kid',
  'crit',
  'b64',
  'zip',
  'enc',
  'cty',
  'jku',
  'jwk',
  'x5u',
  'x5c',
  'p2c',
  'epk',
]
const algorithms = [
  'none',
  'None',
  'HS256',
  'HS384',
  'RS256',
  'PS256',
  'ES384',
  'ES256K',
  'EdDSA',
  'Ed25519',
  'dir',
  'RSA-OAEP',
  '',
]
const kinship = [
  'JWT',
  'at+jwt',
  'dpop+jwt',
  'oauth-id-jag+jwt',
  'client-authentication+jwt',
  'logout+jwt',
  'secevent+jwt',
  'application/jwt',
]

/** Tokens that are genuine and in use for many inputs: signing each anew would be most of the work. */
const kept = new Map<Kind, { token: string; until: number }>()

function genuineToken(kind: Kind, genuine: Genuine): string {
  const one = kept.get(kind)
  if (one !== undefined && one.until > genuine.now()) return one.token
  const token = genuine.token(kind)
  kept.set(kind, { token, until: genuine.now() + 30 })
  return token
}

export const jose: HttpFuzzer = {
  name: 'jose',
  title: 'Header, payload and signature of tokens',
  over: 'http',
  weight: 22,
  make(random, genuine) {
    const kind = random.pick(kinds)
    if (random.oneIn(6)) return shotWith({ kind, ...resigned(kind, random, genuine) }, genuine)
    const good = genuineToken(kind, genuine)
    const token = changed(good, kind, random, genuine)
    // An accident may leave it as it was, and a header line loses what cannot stand in it.
    const same = token === good || (kind.startsWith('proof') && asHeader(token).trim() === good)
    return shotWith({ kind, token: same ? `${good}.` : token, good: false }, genuine)
  },
}

/** A token without the signature it would need. */
function changed(good: string, kind: Kind, random: Random, genuine: Genuine): string {
  const [header = '', payload = '', signature = ''] = good.split('.')
  const way = random.below(12)
  if (way === 0) return `${spelling(header, random)}.${payload}.${signature}`
  if (way === 1) return `${header}.${spelling(payload, random)}.${signature}`
  if (way <= 3) return `${header}.${payload}.${spelling(signature, random)}`
  if (way === 4)
    return `${header}.${payload}.${base64url(brokenSignature(Buffer.from(signature, 'base64url'), random))}`
  if (way === 5)
    return `${base64url(JSON.stringify(mutatedHeader(header, random)))}.${payload}.${random.pick([signature, '', 'AA'])}`
  if (way === 6) return `${base64url(accident(Buffer.from(header, 'base64url'), random))}.${payload}.${signature}x`
  if (way === 7)
    return `${header}.${base64url(accident(Buffer.from(payload, 'base64url'), random))}.${signature.slice(0, -1)}`
  if (way === 8) return hostileText(good, random) === good ? '' : `${hostileText(good, random)}~`
  if (way === 9) return otherShape(good, random)
  if (way === 10)
    return `${header}.${payload}.${genuineToken(random.pick(kinds.filter((one) => one !== kind)), genuine).split('.')[2]}`
  // A genuine token of another kind.
  return genuineToken(random.pick(kinds.filter((one) => one !== kind)), genuine)
}

/** The same bytes in another spelling than the canonical one, or nearly the same text. */
function spelling(segment: string, random: Random): string {
  const at = random.below(segment.length + 1)
  const insert = (text: string) => segment.slice(0, at) + text + segment.slice(at)
  const last = segment.at(-1) ?? 'A'
  return random.pick([
    `${segment}=`,
    `${segment}==`,
    insert('\n'),
    insert(' '),
    insert('\t'),
    insert('='),
    insert('+'),
    insert('/'),
    insert('\u200b'),
    `${segment}A`,
    segment.slice(0, -1) + (last === 'A' ? 'B' : 'A'),
    segment.slice(0, at) + (segment[at] === 'x' ? 'y' : 'x') + segment.slice(at + 1),
    `${segment.slice(0, at)}${segment.slice(at + 1)}x`,
    [...segment].reverse().join(''),
    segment.toUpperCase(),
    '',
  ])
}

/** Of an ES256 signature: zeros, the order of the curve, DER, halves changed, or a bit. */
function brokenSignature(signature: Buffer, random: Random): Buffer {
  const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex')
  const half = signature.subarray(0, 32)
  const zero = Buffer.alloc(32)
  const flipped = Buffer.from(signature)
  const at = random.below(flipped.length)
  flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8))
  return random.pick([
    flipped,
    Buffer.alloc(64),
    Buffer.concat([order, order]),
    Buffer.concat([half, zero]),
    Buffer.concat([zero, signature.subarray(32)]),
    Buffer.concat([Buffer.from('30440220', 'hex'), half, Buffer.from('0220', 'hex'), signature.subarray(32)]),
    Buffer.concat([signature, zero]),
    signature.subarray(0, random.below(64)),
    Buffer.concat([signature.subarray(32), half]),
    Buffer.alloc(1 + random.below(600), 0xff),
  ])
}

function otherShape(good: string, random: Random): string {
  const [header = '', payload = '', signature = ''] = good.split('.')
  return random.pick([
    `${header}.${payload}`,
    `${header}.${payload}.`,
    `${good}.${signature}`,
    `${good}.${signature}.${signature}`,
    `.${payload}.${signature}`,
    `${header}..${signature}`,
    JSON.stringify({ protected: header, payload, signature }),
    `["${good}"]`,
    `"${good}"`,
    ` ${good}`,
    `${good}\n`,
    `Bearer ${good}`,
    `${good},${good}`,
    good.repeat(1 + random.below(40)),
    'x'.repeat(random.pick([16_384, 16_385, 40_000])),
    '..',
    '',
  ])
}

function mutatedHeader(header: string, random: Random): Members {
  const members = JSON.parse(Buffer.from(header, 'base64url').toString()) as Members
  const changed = mutatedMembers(members, headerMembers, random)
  if (random.oneIn(2)) changed.alg = random.pick(algorithms)
  return changed
}

/** A header of any kind under the signature of the right key; it may pass where type and algorithm are still right. */
function resigned(kind: Kind, random: Random, genuine: Genuine): { token: string; good: boolean } {
  const { header, claims, signer } = genuine.parts(kind)
  const members = Object.fromEntries(
    Object.entries({ alg: signer.alg, kid: signer.kid, ...header }).filter(([, value]) => value !== undefined),
  )
  const payload = JSON.stringify(claims)
  if (random.oneIn(4)) {
    const at = JSON.stringify(random.pick(['alg', 'typ']))
    const text = JSON.stringify(members).replace(/\}$/, `,${at}:${rawJson('"ES256"', random)},${at}:"ES256"}`)
    return { token: withRawHeader(text, payload, signer), good: false }
  }
  const way = random.below(4)
  const changed =
    way === 0
      ? { ...members, typ: random.pick(kinship) }
      : way === 1
        ? { ...members, [random.pick(headerMembers)]: hostileValue('x', random) }
        : way === 2
          ? { ...members, alg: random.pick(algorithms) }
          : mutatedMembers(members, headerMembers, random)
  const token =
    way === 3
      ? withRawHeader(JSON.stringify(changed), payload, signer)
      : signedBytes({ kid: undefined, ...changed }, payload, signer)
  return { token, good: mayHaveHeader(kind, JSON.parse(JSON.stringify(changed)) as Members, members) }
}

/** What a header must be at least. */
function mayHaveHeader(kind: Kind, { alg, typ, kid, jwk, ...others }: Members, right: Members): boolean {
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ
  const usual = [undefined, 'jwt']
  const types: unknown[] =
    kind === 'id-token' ? usual : kind.startsWith('assertion') ? [...usual, right.typ] : [right.typ]
  const isRightKey = kind.startsWith('proof')
    ? JSON.stringify(jwk) === JSON.stringify(right.jwk)
    : kid === undefined || kid === right.kid
  return alg === 'ES256' && types.includes(type) && isRightKey && !('crit' in others) && !('b64' in others)
}
