/** What each method of client authentication puts into a token request. */

import { decodeProtectedHeader, exportJWK, generateKeyPair, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  type ClientAuthentication,
  clientSecretBasic,
  clientSecretPost,
  privateKeyJwt,
} from '../../src/client/client.ts'

const issuer = 'https://auth.chat.example'
const tokenEndpoint = 'https://auth.chat.example/oauth/token'
const clock = { now: () => 1_800_000_000.5, newId: () => 'id-1' }

async function sent(client: ClientAuthentication) {
  const headers = new Headers()
  const form = new URLSearchParams()
  await client.authenticate({ headers, form, issuer, tokenEndpoint }, clock)
  return { authorization: headers.get('authorization'), form: Object.fromEntries(form) }
}

describe('a client secret', () => {
  it('goes form-encoded into the Basic header (RFC 6749 §2.3.1)', async () => {
    const { authorization, form } = await sent(clientSecretBasic('a:b', 'p+ä %'))
    expect(atob(authorization?.slice('Basic '.length) ?? '')).toBe('a%3Ab:p%2B%C3%A4+%25')
    expect(form).toEqual({})
  })

  it('goes into the body', async () => {
    const { authorization, form } = await sent(clientSecretPost('wiki', 'secret'))
    expect([authorization, form]).toEqual([null, { client_id: 'wiki', client_secret: 'secret' }])
  })

  it('must not be empty', () => {
    expect(() => clientSecretBasic('wiki', '')).toThrow(TypeError)
    expect(() => clientSecretPost('', 'secret')).toThrow('id must not be empty')
  })
})

describe('a client assertion', () => {
  it('is addressed to the issuer, typed, and good for 60 seconds (RFC 7523, RFC 10070)', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const { form } = await sent(privateKeyJwt('wiki', { ...(await exportJWK(privateKey)), kid: 'key-1' }))
    expect(form.client_assertion_type).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    const { payload, protectedHeader } = await jwtVerify(form.client_assertion ?? '', publicKey, {
      currentDate: new Date(1.8e12),
    })
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'client-authentication+jwt', kid: 'key-1' })
    expect(payload).toEqual({
      iss: 'wiki',
      sub: 'wiki',
      aud: issuer,
      jti: 'id-1',
      iat: 1_800_000_000,
      exp: 1_800_000_060,
    })
  })

  it('is addressed to the token endpoint for servers that want it so (OKTA-04)', async () => {
    const { privateKey, publicKey } = await generateKeyPair('RS256')
    const { form } = await sent(privateKeyJwt('wiki', privateKey, { audience: 'token-endpoint', kid: 'r' }))
    const options = { audience: tokenEndpoint, currentDate: new Date(1.8e12) }
    expect((await jwtVerify(form.client_assertion ?? '', publicKey, options)).protectedHeader).toMatchObject({
      alg: 'RS256',
      kid: 'r',
    })
  })

  it.each(['ES256', 'ES384', 'EdDSA', 'RS256', 'PS256'] as const)(
    'is signed with %s when the key is for it',
    async (alg) => {
      const { privateKey } = await generateKeyPair(alg, { extractable: true })
      for (const key of [privateKey, { ...(await exportJWK(privateKey)), alg }]) {
        const { form } = await sent(privateKeyJwt('wiki', key))
        expect(JSON.parse(atob((form.client_assertion ?? '').split('.')[0] ?? '')).alg).toBe(alg)
      }
    },
  )

  it('needs a private key', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(publicKey)
    for (const options of [{}, { alg: 'ES256' }] as const) {
      expect(() => privateKeyJwt('wiki', jwk, options)).toThrow('not a private key')
      expect(() => privateKeyJwt('wiki', publicKey, options)).toThrow('not a private key')
      expect(() => privateKeyJwt('wiki', { kty: 'oct', k: 'c2VjcmV0' }, options)).toThrow('not a private key')
      expect((await sent(privateKeyJwt('wiki', privateKey, options))).form.client_assertion).toBeDefined()
    }
  })

  it('needs a key for signatures by an algorithm that is known, and never takes it for another', async () => {
    const unknown = (kind: string) => `no algorithm is known for a key of type ${kind}`
    const p521 = await generateKeyPair('ES512', { extractable: true })
    expect(() => privateKeyJwt('wiki', p521.privateKey)).toThrow(unknown('P-521'))
    expect(() => privateKeyJwt('wiki', { kty: 'EC', crv: 'toString', d: 'AA' })).toThrow(unknown('toString'))
    const decrypting = await generateKeyPair('RSA-OAEP-256', { extractable: true })
    expect(() => privateKeyJwt('wiki', decrypting.privateKey)).toThrow(unknown('RSA-OAEP'))
    const { alg: _, ...rsa } = await exportJWK(decrypting.privateKey)
    expect(() => privateKeyJwt('wiki', { ...rsa, alg: 'RSA-OAEP-256' })).toThrow(TypeError)
    expect(() => privateKeyJwt('wiki', { ...rsa, alg: 'RS512' })).toThrow(unknown('RS512'))
    for (const key of [rsa, { ...rsa, alg: 'RS256' }]) {
      const { form } = await sent(privateKeyJwt('wiki', key))
      expect(decodeProtectedHeader(form.client_assertion ?? '').alg).toBe('RS256')
    }
  })

  it('is signed with EdDSA by a key whose alg is called Ed25519 (RFC 9864)', async () => {
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true })
    const { form } = await sent(privateKeyJwt('wiki', { ...(await exportJWK(privateKey)), alg: 'Ed25519' }))
    const { protectedHeader } = await jwtVerify(form.client_assertion ?? '', publicKey, {
      currentDate: new Date(1.8e12),
    })
    expect(protectedHeader.alg).toBe('EdDSA')
  })
})
