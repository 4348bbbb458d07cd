/** What docs/branches.md shows works: its table is that of the code, and its configuration is one. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { usualBranches } from '../../src/protocol/branches.ts'
import { readConfig } from '../../src/server/config.ts'
import { newPrivateKey } from '../../src/server/key-rotation.ts'
import { changed, environment, exampleFolder } from '../server/example.ts'

const page = readFileSync(new URL('../../docs/branches.md', import.meta.url), 'utf8')

it('its table has every switch, and what holds unless it is configured', () => {
  const rows = [...page.matchAll(/^\| `([a-z_-]+)` \| (on|off) \|/gm)].map(([, name = '', usual]) => [
    name,
    usual === 'on',
  ])
  expect(Object.fromEntries(rows)).toEqual(usualBranches)
  expect(rows).toHaveLength(Object.keys(usualBranches).length)
})

it('its configuration is read as it stands, over the example', async () => {
  const folder = await exampleFolder()
  try {
    const { idp, resourceAs } = parse(/```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '')
    writeFileSync(join(folder.path, 'open.json'), JSON.stringify({ keys: [await newPrivateKey('ECDH-ES+A256KW')] }), {
      mode: 0o600,
    })
    const there = changed(
      'resourceAs.branches',
      resourceAs.branches,
      changed('resourceAs.encryption', resourceAs.encryption, changed('resourceAs.discovery', resourceAs.discovery)),
    )
    const config = changed(
      'idp.branches',
      idp.branches,
      changed('idp.resourceServers.0.encryption', idp.resourceServers[0].encryption, there),
    )
    const read = await readConfig(await folder.write(config), environment)
    expect(read.resourceAs).toMatchObject({ discovery: true, encryption: { required: true } })
    expect(read.resourceAs?.branches).toEqual({ ...usualBranches, ...resourceAs.branches })
    expect(read.idp?.branches?.['jwe-support']).toBe(true)
  } finally {
    await folder.remove()
  }
})
