/** Where an issuer's metadata is looked for. */

import { describe, expect, it } from 'vitest'
import { discoverMetadata, metadataAddresses } from '../../src/protocol/issuer-keys.ts'

const issuer = 'https://idp.example/t1'
const first = 'https://idp.example/.well-known/oauth-authorization-server/t1'

describe('metadata', () => {
  it('is looked for at the addresses of both specifications, once each', () => {
    expect(metadataAddresses(issuer)).toEqual([
      first,
      'https://idp.example/.well-known/openid-configuration/t1',
      'https://idp.example/t1/.well-known/openid-configuration',
    ])
    expect(metadataAddresses('https://idp.example/')).toEqual([
      'https://idp.example/.well-known/oauth-authorization-server',
      'https://idp.example/.well-known/openid-configuration',
    ])
    expect(metadataAddresses(`${issuer}/`)).toEqual(metadataAddresses(issuer))
  })

  it('at a later address is found when the earlier ones are 4xx', async () => {
    const fetched: string[] = []
    const last = 'https://idp.example/t1/.well-known/openid-configuration'
    const found = await discoverMetadata(issuer, async (url) => {
      fetched.push(url)
      return url === last
        ? { status: 200, body: Buffer.from(JSON.stringify({ issuer })) }
        : { status: 401, body: Buffer.from('') }
    })
    expect(found).toEqual({ issuer })
    expect(fetched).toEqual(metadataAddresses(issuer))
  })
})
