/** Clients that a document describes, at a token endpoint: what they may bring, and when their document is fetched. */

import { SignJWT } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { authenticateClient } from '../../src/protocol/client-auth.ts'
import { clientMetadataDocuments } from '../../src/protocol/client-metadata.ts'
import { documentClient } from '../../src/protocol/document-client.ts'
import { parseForm } from '../../src/protocol/form.ts'
import { clientAssertionType } from '../../src/protocol/names.ts'
import { appUrl, documentOf, documentWeb } from '../fixture/client-documents.ts'
import { signerOf } from '../fixture/keys.ts'
import { testPorts } from '../fixture/ports.ts'

const issuer = 'https://as.example'
let web: ReturnType<typeof documentWeb>
let world: ReturnType<typeof testPorts>
beforeEach(async () => {
  web = documentWeb()
  world = testPorts()
  web.pages.set(appUrl, { body: await documentOf() })
})

async function authenticate(form: { [name: string]: string }, { enabled = true, authorization = [] as string[] } = {}) {
  const { ports } = world
  const documents = clientMetadataDocuments({ fetchDocument: web.fetchDocument, now: ports.now, warn: () => {} })
  const findClient = async (id: string) => documentClient({ id, enabled }, documents)
  const request = { authorization, form: parseForm(new URLSearchParams(form).toString()) }
  return await authenticateClient(request, { issuer, findClient, skew: 30, ports })
}

async function assertion(changes: { [claim: string]: unknown } = {}, { kid = 'app-1', alg = 'ES256' as const } = {}) {
  const { key } = await signerOf(kid, alg)
  const iat = world.clock.now
  const claims = { iss: appUrl, sub: appUrl, aud: issuer, jti: 'a-1', iat, exp: iat + 60, ...changes }
  const client_assertion = await new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(key)
  return { client_id: appUrl, client_assertion_type: clientAssertionType, client_assertion }
}
const refused = (reason: string) =>
  expect.objectContaining({ code: 'invalid_client', message: 'client authentication failed', reason })

describe('a client with a document', () => {
  it('authenticates with the key that its document names, once [D-08]', async () => {
    const form = await assertion()
    const { client, spend } = await authenticate(form)
    expect(client.id).toBe(appUrl)
    await spend()
    await expect((await authenticate(form)).spend()).rejects.toEqual(refused('client_assertion_replay'))
  })

  it('is refused with the key of another', async () => {
    await expect(authenticate(await assertion({}, { kid: 'app-2' }))).rejects.toEqual(
      refused('client_assertion_invalid'),
    )
  })

  it('is refused while its document cannot be used, in the same words', async () => {
    web.pages.set(appUrl, { status: 404, body: {} })
    await expect(authenticate(await assertion())).rejects.toEqual(refused('fetch_failed'))
    web.pages.set(appUrl, { body: await documentOf(appUrl, { client_secret: 'x' }) })
    await expect(authenticate(await assertion())).rejects.toEqual(refused('cimd_invalid'))
  })

  it('that is public may not use the grants, and one that can sign must [D-08]', async () => {
    await expect(authenticate({ client_id: appUrl })).rejects.toEqual(refused('client_unauthenticated'))
    const open = await documentOf(appUrl, { token_endpoint_auth_method: 'none', jwks: undefined })
    web.pages.set(appUrl, { body: open })
    await expect(authenticate({ client_id: appUrl })).rejects.toMatchObject({
      code: 'unauthorized_client',
      reason: 'public_client',
    })
    await expect(authenticate(await assertion())).rejects.toEqual(refused('auth_method_mismatch'))
  })

  it.each<[string, () => Promise<{ [name: string]: string }>, string]>([
    ['another issuer', () => assertion({ iss: 'https://other.example/c.json' }), 'client_assertion_invalid'],
    ['another subject', () => assertion({ sub: 'https://other.example/c.json' }), 'client_assertion_invalid'],
    ['another audience', () => assertion({ aud: 'https://other.example' }), 'client_assertion_invalid'],
    ['no id', () => assertion({ jti: undefined }), 'client_assertion_invalid'],
    ['a time that is over', () => assertion({ exp: world.clock.now - 60 }), 'client_assertion_invalid'],
    ['no JWT', async () => ({ ...(await assertion()), client_assertion: 'a.b.c' }), 'client_assertion_invalid'],
    ['a secret', async () => ({ client_id: appUrl, client_secret: 'x' }), 'client_unauthenticated'],
  ])('whose request has %s is refused, and nothing is fetched for it', async (_, form, reason) => {
    await expect(authenticate(await form())).rejects.toEqual(refused(reason))
    expect(web.fetched).toEqual([])
    await expect(authenticate(await assertion())).resolves.toMatchObject({ client: { id: appUrl } })
    expect(web.fetched).toEqual([appUrl])
  })

  it('that comes with a password is refused, and nothing is fetched for it', async () => {
    const basic = `Basic ${btoa(`${encodeURIComponent(appUrl)}:x`)}`
    await expect(authenticate({}, { authorization: [basic] })).rejects.toEqual(refused('client_unauthenticated'))
    expect(web.fetched).toEqual([])
  })

  it('that is disabled is refused, and nothing is fetched for it', async () => {
    const disabled = { enabled: false }
    await expect(authenticate(await assertion(), disabled)).rejects.toEqual(refused('client_disabled'))
    await expect(authenticate({ client_id: appUrl }, disabled)).rejects.toEqual(refused('client_unauthenticated'))
    expect(web.fetched).toEqual([])
  })
})
