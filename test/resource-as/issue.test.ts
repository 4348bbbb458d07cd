/** The access token for a person who was here: what it says without an ID-JAG. */

import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { jwtAccessTokens } from '../../src/resource-as/issue.ts'
import { chat, mcp } from '../fixture/addresses.ts'
import { signingKeysNamed } from '../fixture/keys.ts'

describe('jwtAccessTokens', () => {
  it('says how a person signed in, and names no actor, where no ID-JAG came', async () => {
    const signingKeys = await signingKeysNamed(['chat-1'])
    const issue = jwtAccessTokens({ issuer: chat, signingKeys, lifetime: 60, copyActor: true })
    const granted = { account: 'u-alice', client: 'wiki', audience: mcp, scope: 'chat.read', tokenId: 'one', now: 1000 }
    const { accessToken } = await issue({ ...granted, signIn: { authTime: 900, acr: 'high', amr: ['pwd'] } })
    const claims = decodeJwt(accessToken)
    expect(claims).toMatchObject({ sub: 'u-alice', auth_time: 900, acr: 'high', amr: ['pwd'], exp: 1060 })
    expect(claims).not.toHaveProperty('act')
    expect(decodeJwt((await issue({ ...granted, signIn: {} })).accessToken)).not.toHaveProperty('auth_time')
  })
})
