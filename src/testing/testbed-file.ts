/** The file by which scripts find their way in a test bed: every address, id and secret, in a published format. */

import { randomBytes } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import * as z from 'zod'
import type { Credentials } from './clients.ts'
import { chatScopes } from './enterprise.ts'
import type { World } from './world.ts'

const address = z.url()
/** Credentials at one server. `jwkFile` is a private JWK Set for `private_key_jwt`, where the client may use that. */
const credentials = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9._~-]+$/),
  secret: z.string().regex(/^[A-Za-z0-9._~-]+$/),
  jwkFile: z.string().optional(),
})

/** The whole format. Nothing else is in the file, and nothing of this is ever missing but what is marked optional. */
export const TestbedFile = z.strictObject({
  idp: z.strictObject({ issuer: address, tokenEndpoint: address, signingKeyFile: z.string() }),
  /** A foreign OIDC issuer whose ID Tokens the identity provider accepts. */
  upstream: z.strictObject({ issuer: address, signingKeyFile: z.string() }),
  /** `tokenEndpoints` has one address for each instance. */
  resourceAs: z.array(
    z.strictObject({ name: z.string(), issuer: address, tokenEndpoints: z.array(address).nonempty() }),
  ),
  /** The MCP server behind the resource authorization server `chat`, and a tool that says who calls. */
  resource: z.strictObject({ url: address, tool: z.string(), scopes: z.array(z.string()) }),
  clients: z.array(z.strictObject({ name: z.string(), idp: credentials, resourceAs: credentials })),
  users: z.array(
    z.strictObject({
      name: z.string(),
      sub: z.string(),
      email: z.string(),
      groups: z.array(z.string()),
      disabled: z.literal(true).optional(),
    }),
  ),
  admin: z.strictObject({ url: address, token: z.string() }),
})
export type TestbedFile = z.infer<typeof TestbedFile>

/** What the file says of a world. */
export function testbedFileOf(world: World): TestbedFile {
  const { idp, upstream, resourceAs, resources, clients, users, admin } = world
  return {
    idp,
    upstream,
    resourceAs: (['chat', 'files'] as const).map((name) => ({
      name,
      issuer: resourceAs[name].issuer,
      tokenEndpoints: [...resourceAs[name].tokenEndpoints],
    })),
    resource: { url: resources.mcp, tool: 'whoami', scopes: chatScopes },
    clients: Object.values(clients).map(({ name, idp, resourceAs }) => ({
      name,
      idp: credentialsOf(idp),
      resourceAs: credentialsOf(resourceAs),
    })),
    users: users.map(({ name, sub, email, groups, enabled }) => ({
      name,
      sub,
      email,
      groups: [...groups],
      ...(enabled ? {} : { disabled: true as const }),
    })),
    admin,
  }
}

function credentialsOf({ id, secret, jwkFile }: Credentials): TestbedFile['clients'][number]['idp'] {
  return { id, secret, ...(jwkFile === undefined ? {} : { jwkFile }) }
}

/** Writes the file, mode 0600, in one rename: a reader that waits for it never sees a half. Rejects with a sentence that names it. */
export async function writeTestbedFile(path: string, content: TestbedFile): Promise<void> {
  const draft = join(dirname(resolve(path)), `.${basename(path)}.${randomBytes(6).toString('hex')}`)
  try {
    await writeFile(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    await rename(draft, path)
  } catch (cause) {
    await rm(draft, { force: true })
    const { code } = cause as { code?: string }
    throw new Error(`${path} cannot be written (${code ?? 'unknown'})`, { cause })
  }
}
