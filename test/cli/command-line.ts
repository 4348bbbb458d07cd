/** Runs a command as the executable would, in a folder of its own, and keeps what it printed. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from '../../src/cli/command.ts'
import { type Enterprise, secret } from '../client/enterprise.ts'

export interface Folder {
  path(name: string): string
  write(name: string, text: string): Promise<string>
  remove(): Promise<void>
}

export async function folder(): Promise<Folder> {
  const root = await mkdtemp(join(tmpdir(), 'xaa-client-'))
  const path = (name: string) => join(root, name)
  return {
    path,
    async write(name, text) {
      await writeFile(path(name), text)
      return path(name)
    },
    remove: () => rm(root, { recursive: true }),
  }
}

export async function runCommand(command: Command, args: string[], env: NodeJS.ProcessEnv = {}) {
  let out = ''
  let err = ''
  const io = {
    out: (text: string) => {
      out += text
    },
    err: (text: string) => {
      err += text
    },
    env,
  }
  return { code: await command.run(args, io), out, err }
}

/** A client configuration for the enterprise; its ID Token is in the variable ID_TOKEN. */
export function configFor({ idp, ras }: Enterprise): string {
  return `identityProvider:
  issuer: ${idp.origin}
  client: { id: assistant, method: client_secret_post, secret: ${secret} }
resourceServers:
  - issuer: ${ras.origin}
    client: { id: assistant-at-chat, method: client_secret_basic, secret: { env: CHAT_SECRET } }
subject:
  idToken: { env: ID_TOKEN }
`
}
