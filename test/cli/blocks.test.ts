/** `xaa block`, `unblock`, `blocks` and `issuers` on the store of a configuration. */

import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as audit from '../../src/cli/audit.ts'
import * as block from '../../src/cli/block.ts'
import * as blocks from '../../src/cli/blocks.ts'
import type { Command } from '../../src/cli/command.ts'
import * as issuers from '../../src/cli/issuers.ts'
import * as unblock from '../../src/cli/unblock.ts'
import { followPolicy } from '../../src/server/policy/policy-feed.ts'
import { lmdbStore } from '../../src/store/lmdb.ts'
import { changed, environment, exampleFolder, type Folder } from '../server/example.ts'
import { runCommand } from './command-line.ts'

let folder: Folder
let config: string
beforeEach(async () => {
  folder = await exampleFolder()
  config = await folder.write(changed('store', 'lmdb'))
})
afterEach(() => folder.remove())

const run = (command: Command, ...args: string[]) => runCommand(command, [...args, '--config', config], environment)

/** What a server on the same store has in force. */
async function followed() {
  const now = () => Date.now() / 1000
  const store = await lmdbStore({ directory: `${folder.path}/state`, now, skew: 30 })
  const feed = await followPolicy({ records: store.records, now, say: () => {} })
  const found = { blocks: [...feed.blocks.inForce()], purgedAt: feed.keysPurgedAt('https://id.acme.example') }
  feed.close()
  await store.close()
  return found
}

describe('xaa block', () => {
  it('stops whom it names at every server on the store, and xaa unblock lets them in again', async () => {
    const names = ['--user', 'alice', '--client', 'assistant']
    expect(await run(block, ...names, '--note', 'laptop stolen')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^blocked user alice, client assistant: in force everywhere within 5 seconds/),
      err: '',
    })
    expect((await followed()).blocks).toMatchObject([{ user: 'alice', client: 'assistant', note: 'laptop stolen' }])
    expect((await run(blocks)).out).toMatch(
      /^\d{4}-\S+Z {2}user alice, client assistant {2}\(by .+@.+: laptop stolen\)\n$/,
    )
    expect(await run(block, ...names)).toMatchObject({ code: 0, out: expect.stringContaining('was blocked before') })
    expect(await run(unblock, ...names)).toMatchObject({ code: 0, out: expect.stringContaining('lifted the block') })
    expect((await followed()).blocks).toEqual([])
    expect(await run(blocks)).toMatchObject({ code: 0, out: 'Nobody is blocked.\n' })
  })

  it('writes a line to the audit before the change, and changes nothing when it cannot', async () => {
    config = await folder.write({ ...changed('store', 'lmdb'), audit: { file: 'audit.jsonl' } })
    await run(block, '--user', 'alice', '--note', 'laptop stolen')
    await run(block, '--user', 'alice')
    await run(unblock, '--user', 'alice')
    const lines = (await readFile(`${folder.path}/audit.jsonl`, 'utf8')).trimEnd().split('\n')
    const events = lines.map((line) => JSON.parse(line)).filter(({ outcome }) => outcome !== undefined)
    expect(events).toMatchObject([
      {
        action: 'admin',
        reason: 'admin_changed',
        detail: expect.stringMatching(/^block user alice, by .+: laptop stolen$/),
      },
      { detail: expect.stringMatching(/^unblock user alice, by /) },
    ])
    expect((await runCommand(audit, ['verify', `${folder.path}/audit.jsonl`])).code).toBe(0)

    config = await folder.write({ ...changed('store', 'lmdb'), audit: { file: 'none/audit.jsonl' } })
    expect(await run(block, '--user', 'bob')).toMatchObject({ code: 1, err: expect.stringContaining('ENOENT') })
    expect((await run(blocks)).out).toBe('Nobody is blocked.\n')
  })

  it('prints JSON for programs', async () => {
    const blocked = JSON.parse((await run(block, '--issuer', 'https://id.acme.example', '--json')).out)
    expect(blocked).toEqual({ blocked: { issuer: 'https://id.acme.example' }, changed: true, policyVersion: 1 })
    const by = expect.stringContaining(`@${hostname()}`)
    expect(JSON.parse((await run(blocks, '--json')).out)).toEqual([
      { issuer: 'https://id.acme.example', at: expect.any(Number), by },
    ])
    const lifted = JSON.parse((await run(unblock, '--issuer', 'https://id.acme.example', '--json')).out)
    expect(lifted).toMatchObject({ lifted: { issuer: 'https://id.acme.example' }, changed: true })
  })

  it.each<[string, Command, string[], string]>([
    ['names nobody', block, [], 'name somebody: --user'],
    ['names nobody to let in', unblock, [], 'name somebody: --user'],
    ['has an empty name', block, ['--user', ' '], '--user must be 1 to 1024 characters'],
    ['has a word too many', block, ['alice'], '"alice" was not expected'],
    ['has an unknown option', block, ['--usr', 'alice'], "'--usr'"],
    ['has no act', issuers, [], 'there is only purge-keys'],
    ['has another act', issuers, ['purge-key', 'https://id.acme.example'], 'did you mean that?'],
    ['names no issuer', issuers, ['purge-keys', 'acme'], 'name the issuer'],
  ])('is not understood when the command line %s', async (_what, command, args, sentence) => {
    expect(await run(command, ...args)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(sentence) })
  })

  it('says which blocks there are when the one to lift is not among them', async () => {
    expect((await run(unblock, '--user', 'bob')).err).toContain('there is none at all')
    await run(block, '--user', 'alice')
    const answer = await run(unblock, '--user', 'bob')
    expect(answer).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringContaining('user bob; there are: user alice\n'),
    })
  })

  it('refuses a store that is inside of the server, and a configuration that cannot be used', async () => {
    config = await folder.write(changed('store', 'memory'))
    expect(await run(block, '--user', 'alice')).toMatchObject({
      code: 1,
      err: expect.stringContaining('store: memory'),
    })
    config = await folder.write(changed('resourceAs.keys', 'missing.json'))
    expect(await run(block, '--user', 'alice')).toMatchObject({ code: 1, err: expect.stringContaining('missing.json') })
    config = await folder.write(changed('store', 'redis://127.0.0.1:1'))
    expect(await run(blocks)).toMatchObject({ code: 1, err: expect.stringContaining('cannot be used') })
  })

  it.each<[string, Command]>([
    ['block', block],
    ['unblock', unblock],
    ['blocks', blocks],
    ['issuers', issuers],
  ])('explains itself: xaa %s --help', async (word, command) => {
    expect(await runCommand(command, ['--help'])).toMatchObject({
      code: 0,
      out: expect.stringContaining(`xaa ${word}`),
    })
  })
})

describe('xaa issuers purge-keys', () => {
  it('makes every server forget the keys of an issuer that it has fetched', async () => {
    const before = Date.now() / 1000
    expect(await run(issuers, 'purge-keys', 'https://id.acme.example')).toMatchObject({
      code: 0,
      out: expect.stringContaining('keys of https://id.acme.example fetched before now are forgotten'),
    })
    expect((await followed()).purgedAt).toBeGreaterThanOrEqual(before)
  })
})
