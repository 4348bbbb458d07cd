/** ID-JAGs as another implementation would sign them, with single claims changed. */

import type { SigningKey } from '../../../src/protocol/keys.ts'
import { jwtType } from '../../../src/protocol/names.ts'
import { signed } from '../../fixture/tokens.ts'
import { mcp } from './companies.ts'

/** One for alice, for `assistant-at-chat` at the chat’s MCP server, valid for a minute from now. */
export async function idJagOf(
  issuer: string,
  signer: SigningKey,
  claims: { [claim: string]: unknown },
  header: { [member: string]: unknown } = {},
): Promise<string> {
  const iat = Math.floor(Date.now() / 1000)
  const good = {
    iss: issuer,
    sub: 'alice',
    client_id: 'assistant-at-chat',
    jti: crypto.randomUUID(),
    iat,
    exp: iat + 60,
    scope: 'chat.read',
    resource: mcp,
  }
  return signed({ typ: jwtType.idJag, ...header }, { ...good, ...claims }, signer)
}
