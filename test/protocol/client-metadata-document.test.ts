/** The address and the text of a Client ID Metadata Document: what is taken, and what is refused as a whole. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { clientMetadataDocuments, isMetadataDocumentId } from '../../src/protocol/client-metadata.ts'
import { grantType, idJagGrantProfile } from '../../src/protocol/names.ts'
import { appUrl, documentOf, documentWeb } from '../fixture/client-documents.ts'
import { privateJwk, publicJwk } from '../fixture/keys.ts'

/** Finds the client of one document, as a server that starts now would. */
async function read(
  body: unknown,
  { clientId = appUrl, allowLoopback = false, isPurged = (_kid: string): boolean => false } = {},
) {
  const { pages, fetchDocument } = documentWeb()
  pages.set(clientId, { body })
  const documents = clientMetadataDocuments({ fetchDocument, now: () => 1000, warn: () => {}, allowLoopback, isPurged })
  return await documents.find(clientId)
}
const readWith = async (changes: { [member: string]: unknown }) => await read(await documentOf(appUrl, changes))
const invalid = (detail: string | RegExp) =>
  expect.objectContaining({
    code: 'invalid_client',
    status: 401,
    message: 'client authentication failed',
    reason: 'cimd_invalid',
    detail: expect.stringMatching(detail),
  })

describe('the id of a client [CI-01]', () => {
  it.each([
    'https://app.example/client.json',
    'https://app.example:8443/a/b',
    'https://app.example/a%20b',
    'https://[2001:db8::1]/c',
  ])('is the address of a document: %s', (id) => expect(isMetadataDocumentId(id, { allowLoopback: false })).toBe(true))

  it.each([
    ['no address', 'assistant'],
    ['of another scheme', 'ftp://app.example/client.json'],
    ['without https [ATK-123]', 'http://app.example/client.json'],
    ['with a fragment [ATK-123]', 'https://app.example/client.json#a'],
    ['with an empty fragment [ATK-123]', 'https://app.example/client.json#'],
    ['with a user [ATK-123]', 'https://me@app.example/client.json'],
    ['with a password [ATK-123]', 'https://:pw@app.example/client.json'],
    ['with a query', 'https://app.example/client.json?a'],
    ['with an empty query', 'https://app.example/client.json?'],
    ['with dot segments [ATK-123]', 'https://app.example/a/../client.json'],
    ['with a single dot segment [ATK-123]', 'https://app.example/./client.json'],
    ['with percent-encoded dot segments [ATK-123]', 'https://app.example/a/%2e%2E/client.json'],
    ['with a half-encoded dot segment [ATK-123]', 'https://app.example/.%2e/client.json'],
    ['without a path', 'https://app.example'],
    ['with an empty path', 'https://app.example/'],
    ['in another spelling of the host', 'https://APP.example/client.json'],
    ['with the port that is usual', 'https://app.example:443/client.json'],
    ['with a space', ' https://app.example/client.json'],
    ['with a backslash', 'https://app.example\\client.json'],
    ['that is too long', `https://app.example/${'a'.repeat(250)}`],
  ])('is not one %s', (_, id) => {
    expect(isMetadataDocumentId(id, { allowLoopback: true })).toBe(false)
  })

  it('may be on this machine in development, and only by its name', () => {
    for (const id of ['http://127.0.0.1:4100/c.json', 'http://localhost/c.json', 'http://[::1]:1/c.json']) {
      expect(isMetadataDocumentId(id, { allowLoopback: true })).toBe(true)
      expect(isMetadataDocumentId(id, { allowLoopback: false })).toBe(false)
    }
    expect(isMetadataDocumentId('http://localhost.evil.example/c.json', { allowLoopback: true })).toBe(false)
  })

  it('that is taken has one spelling, and holds nothing but host and path', () => {
    fc.assert(
      fc.property(fc.webUrl({ withFragments: true, withQueryParameters: true }), (id) => {
        if (!isMetadataDocumentId(id, { allowLoopback: false })) return
        const { href, host, pathname } = new URL(id)
        expect([href, `https://${host}${pathname}`]).toEqual([id, id])
      }),
    )
  })

  it('that is none leads to no fetch', async () => {
    const { fetched, fetchDocument } = documentWeb()
    const documents = clientMetadataDocuments({ fetchDocument, now: () => 1000, warn: () => {} })
    for (const id of ['assistant', 'http://127.0.0.1/c.json', 'https://app.example/'])
      await expect(documents.find(id)).rejects.toEqual(invalid('no address of a metadata document'))
    expect(fetched).toEqual([])
  })
})

describe('a document [CI-02]', () => {
  it('says who a client is', async () => {
    const { keys, ...metadata } = await readWith({
      client_uri: 'https://app.example/',
      logo_uri: 'https://app.example/logo.png',
      policy_uri: 'https://app.example/policy',
      tos_uri: 'https://app.example/terms',
      token_endpoint_auth_signing_alg: 'ES256',
      software_id: 'unknown to us',
    })
    expect(metadata).toEqual({
      clientId: appUrl,
      name: 'The App',
      redirectUris: ['https://app.example/callback', 'http://127.0.0.1/callback', 'com.example.app:/callback'],
      authMethod: 'private_key_jwt',
      grantTypes: ['authorization_code', grantType.tokenExchange, grantType.jwtBearer],
      grantProfiles: [idJagGrantProfile],
      links: {
        clientUri: 'https://app.example/',
        logoUri: 'https://app.example/logo.png',
        policyUri: 'https://app.example/policy',
        tosUri: 'https://app.example/terms',
      },
    })
    expect(await keys?.find({ alg: 'ES256', kid: 'app-1' })).toBeDefined()
  })

  it('that says nothing but its id is that of a public client of the code grant', async () => {
    expect(await read({ client_id: appUrl })).toEqual({
      clientId: appUrl,
      redirectUris: [],
      authMethod: 'none',
      grantTypes: ['authorization_code'],
      grantProfiles: [],
      links: {},
    })
  })

  it.each<[string, object, string]>([
    ['has another client_id [ATK-123]', { client_id: 'https://app.example/other.json' }, 'says client_id'],
    ['has its client_id in another spelling', { client_id: 'https://app.example:443/client.json' }, 'says client_id'],
    ['has no client_id', { client_id: undefined }, 'has no usable client_id'],
    ['has a client_id that is no text', { client_id: [appUrl] }, 'has no usable client_id'],
    ['holds a secret [ATK-123]', { client_secret: 'x' }, 'holds client_secret$'],
    ['says when its secret expires [ATK-123]', { client_secret_expires_at: 0 }, 'holds client_secret_expires_at'],
    [
      'wants a secret by Basic [ATK-123]',
      { token_endpoint_auth_method: 'client_secret_basic' },
      'wants client_secret_basic',
    ],
    [
      'wants a secret in the body [ATK-123]',
      { token_endpoint_auth_method: 'client_secret_post' },
      'wants client_secret_post',
    ],
    [
      'wants a symmetric signature [ATK-123]',
      { token_endpoint_auth_method: 'client_secret_jwt' },
      'wants client_secret_jwt',
    ],
    [
      'offers a secret among others',
      { token_endpoint_auth_methods_supported: ['private_key_jwt', 'client_secret_post'] },
      'wants client_secret_post',
    ],
    [
      'prefers what it does not offer',
      { token_endpoint_auth_methods_supported: ['none'] },
      'that is none of the supported ones',
    ],
    [
      'offers what is not served here',
      { token_endpoint_auth_method: 'tls_client_auth' },
      'neither private_key_jwt nor none',
    ],
    ['has keys twice', { jwks_uri: 'https://app.example/jwks' }, 'has jwks and jwks_uri'],
    ['has no keys to sign with', { jwks: undefined }, 'neither jwks nor jwks_uri'],
    ['has keys at no address', { jwks: undefined, jwks_uri: 'keys' }, 'no https address'],
    ['has keys at http', { jwks: undefined, jwks_uri: 'http://app.example/jwks' }, 'no https address'],
    ['has keys on this machine', { jwks: undefined, jwks_uri: 'http://127.0.0.1/jwks' }, 'no https address'],
    ['has keys behind a user', { jwks: undefined, jwks_uri: 'https://a@app.example/jwks' }, 'no https address'],
    ['has keys behind a password', { jwks: undefined, jwks_uri: 'https://:b@app.example/jwks' }, 'no https address'],
    ['has a set without keys', { jwks: { keys: [] } }, 'holds no key for signatures'],
    ['has a symmetric key', { jwks: { keys: [{ kty: 'oct', k: 'AAAA' }] } }, 'private or symmetric key'],
    ['signs with what is not taken', { token_endpoint_auth_signing_alg: 'HS256' }, 'token_endpoint_auth_signing_alg'],
    ['has a redirect that runs in a browser', { redirect_uris: ['javascript:alert(1)'] }, 'redirect URI "javascript'],
    ['has a redirect at http', { redirect_uris: ['http://app.example/cb'] }, 'redirect URI'],
    ['has a redirect with a fragment', { redirect_uris: ['https://app.example/cb#a'] }, 'redirect URI'],
    ['has a redirect with a user', { redirect_uris: ['https://a@app.example/cb'] }, 'redirect URI'],
    ['has a redirect with a password', { redirect_uris: ['https://:b@app.example/cb'] }, 'redirect URI'],
    ['has a relative redirect', { redirect_uris: ['/cb'] }, 'redirect URI'],
    ['has redirects that are no list', { redirect_uris: 'https://app.example/cb' }, 'has no usable redirect_uris'],
    ['has a name that is no text', { client_name: 7 }, 'has no usable client_name'],
  ])('that %s is refused', async (_, changes, detail) => {
    await expect(readWith({ ...changes })).rejects.toEqual(invalid(detail))
    await expect(readWith({})).resolves.toMatchObject({ clientId: appUrl })
  })

  it('with a private key is refused, also of a public client [ATK-123]', async () => {
    const jwks = { keys: [await privateJwk('app-1')] }
    await expect(readWith({ jwks })).rejects.toEqual(invalid('its jwks holds a private or symmetric key'))
    await expect(readWith({ jwks, token_endpoint_auth_method: 'none' })).rejects.toEqual(
      invalid('private or symmetric'),
    )
    const open = { jwks: { keys: [await publicJwk('app-1')] }, token_endpoint_auth_method: 'none' }
    await expect(readWith(open)).resolves.toMatchObject({ authMethod: 'none' })
  })

  it.each([
    ['HTML', '<html>'],
    ['a list', '[]'],
    ['JSON with a member twice', `{"client_id":"${appUrl}","client_id":"${appUrl}"}`],
    ['cut off', `{"client_id":`],
  ])('that is %s is refused', async (_, body) => {
    await expect(read(body)).rejects.toEqual(invalid(''))
    await expect(read(`{"client_id":"${appUrl}"}`)).resolves.toMatchObject({ clientId: appUrl })
  })

  it('announces the grant profile of ID-JAG together with both of its grants, or not at all [META-06] [META-07] [VER-12]', async () => {
    expect(await readWith({})).toMatchObject({ grantProfiles: [idJagGrantProfile] })
    for (const missing of [grantType.tokenExchange, grantType.jwtBearer]) {
      const grants = [grantType.tokenExchange, grantType.jwtBearer].filter((grant) => grant !== missing)
      await expect(readWith({ grant_types: grants })).rejects.toEqual(invalid(`leaves ${missing} out`))
      const without = { grant_types: grants, authorization_grant_profiles_supported: undefined }
      await expect(readWith(without)).resolves.toMatchObject({ grantTypes: grants, grantProfiles: [] })
    }
  })

  it('that offers both methods is of a client that can sign, and prefers what it names', async () => {
    const both = { token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'] }
    const preferring = async (method?: string) => await readWith({ ...both, token_endpoint_auth_method: method })
    expect(await preferring('none')).toMatchObject({ authMethod: 'none', keys: expect.anything() })
    expect(await preferring('private_key_jwt')).toMatchObject({ authMethod: 'private_key_jwt' })
    expect(await preferring()).toMatchObject({ authMethod: 'private_key_jwt' })
  })

  it('that names an algorithm has keys for no other', async () => {
    const jwks = { keys: [await publicJwk('app-1'), await publicJwk('app-2', 'EdDSA')] }
    const { keys } = await readWith({ jwks, token_endpoint_auth_signing_alg: 'ES256' })
    await expect(keys?.find({ alg: 'EdDSA', kid: 'app-2' })).rejects.toMatchObject({ reason: 'alg_not_allowed' })
    await expect(keys?.find({ alg: 'ES256', kid: 'app-1' })).resolves.toBeDefined()
  })

  it('whose key was purged has the others', async () => {
    const jwks = { keys: [await publicJwk('app-1'), await publicJwk('app-3')] }
    const { keys } = await read(await documentOf(appUrl, { jwks }), { isPurged: (kid) => kid === 'app-1' })
    await expect(keys?.find({ alg: 'ES256', kid: 'app-1' })).rejects.toMatchObject({ reason: 'key_unknown' })
    await expect(keys?.find({ alg: 'ES256', kid: 'app-3' })).resolves.toBeDefined()
  })

  it('may have its keys on this machine in development', async () => {
    const clientId = 'http://127.0.0.1:4100/c.json'
    const body = await documentOf(clientId, { jwks: undefined, jwks_uri: 'http://127.0.0.1:4100/jwks' })
    expect(await read(body, { clientId, allowLoopback: true })).toMatchObject({ authMethod: 'private_key_jwt' })
  })

  it('gives people text that neither hides nor turns what stands beside it, and no more than 100 characters', async () => {
    expect(await readWith({ client_name: ' Nice\u202e\u0007 App\u200b\n' })).toMatchObject({ name: 'Nice App' })
    expect((await readWith({ client_name: '\u{1f99c}'.repeat(200) })).name).toBe('\u{1f99c}'.repeat(100))
    expect(await readWith({ client_name: '\u200e \u0000' })).not.toHaveProperty('name')
  })

  it('gives people https addresses, and leaves out any other', async () => {
    const links = {
      client_uri: 'javascript:alert(1)',
      logo_uri: 'http://app.example/',
      policy_uri: 'no',
      tos_uri: `https://a/${'a'.repeat(2100)}`,
    }
    expect(await readWith(links)).toMatchObject({ links: {} })
    expect(await readWith({ ...links, tos_uri: 'https://a/' })).toMatchObject({ links: { tosUri: 'https://a/' } })
  })
})
