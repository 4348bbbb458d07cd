/** Authorization details in a configuration: every mistake is told with its place, and nothing is fetched. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/server/config.ts'
import { ConfigError } from '../../src/server/problems.ts'
import { channelSchema } from '../fixture/authorization-details.ts'
import { changed, environment, example, exampleFolder, type Folder } from './example.ts'

const type = { type: 'channel', schema: channelSchema, narrow: { channels: 'subset', limit: 'max' } }
const given = [{ type: 'channel', actions: ['read'], limit: 3 }]
const mcp = 'https://api.chat.example/mcp'

/** The example with one type at both sides. */
const good = [
  ['idp.resourceServers.0.authorizationDetailsTypes', [type]],
  ['idp.connections.0.authorizationDetails', [{ ...given[0], who: { groups: ['writers'] } }]],
  ['resourceAs.authorizationDetailsTypes', [type]],
  ['resourceAs.resources.0.authorizationDetailsTypes', ['channel']],
  ['resourceAs.clients.0.authorizationDetails', given],
].reduce<object>((config, [path, value]) => changed(String(path), value, config), example)

let folder: Folder
beforeAll(async () => {
  folder = await exampleFolder()
  await writeFile(join(folder.path, 'channel.json'), JSON.stringify(channelSchema))
  await writeFile(join(folder.path, 'twice.json'), '{"type":"object","type":"array"}')
})
afterAll(() => folder.remove())

async function problemsOf(config: unknown): Promise<unknown> {
  try {
    await readConfig(await folder.write(config), environment)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe('authorization details in a configuration', () => {
  it('may be there or not, and a schema may be a file', async () => {
    expect(await problemsOf(example)).toEqual([])
    expect(await problemsOf(good)).toEqual([])
    expect(
      await problemsOf(changed('resourceAs.authorizationDetailsTypes.0.schema', { file: 'channel.json' }, good)),
    ).toEqual([])
  })

  const schema = 'resourceAs.authorizationDetailsTypes.0.schema'
  const schemaPath = 'resourceAs.authorizationDetailsTypes[0].schema'
  const { additionalProperties: _, ...open } = channelSchema
  const property = (value: unknown) => ({ ...channelSchema, properties: { ...channelSchema.properties, note: value } })
  it.each<[string, unknown, string, string | RegExp]>([
    [schema, open, schemaPath, /does not say additionalProperties: false/],
    [schema, property({ $ref: 'https://schemas.example/x.json' }), schemaPath, /can't resolve reference/],
    [schema, property({ type: 'string', pattrn: 'x' }), schemaPath, /unknown keyword/],
    [schema, property({ type: 'string', format: 'moon' }), schemaPath, /unknown format/],
    [schema, property({ type: 'text' }), schemaPath, /is no JSON Schema that can be used/],
    [
      schema,
      { $schema: 'http://json-schema.org/draft-04/schema#', ...channelSchema },
      schemaPath,
      /no schema with key/,
    ],
    [schema, { file: 'none.json' }, schemaPath, 'names the file none.json, which cannot be read'],
    [schema, { file: 'twice.json' }, schemaPath, 'names the file twice.json, which holds a member twice'],
    [
      'resourceAs.authorizationDetailsTypes.0.narrow',
      { locations: 'any' },
      'resourceAs.authorizationDetailsTypes[0].narrow',
      'has a rule for locations, which has one already',
    ],
    [
      'resourceAs.authorizationDetailsTypes.0.narrow',
      { limit: 'min' },
      'resourceAs.authorizationDetailsTypes[0].narrow.limit',
      'must be subset or max or equal or any',
    ],
    [
      'resourceAs.authorizationDetailsTypes',
      [type, type],
      'resourceAs.authorizationDetailsTypes[1].type',
      'is listed a second time',
    ],
    [
      'idp.resourceServers.0.authorizationDetailsTypes',
      [type, type],
      'idp.resourceServers[0].authorizationDetailsTypes[1].type',
      'is listed a second time',
    ],
    [
      'resourceAs.resources.0.authorizationDetailsTypes',
      ['channel', 'chanel'],
      'resourceAs.resources[0].authorizationDetailsTypes[1]',
      'names no type of authorization details',
    ],
    [
      'resourceAs.resources.0.authorizationDetailsTypes',
      undefined,
      'resourceAs.authorizationDetailsTypes[0].type',
      'means something at no resource',
    ],
    [
      'resourceAs.clients.0.authorizationDetails',
      [{ type: 'other' }],
      'resourceAs.clients[0].authorizationDetails[0].type',
      'names no type of authorization details',
    ],
    [
      'resourceAs.clients.0.authorizationDetails',
      [{ type: 'channel', locations: [mcp, 'https://other.example/'] }],
      'resourceAs.clients[0].authorizationDetails[0].locations[1]',
      'is no resource of this server',
    ],
    [
      'resourceAs.clients.0.authorizationDetails',
      [{ type: 'channel', channels: '#a' }],
      'resourceAs.clients[0].authorizationDetails[0].channels',
      'must be a list, because its rule is subset',
    ],
    [
      'resourceAs.clients.0.authorizationDetails',
      [{ type: 'channel', limit: '3' }],
      'resourceAs.clients[0].authorizationDetails[0].limit',
      'must be a number, because its rule is max',
    ],
    [
      'resourceAs.clients.0.authorizationDetails',
      [{ type: 'channel', actions: 'read' }],
      'resourceAs.clients[0].authorizationDetails[0].actions',
      'must be a list',
    ],
    [
      'idp.connections.0.authorizationDetails',
      [{ type: 'other' }],
      'idp.connections[0].authorizationDetails[0].type',
      'names no type of authorization details',
    ],
    [
      'idp.connections.0.authorizationDetails',
      [{ type: 'channel', who: { group: ['writers'] } }],
      'idp.connections[0].authorizationDetails[0].who.group',
      'is not a known key',
    ],
  ])('%s that is wrong is told', async (at, value, path, message) => {
    const told = { path, message: message instanceof RegExp ? expect.stringMatching(message) : message }
    expect(await problemsOf(changed(at, value, good))).toEqual([expect.objectContaining(told)])
  })

  it('names people of either issuer in no entry, as nowhere else', async () => {
    const two = [
      { issuer: 'https://login.example.com/tenant/v2.0', users: 'token' },
      { issuer: 'https://other.example', users: 'token' },
    ]
    const config = changed('idp.connections.0.authorizationDetails.0.who', { users: ['alice'] }, good)
    expect(await problemsOf(changed('idp.subjectIssuers', two, config))).toContainEqual(
      expect.objectContaining({ message: 'could mean a person of either subject issuer' }),
    )
  })
})
