/** Which addresses are safe, and which lie within a resource. */

import { describe, expect, it } from 'vitest'
import { isSafeAddress, isWithin } from '../../src/client/address.ts'

describe('an address', () => {
  it.each(['https://api.example/x', 'http://127.0.0.1:4000', 'http://localhost/x', 'http://[::1]:1', 'http://0x7f.1/'])(
    '%s is safe',
    (address) => {
      expect(isSafeAddress(address)).toBe(true)
    },
  )

  it.each([
    'http://api.example',
    'http://localhost.example',
    'http://127.0.0.1.example',
    'http://10.0.0.1',
    'ftp://localhost',
    'https://u:p@api.example',
    'https://api.example/#x',
    '/x',
    '',
  ])('%s is not safe', (address) => {
    expect(isSafeAddress(address)).toBe(false)
  })

  it('on loopback in the clear is safe only when loopback named it', () => {
    expect(isSafeAddress('http://127.0.0.1:1/token', 'https://api.example')).toBe(false)
    expect(isSafeAddress('http://127.0.0.1:1/token', 'http://127.0.0.1:2')).toBe(true)
  })
})

describe('a resource', () => {
  it.each([
    ['https://api.example', 'https://api.example/'],
    ['https://api.example', 'https://api.example/deep/x?y'],
    ['https://api.example/mcp', 'https://api.example/mcp'],
    ['https://api.example/mcp', 'https://api.example/mcp?x=1'],
    ['https://api.example/mcp', 'https://api.example/mcp/x'],
    ['https://api.example/mcp/', 'https://api.example/mcp/x'],
    ['https://API.example:443/mcp', 'https://api.example/mcp'],
    ['https://api.example/mcp?t=1', 'https://api.example/mcp?t=1'],
  ])('%s holds %s', (resource, address) => {
    expect(isWithin(address, resource)).toBe(true)
  })

  it.each([
    ['https://api.example/mcp', 'https://api.example/mcpx'],
    ['https://api.example/mcp', 'https://api.example/'],
    ['https://api.example/mcp', 'https://api.example/mcp/../admin'],
    ['https://api.example/mcp', 'https://api.example/MCP'],
    ['https://api.example/mcp/', 'https://api.example/mcp'],
    ['https://api.example/mcp', 'https://api.example.evil.example/mcp'],
    ['https://api.example/mcp', 'http://api.example/mcp'],
    ['https://api.example/mcp', 'https://api.example:8443/mcp'],
    ['https://api.example/mcp?t=1', 'https://api.example/mcp?t=2'],
    ['https://api.example/mcp?t=1', 'https://api.example/mcp/x?t=1'],
  ])('%s does not hold %s', (resource, address) => {
    expect(isWithin(address, resource)).toBe(false)
  })
})
