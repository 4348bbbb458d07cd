/** What Debian brings: where it lies, and how one Python program is run. */

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

/** As `npm test` finds or installs them. */
export const programs = {
  python: process.env.PYTHON3 ?? '/usr/bin/python3',
  authlib: process.env.AUTHLIB ?? '/usr/lib/python3/dist-packages/authlib',
  pyjwt: process.env.PYJWT ?? '/usr/lib/python3/dist-packages/jwt',
  pysaml2: process.env.PYSAML2 ?? '/usr/lib/python3/dist-packages/saml2',
  xmlsec: process.env.XMLSEC1 ?? '/usr/bin/xmlsec1',
  apache: process.env.APACHE2 ?? '/usr/sbin/apache2',
  modOauth2: process.env.MOD_OAUTH2 ?? '/usr/lib/apache2/modules/mod_oauth2.so',
}

/** Runs a program of this folder: JSON in, JSON out. Throws an error with what it said when it does not end well. */
export async function python(name: string, asked: unknown): Promise<unknown> {
  const child = spawn(programs.python, [fileURLToPath(new URL(`${name}.py`, import.meta.url))], {
    env: {
      ...process.env,
      PYTHONPATH: [programs.authlib, programs.pyjwt, programs.pysaml2].map((path) => dirname(path)).join(':'),
      // authlib speaks plain HTTP only when it is told to.
      AUTHLIB_INSECURE_TRANSPORT: '1',
    },
  })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  child.stdin.end(JSON.stringify(asked))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${name}.py ended with ${code}: ${Buffer.concat(err)}`)
  return JSON.parse(Buffer.concat(out).toString('utf8')) as unknown
}

/** The upstream version of an installed package; undefined where Debian is another release than the table's, or none. */
export async function versionOnDebian12(name: string): Promise<string | undefined> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
  if (!release.includes('\nVERSION_ID="12"\n')) return undefined
  const { stdout } = spawnSync('dpkg-query', ['--show', name], { encoding: 'utf8' })
  return stdout
    .trim()
    .split('\t')[1]
    ?.replace(/-[^-]*$/, '')
}
