/** Resource indicators: their syntax and their equality. */

import { describe, expect, it } from 'vitest'
import { protectedResourceMetadataUrl } from '../../src/protocol/metadata.ts'
import { isResourceIndicator, sameResource } from '../../src/protocol/resource.ts'

describe('a resource indicator', () => {
  it.each([
    'https://api.example',
    'https://api.example/mcp?x=1',
    'http://127.0.0.1:1/',
    'urn:example:chat',
    'api://x/y',
  ])('may be %s', (text) => {
    expect(isResourceIndicator(text)).toBe(true)
  })

  it.each([
    '',
    '/mcp',
    'mcp',
    'https://api.example/#',
    'https://api.example/a#b',
    'https:',
    'https://a b',
    'https://a\n',
    `https://x/${'y'.repeat(2048)}`,
  ])('may not be %j', (text) => {
    expect(isResourceIndicator(text)).toBe(false)
  })
})

describe('two resource indicators', () => {
  it.each([
    ['https://api.example', 'https://api.example/'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080/'],
    ['urn:a', 'urn:a'],
  ])('%s and %s are the same', (one, other) => {
    expect(sameResource(one, other)).toBe(true)
    expect(sameResource(other, one)).toBe(true)
  })

  it.each([
    ['https://api.example/mcp', 'https://api.example/mcp/'],
    ['https://api.example/a', 'https://api.example/a?x=1'],
    ['https://api.example', 'https://API.example'],
    ['https://api.example', 'http://api.example'],
    ['https://api.example', 'https://api.example:443'],
    ['https://api.example?x', 'https://api.example/?x'],
    ['https://api.example', 'https://api.example.evil.example'],
  ])('[T20] %s and %s are not', (one, other) => {
    expect(sameResource(one, other)).toBe(false)
  })
})

describe('the address of a resource’s metadata (RFC 9728 §3.1)', () => {
  it.each([
    ['https://api.example', 'https://api.example/.well-known/oauth-protected-resource'],
    ['https://api.example/', 'https://api.example/.well-known/oauth-protected-resource'],
    ['https://api.example/mcp', 'https://api.example/.well-known/oauth-protected-resource/mcp'],
    ['https://api.example/a/b?c=d', 'https://api.example/.well-known/oauth-protected-resource/a/b?c=d'],
  ])('of %s is %s', (resource, address) => {
    expect(protectedResourceMetadataUrl(resource)).toBe(address)
  })
})
