/** Claims of every kind of token, of any type, size and shape, under a genuine signature: what gets behind the signature check. */

import { signedBytes } from '../../../test/fixture/tokens.ts'
import type { HttpFuzzer } from '../fuzzer.ts'
import { type Genuine, type Kind, kinds, type Members } from '../genuine.ts'
import { mutatedMembers, rawJson } from '../hostile.ts'
import type { Random } from '../random.ts'
import { shotWith } from '../token-shot.ts'

const extra = {
  'id-jag': [
    'nbf',
    'cnf',
    'act',
    'tenant',
    'aud_tenant',
    'aud_sub',
    'sub_id',
    'email',
    'acr',
    'amr',
    'auth_time',
    'authorization_details',
  ],
  'id-token': ['nbf', 'azp', 'events', 'acr', 'amr', 'auth_time', 'groups', 'email_verified', 'nonce', 'cnf'],
  assertion: ['nbf', 'events', 'cnf'],
  proof: ['nonce', 'ath', 'nbf', 'exp'],
}

function extraOf(kind: Kind): readonly string[] {
  if (kind === 'id-jag' || kind === 'id-token') return extra[kind]
  return kind.startsWith('proof') ? extra.proof : extra.assertion
}

export const claims: HttpFuzzer = {
  name: 'claims',
  title: 'Claims under a genuine signature',
  over: 'http',
  weight: 12,
  make(random, genuine) {
    const kind = random.pick(kinds)
    const { header, claims: good, signer } = genuine.parts(kind)
    const changed = mutatedMembers(good, extraOf(kind), random)
    const plain = JSON.stringify(changed)
    const text = random.oneIn(4) ? broken(changed, random) : plain
    const token = signedBytes(withoutUndefined(header), text, signer)
    const mayPass = text === plain && isGood(kind, JSON.parse(plain) as Members, genuine)
    return shotWith({ kind, token, good: mayPass, ...(kind === 'id-token' ? { subject: changed.sub } : {}) }, genuine)
  },
}

/** JSON that is none, or that two readers would read differently. */
function broken(members: Members, random: Random): string {
  const entries = Object.entries(members).map(([name, value]): [string, string] => [
    JSON.stringify(name),
    JSON.stringify(value) ?? 'null',
  ])
  if (entries.length === 0) return '[]'
  const at = random.below(entries.length)
  const [name = '""', value = 'null'] = entries[at] ?? []
  const way = random.below(5)
  const all = (list: [string, string][]) => `{${list.map((pair) => pair.join(':')).join(',')}}`
  if (way === 0) return all([...entries, [name, value]])
  if (way === 1) return `\ufeff${all(entries)}`
  if (way === 2)
    return random.pick([
      `[${all(entries)}]`,
      JSON.stringify(all(entries)),
      'null',
      `${all(entries)} x`,
      `${all(entries)}\0`,
    ])
  if (way === 3) return all([...entries, ['"x"', '['.repeat(40) + ']'.repeat(40)]])
  // Under the name of a claim that is not ignored, so that nothing of this can pass.
  entries[at] = ['"exp"', rawJson(value, random)]
  return all([...entries, ['"exp"', value]])
}

const isText = (value: unknown, length: number) => typeof value === 'string' && value !== '' && value.length <= length

/** What every reader of the specifications would have to say: necessary for a token to be good, and not sufficient. */
function isGood(kind: Kind, claims: Members, { target, now }: Genuine): boolean {
  const { idp, chat, upstream, resource } = target
  const { iss, sub, aud, exp, iat, nbf, jti } = claims
  const audience = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
  const skew = 60
  const inTime =
    typeof exp === 'number' &&
    exp > now() - skew &&
    exp < now() + 8 * 24 * 3600 &&
    (nbf === undefined || (typeof nbf === 'number' && nbf <= now() + skew))
  const issued = typeof iat === 'number' && iat <= now() + skew
  if (kind.startsWith('proof-')) {
    const { htm, htu } = claims
    const { issuer } = kind === 'proof-at-idp' ? idp : chat
    const called = typeof htu === 'string' && URL.canParse(htu) ? new URL(htu) : undefined
    return (
      htm === 'POST' &&
      issued &&
      Number(iat) > now() - 180 &&
      isText(jti, 256) &&
      called !== undefined &&
      called.origin + called.pathname === `${issuer}/token`
    )
  }
  if (kind.startsWith('assertion-')) {
    const { issuer, client } = kind === 'assertion-at-idp' ? idp : chat
    return (
      iss === client.id &&
      sub === client.id &&
      audience === issuer &&
      inTime &&
      isText(jti, 256) &&
      (iat === undefined || issued)
    )
  }
  if (kind === 'id-token') {
    const { azp, events } = claims
    const audiences = [aud].flat()
    const forUs = audiences.includes(upstream.clientId) && (audiences.length === 1 || azp === upstream.clientId)
    return (
      iss === upstream.issuer &&
      isText(sub, 255) &&
      forUs &&
      (azp === undefined || azp === upstream.clientId) &&
      inTime &&
      issued &&
      events === undefined
    )
  }
  const { client_id: clientId, scope, resource: named, cnf, act, tenant, aud_tenant: audTenant } = claims
  const resources = named === undefined ? [] : [named].flat()
  return (
    iss === idp.issuer &&
    sub === 'alice' &&
    audience === chat.issuer &&
    clientId === chat.client.id &&
    inTime &&
    issued &&
    Number(exp) - Number(iat) <= 3600 &&
    isText(jti, 256) &&
    (scope === undefined || typeof scope === 'string') &&
    resources.every((one) => one === resource) &&
    [cnf, tenant, audTenant].every((one) => one === undefined) &&
    (act === undefined || (typeof act === 'object' && act !== null && !Array.isArray(act)))
  )
}

function withoutUndefined(header: Members): Members {
  // The signer adds its own kid unless the header says that there is none.
  return 'kid' in header ? { ...header, kid: undefined } : header
}
