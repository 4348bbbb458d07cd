/** Documents of others for their readers: client metadata documents, JWK Sets, and the metadata of issuers. */

import { ClientMetadataError, readClientMetadata } from '../../../src/protocol/client-metadata-document.ts'
import { discoverMetadata, FetchError, MetadataError } from '../../../src/protocol/issuer-keys.ts'
import { JsonError, parseJsonObject } from '../../../src/protocol/json.ts'
import { JwtError } from '../../../src/protocol/jwt-error.ts'
import { KeySetError, keySetOf, signatureAlgorithms } from '../../../src/protocol/keys.ts'
import { appUrl, documentOf } from '../../../test/fixture/client-documents.ts'
import { publicJwk } from '../../../test/fixture/keys.ts'
import type { ReaderFuzzer } from '../fuzzer.ts'
import { accident, hostileText, hostileValue, mutatedMembers, rawJson } from '../hostile.ts'
import type { Random } from '../random.ts'

interface Members {
  [name: string]: unknown
}

const keys = [
  await publicJwk('app-1'),
  await publicJwk('fuzz-rsa', 'RS256'),
  await publicJwk('fuzz-ed', 'EdDSA'),
] as Members[]
const document = await documentOf()
const issuer = 'https://issuer.example/tenant'
const metadata = {
  issuer,
  jwks_uri: `${issuer}/jwks`,
  token_endpoint: `${issuer}/token`,
  authorization_endpoint: `${issuer}/authorize`,
  response_types_supported: ['code'],
  grant_types_supported: ['authorization_code'],
}

/** JSON text of an object that was changed, or bytes that are not quite JSON. */
function textOf(members: Members, random: Random): Buffer {
  const text = JSON.stringify(members)
  if (random.oneIn(4)) return accident(Buffer.from(text), random)
  if (random.oneIn(10))
    return Buffer.from(text.replace(/:("[^"]*"|\[)/, (_, value: string) => `:${rawJson(value, random)}`))
  if (random.oneIn(20)) return Buffer.from(`${text.slice(0, -1)},${text.slice(1)}`)
  return Buffer.from(text)
}

/** Gives undefined for a refusal of one of these kinds, and throws the others on. */
async function refusedBy(read: () => Promise<string | undefined>, kinds: readonly (new (...args: never[]) => Error)[]) {
  try {
    return await read()
  } catch (error) {
    if (kinds.some((kind) => error instanceof kind)) return undefined
    throw error
  }
}

export const clientDocuments: ReaderFuzzer = {
  name: 'cimd',
  title: 'Client metadata documents',
  over: 'reader',
  weight: 36,
  make(random) {
    const extra = [
      'client_secret',
      'client_secret_expires_at',
      'jwks_uri',
      'client_uri',
      'logo_uri',
      'tos_uri',
      'token_endpoint_auth_signing_alg',
      'token_endpoint_auth_methods_supported',
      'software_statement',
    ]
    const changed = mutatedMembers(document, extra, random)
    if (random.oneIn(3))
      changed.redirect_uris = [
        hostileText('https://app.example/callback', random),
        random.pick([
          'javascript:alert(1)',
          'JAVASCRIPT://x',
          ' javascript:x',
          'data:text/html,x',
          'http://evil.example/',
          'https://a@b/',
          'https://a/#b',
          'x',
        ]),
      ]
    if (random.oneIn(4)) changed.jwks = hostileKeys(random)
    const input = textOf(changed, random)
    const source = {
      clientId: appUrl,
      allowLoopback: random.oneIn(2),
      keysAt: () => ({ find: async () => Promise.reject(new JwtError('key_unknown', 'none')) }),
    }
    const read = async () => {
      const { clientId, redirectUris, authMethod, keys: found, name = '' } = await readClientMetadata(input, source)
      if (clientId !== appUrl) return 'another client_id'
      const members = Object.keys(JSON.parse(input.toString()) as object)
      if (members.some((member) => member.startsWith('client_secret'))) return 'a published secret'
      if (redirectUris.some((uri) => /^\s*(javascript|data|vbscript|blob|file):|#/i.test(uri)))
        return `a redirect to ${redirectUris.join(' ')}`
      if (authMethod === 'private_key_jwt' && found === undefined) return 'private_key_jwt without keys'
      if (/[\p{Cc}\p{Cf}]/u.test(name) || [...name].length > 100) return 'a name that is not for people'
      return undefined
    }
    return { input, read: () => refusedBy(read, [ClientMetadataError, JsonError, KeySetError]) }
  },
}

function hostileKeys(random: Random): Members {
  const own = keys.map((key) =>
    random.oneIn(2) ? mutatedMembers(key, ['d', 'k', 'use', 'key_ops', 'alg', 'x5c', 'oth', 'ext'], random) : key,
  )
  const odd = random.pick<unknown>([
    { kty: 'oct', k: 'AAAA' },
    { kty: 'RSA', e: 'AQ', n: 'AQAB'.repeat(100), kid: 'r' },
    { kty: 'RSA', e: 'AQAB', n: '_'.repeat(171), kid: 'small' },
    { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43), kid: 'z' },
    { kty: 'OKP', crv: 'X25519', x: 'A'.repeat(43) },
    hostileValue(keys[0], random),
    keys[0],
  ])
  const list = random.oneIn(30) ? Array.from({ length: 101 }, () => own[0]) : random.oneIn(2) ? [...own, odd] : [odd]
  return random.oneIn(8) ? { keys: hostileValue(list, random) } : { keys: list }
}

export const jwks: ReaderFuzzer = {
  name: 'jwks',
  title: 'JWK Sets',
  over: 'reader',
  weight: 30,
  make(random) {
    const input = textOf(hostileKeys(random), random)
    const read = async () => {
      const source = await keySetOf(parseJsonObject(input))
      const kid = random.pick([undefined, String(keys[0]?.kid), String(keys[1]?.kid), 'r', 'small', 'z'])
      const key = await source.find({ alg: random.pick(signatureAlgorithms), kid })
      if (key.type !== 'public') return `a ${key.type} key`
      const { modulusLength = 2048 } = key.asymmetricKeyDetails ?? {}
      return modulusLength >= 2048 && modulusLength <= 4096 ? undefined : `an RSA key of ${modulusLength} bits`
    }
    return { input, read: () => refusedBy(read, [KeySetError, JsonError, JwtError]) }
  },
}

export const issuerMetadata: ReaderFuzzer = {
  name: 'metadata',
  title: 'Metadata of issuers',
  over: 'reader',
  weight: 44,
  make(random) {
    const input = textOf(mutatedMembers(metadata, ['issuer', 'jwks_uri'], random), random)
    const status = random.pick([200, 200, 200, 200, 204, 301, 404, 500])
    const read = async () => {
      const found = await discoverMetadata(issuer, async () => ({ status, body: input }))
      return found.issuer === issuer ? undefined : `metadata of ${String(found.issuer)}`
    }
    return { input, read: () => refusedBy(read, [MetadataError, JsonError, FetchError]) }
  },
}
