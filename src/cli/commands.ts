/** The commands of `xaa`: one word chooses one file of this folder, and only that one is loaded. */

import { readFile } from 'node:fs/promises'
import { nearest } from '../server/spelling.ts'
import type { Command, Io } from './command.ts'

interface Entry {
  /** Also in the file itself; here, so that the list of commands loads none of them. */
  summary: string
  load(): Promise<Command>
}

/** The commands by their word. */
export const commands: { readonly [word: string]: Entry } = {
  serve: {
    summary: 'run an identity provider, a resource authorization server, or both',
    load: () => import('./serve.ts'),
  },
  audit: { summary: 'verify audit files, follow them, and find events in them', load: () => import('./audit.ts') },
  keys: { summary: 'make, list and rotate signing keys', load: () => import('./keys.ts') },
  block: { summary: 'stop a user, client, audience, tenant or issuer everywhere', load: () => import('./block.ts') },
  unblock: { summary: 'lift a block', load: () => import('./unblock.ts') },
  blocks: { summary: 'show the blocks in force', load: () => import('./blocks.ts') },
  issuers: { summary: 'give up the cached keys of a foreign issuer', load: () => import('./issuers.ts') },
  token: { summary: 'get an access token for the address of an API', load: () => import('./token.ts') },
  call: { summary: 'call an API as the signed-in user', load: () => import('./call.ts') },
  demo: { summary: 'run a whole enterprise on this machine and show each step', load: () => import('./demo.ts') },
  testbed: {
    summary: 'run every role on this machine for tests, until stopped',
    load: () => import('./testbed.ts'),
  },
}

/** Runs one command line. Resolves to the exit code: 0 done, 1 refused or not possible, 2 not understood. */
export async function main([word, ...args]: string[], io: Io): Promise<number> {
  if (word === '--version' || word === '-V') {
    io.out(`${await version()}\n`)
    return 0
  }
  if (word === undefined || word === '--help' || word === '-h' || word === 'help') {
    const say = word === undefined ? io.err : io.out
    say(overview())
    return word === undefined ? 2 : 0
  }
  const entry = Object.hasOwn(commands, word) ? commands[word] : undefined
  if (entry === undefined) {
    const meant = nearest(word, Object.keys(commands))
    io.err(
      `xaa: there is no command "${word}"${meant === undefined ? '' : `; did you mean "${meant}"?`}\n\n${overview()}`,
    )
    return 2
  }
  const command = await entry.load()
  return await command.run(args, io)
}

function overview(): string {
  const lines = Object.entries(commands).map(([word, { summary }]) => `  ${word.padEnd(9)} ${summary}`)
  return `xaa COMMAND …                        Cross-App Access

${lines.join('\n')}

  xaa COMMAND --help    what a command takes
  xaa --version

For example: xaa keys make keys/idp.json && xaa serve --check --config xaa.yaml
`
}

async function version(): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  return version
}
