/** Which remembered resource an address belongs to, and how many are remembered. */

import { describe, expect, it } from 'vitest'
import type { Target } from '../../src/client/access.ts'
import { clientSecretBasic } from '../../src/client/client.ts'
import { settingsOf } from '../../src/client/options.ts'
import { targetsOf } from '../../src/client/targets.ts'

const issuer = 'https://auth.chat.example'
const entry = { client: clientSecretBasic('assistant', 'a-secret-of-at-least-thirty-two-characters') }

function targets() {
  const settings = settingsOf({
    identityProvider: { issuer: 'https://id.acme.example', client: entry.client },
    resourceServers: { [issuer]: entry },
    subject: {},
  })
  return targetsOf(settings, () => Promise.reject(new Error('what is remembered needs no request')))
}

function target(resource: string, scopes: string[] = []): Target {
  return { resource, authorizationServer: issuer, entry, scopes }
}

describe('an address', () => {
  it('belongs to the nearest resource it lies within, whichever was remembered first', () => {
    const [wide, near] = [target('https://api.example/'), target('https://api.example/mcp')]
    for (const order of [
      [wide, near],
      [near, wide],
    ]) {
      const remembered = targets()
      for (const one of order) remembered.remember(one)
      expect(remembered.known('https://api.example/mcp/below')).toBe(near)
      expect(remembered.known('https://api.example/mcpx')).toBe(wide)
      expect(remembered.known('https://api.other.example/mcp')).toBeUndefined()
    }
  })
})

describe('of more than a hundred resources', () => {
  const address = (number: number) => `https://api-${number}.example/`

  it('the one granted longest ago is forgotten', () => {
    const remembered = targets()
    for (let number = 0; number < 100; number++) remembered.remember(target(address(number)))
    expect(remembered.known(address(0))).toBeDefined()
    for (const again of [0, 5]) remembered.remember(target(address(again), ['chat.write']))
    for (let number = 0; number < 100; number++) expect(remembered.known(address(number))).toBeDefined()
    remembered.remember(target(address(100)))
    expect(remembered.known(address(1))).toBeUndefined()
    expect(remembered.known(address(0))).toMatchObject({ scopes: ['chat.write'] })
    expect(remembered.known(address(100))).toBeDefined()
  })
})
