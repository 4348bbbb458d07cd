/** What a configuration may say about refresh tokens of the identity provider's own, and what it is told when it cannot be. */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/server/config.ts'
import { ConfigError } from '../../src/server/problems.ts'
import { changed, environment, exampleFolder, type Folder } from './example.ts'

let folder: Folder
beforeAll(async () => {
  folder = await exampleFolder()
})
afterAll(() => folder.remove())

const read = async (idp: unknown, connection: unknown) => {
  const base = changed('idp.refreshTokens', idp)
  const file = await folder.write(changed('idp.connections.0.refreshTokens', connection, base))
  return await readConfig(file, environment)
}
async function problems(idp: unknown, connection: unknown) {
  const error = await read(idp, connection).catch((cause: unknown) => cause)
  if (!(error instanceof ConfigError)) throw new Error('no problem was found')
  return error.problems.map(({ path, message, remedy }) => ({ path, message, remedy }))
}

describe('refresh tokens in a configuration', () => {
  it('are there where they are configured, and last no longer than the session', async () => {
    const config = await read({ sessionAge: 86_400 }, { maxAge: 86_400 })
    expect(config.idp?.refreshTokens).toEqual({ sessionAge: 86_400 })
    expect(config.idp?.connections[0]?.refreshTokens).toEqual({ maxAge: 86_400 })
    expect((await read(undefined, undefined)).idp?.refreshTokens).toBeUndefined()
    expect((await read({ sessionAge: 60 }, undefined)).idp?.connections[0]?.refreshTokens).toBeUndefined()
  })

  it.each<[string, unknown, unknown, object]>([
    [
      'a connection without those of the provider',
      undefined,
      { maxAge: 60 },
      { path: 'idp.connections[0].refreshTokens', message: 'needs idp.refreshTokens' },
    ],
    [
      'a connection that is more patient than the session',
      { sessionAge: 3600 },
      { maxAge: 3601 },
      {
        path: 'idp.connections[0].refreshTokens.maxAge',
        message: 'is longer than idp.refreshTokens.sessionAge, which is 3600',
      },
    ],
    ['no session age', {}, undefined, { path: 'idp.refreshTokens.sessionAge', message: 'is missing' }],
    ['no age at the connection', { sessionAge: 60 }, {}, { path: 'idp.connections[0].refreshTokens.maxAge' }],
    ['a session of 91 days', { sessionAge: 91 * 86_400 }, undefined, { message: 'must be at most 7776000' }],
    ['a session of a minute less', { sessionAge: 59 }, undefined, { message: 'must be at least 60' }],
  ])('%s is a problem', async (_, idp, connection, problem) => {
    expect(await problems(idp, connection)).toMatchObject([problem])
  })
})
