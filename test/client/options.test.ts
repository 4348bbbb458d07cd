/** Which options can never work, and what is used where they say nothing. */

import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import {
  type CrossAppOptions,
  clientSecretBasic,
  clientSecretPost,
  createCrossAppClient,
  createCrossAppFetch,
  privateKeyJwt,
} from '../../src/client/client.ts'
import { enterprise } from './enterprise.ts'

const secret = 'a-secret-of-at-least-thirty-two-characters'
const identityProvider = { issuer: 'https://id.acme.example', client: clientSecretPost('assistant', secret) }
const entry = { client: clientSecretBasic('assistant-at-chat', secret) }
const chat = 'https://auth.chat.example'

function made(change: Partial<CrossAppOptions>) {
  return () => createCrossAppFetch({ identityProvider, resourceServers: { [chat]: entry }, subject: {}, ...change })
}

describe('options', () => {
  it.each<[string, Partial<CrossAppOptions>, Partial<CrossAppOptions>]>([
    [
      'identityProvider.issuer',
      { identityProvider: { ...identityProvider, issuer: 'http://id.acme.example' } },
      { identityProvider: { ...identityProvider, issuer: 'http://127.0.0.1:4000' } },
    ],
    [
      'identityProvider.issuer',
      { identityProvider: { ...identityProvider, issuer: 'https://id.acme.example?x=1' } },
      { identityProvider },
    ],
    [
      'identityProvider.tokenEndpoint',
      { identityProvider: { ...identityProvider, tokenEndpoint: 'http://127.0.0.1:1/token' } },
      { identityProvider: { ...identityProvider, tokenEndpoint: 'https://id.acme.example/token' } },
    ],
    ['resourceServers', { resourceServers: { 'auth.chat.example': entry } }, { resourceServers: { [chat]: entry } }],
    [
      `resourceServers["${chat}"].scope`,
      { resourceServers: { [chat]: { ...entry, scope: 'chat.read  chat.write' } } },
      { resourceServers: { [chat]: { ...entry, scope: 'chat.read chat.write' } } },
    ],
    [
      `resourceServers["${chat}"].scope`,
      { resourceServers: { [chat]: { ...entry, scope: 'chat"read' } } },
      { resourceServers: { [chat]: { ...entry, scope: '' } } },
    ],
    ['skew', { skew: -1 }, { skew: 0 }],
    ['skew', { skew: Number.NaN }, { skew: 60 }],
    ['timeout', { timeout: 0 }, { timeout: 0.5 }],
    ['timeout', { timeout: Number.POSITIVE_INFINITY }, { timeout: 86_400 }],
  ])('are refused at once, naming %s', (name, wrong, right) => {
    expect(made(wrong)).toThrow(TypeError)
    expect(made(wrong)).toThrow(name)
    expect(made(right)).not.toThrow()
  })

  it('that are changed afterwards trust nobody new', async () => {
    const world = await enterprise()
    try {
      const { origin } = world.ras
      const resourceServers: { [issuer: string]: { client: typeof entry.client } } = {}
      const options = await world.options({ resourceServers })
      const before = createCrossAppClient(options)
      resourceServers[origin] = entry
      await expect(before.token(world.resource)).rejects.toMatchObject({ step: 'discovery', stop: 'check' })
      expect((await createCrossAppClient(options).token(world.resource)).authorizationServer).toBe(origin)
    } finally {
      await world.close()
    }
  })

  it('may leave out clock, ids and listener: the system clock and random ids are used', async () => {
    const start = Date.now() / 1000
    const world = await enterprise(Math.floor(start))
    try {
      const { subject } = await world.options()
      const client = (id: string) => privateKeyJwt(id, world.clientKey)
      const token = await createCrossAppClient({
        identityProvider: { issuer: world.idp.origin, client: client('assistant') },
        resourceServers: { [world.ras.origin]: { client: client('assistant-at-chat') } },
        subject,
      }).token(world.resource)
      expect(token.expiresAt).toBeGreaterThanOrEqual(start + 600)
      expect(token.expiresAt).toBeLessThanOrEqual(Date.now() / 1000 + 600)
      const ids = [world.idp, world.ras].map(({ seen }) => {
        const form = new URLSearchParams(seen.find(({ path }) => path === '/token')?.body)
        return decodeJwt(form.get('client_assertion') ?? '').jti
      })
      for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{32}$/)
      expect(new Set(ids).size).toBe(2)
    } finally {
      await world.close()
    }
  })
})
