/** Debian's Apache with mod_oauth2 before three pages, each of which it guards in another way: by key set, metadata, introspection. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { programs } from './programs.ts'
import type { ServedVendor } from './vendor.ts'

export const pages = ['by-jwks-uri', 'by-metadata', 'by-introspection'] as const

export interface Apache {
  /** Asks for a page; without a token when there is none. */
  get(page: (typeof pages)[number], token?: string): Promise<Response>
  close(): Promise<void>
}

/** Starts Apache in a folder of its own. Throws an error with its log when it does not answer within ten seconds. */
export async function startApache(vendor: ServedVendor): Promise<Apache> {
  const folder = await mkdtemp(join(tmpdir(), 'xaa-apache-'))
  const port = await freePort()
  // Started by root, it serves as another user, who must find the pages.
  await chmod(folder, 0o755)
  for (const page of pages) {
    await mkdir(join(folder, page))
    await writeFile(join(folder, page, 'index.txt'), `${page}\n`)
  }
  await writeFile(join(folder, 'apache.conf'), configuration(folder, port, vendor))
  const child = spawn(programs.apache, ['-d', folder, '-f', join(folder, 'apache.conf'), '-D', 'FOREGROUND'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(child, 'close')
  const said: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk))
  const apache: Apache = {
    async get(page, token) {
      const headers: { [name: string]: string } = token === undefined ? {} : { authorization: `Bearer ${token}` }
      return await fetch(`http://127.0.0.1:${port}/${page}/index.txt`, { headers })
    },
    async close() {
      child.kill('SIGTERM')
      await ended
      await rm(folder, { recursive: true })
    },
  }
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) break
    const answer = await apache.get('by-jwks-uri').catch(() => undefined)
    if (answer !== undefined) return apache
    await delay(50)
  }
  const log = await readFile(join(folder, 'error.log'), 'utf8').catch(() => '')
  await apache.close()
  throw new Error(`Apache does not answer: ${Buffer.concat(said)}${log}`)
}

function configuration(folder: string, port: number, { issuer, resource, api }: ServedVendor): string {
  const credentials = new URLSearchParams({ client_id: api.id, client_secret: api.secret })
  const verify: { [page in (typeof pages)[number]]: string } = {
    'by-jwks-uri': `jwks_uri ${issuer}/jwks verify.exp=required&verify.iat=required`,
    'by-metadata': `metadata ${issuer}/.well-known/oauth-authorization-server introspect.auth=client_secret_basic&${credentials}`,
    'by-introspection': `introspect ${issuer}/introspect introspect.auth=client_secret_basic&${credentials}&expiry=1`,
  }
  const modules = ['mpm_event', 'authn_core', 'authz_core', 'authz_user']
  return [
    `ServerName 127.0.0.1`,
    `Listen 127.0.0.1:${port}`,
    `PidFile ${folder}/apache.pid`,
    `ErrorLog ${folder}/error.log`,
    `DefaultRuntimeDir ${folder}`,
    ...modules.map((name) => `LoadModule ${name}_module ${dirname(programs.modOauth2)}/mod_${name}.so`),
    `LoadModule oauth2_module ${programs.modOauth2}`,
    'User nobody',
    'Group nogroup',
    'StartServers 1',
    `DocumentRoot ${folder}`,
    ...pages.flatMap((page) => [
      `<Location /${page}>`,
      '  AuthType oauth2',
      `  OAuth2TokenVerify ${verify[page]}`,
      // Who the token is from and for is a matter of its own to this module.
      '  <RequireAll>',
      `    Require oauth2_claim iss:${issuer}`,
      `    Require oauth2_claim aud:${resource}`,
      '  </RequireAll>',
      '</Location>',
    ]),
    '',
  ].join('\n')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
