/**
 * The MCP conformance suite, as its command runs: its scenario for Cross-App Access judges our client, and its scenarios for servers
 * judge the MCP server behind our guard. This version has no scenario for authorization servers.
 */

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientSecretBasic, createCrossAppClient } from '../../src/client/client.ts'
import { startWorld, type World } from '../../src/testing/world.ts'
import { type AuthorizedProxy, authorizedProxy } from './conformance/authorized-proxy.ts'
import { conformance } from './conformance/suite.ts'
import { runsIn } from './rows.ts'

runsIn(import.meta.url, '@modelcontextprotocol/conformance', '@modelcontextprotocol/server')

describe('our client', () => {
  const scenario = ['--scenario', 'auth/cross-app-access-complete-flow']

  it('passes the scenario of the complete flow: exchange at its identity provider, redemption, a session', async () => {
    const command = `${process.execPath} --import tsx test/interop/conformance/client-command.ts`
    const verdict = await conformance('client', '--command', command, ...scenario)
    expect(verdict).toMatchObject({
      exitCode: 0,
      checks: { 'complete-flow-token-exchange': 'SUCCESS', 'complete-flow-jwt-bearer': 'SUCCESS' },
    })
    expect(Object.values(verdict.checks)).not.toContain('FAILURE')
  })

  it('is truly judged: a client that does nothing fails the same scenario', async () => {
    expect(await conformance('client', '--command', `${process.execPath} --version`, ...scenario)).toMatchObject({
      exitCode: 1,
      checks: { 'complete-flow-token-exchange': 'FAILURE', 'complete-flow-jwt-bearer': 'FAILURE' },
    })
  })
})

describe('the MCP server behind our guard', () => {
  let world: World
  let proxy: AuthorizedProxy
  beforeAll(async () => {
    world = await startWorld()
    const { idp, resourceAs } = world.clients.assistant
    const client = createCrossAppClient({
      identityProvider: { issuer: world.idp.issuer, client: clientSecretBasic(idp.id, idp.secret) },
      resourceServers: {
        [world.resourceAs.chat.issuer]: { client: clientSecretBasic(resourceAs.id, resourceAs.secret) },
      },
      subject: { idToken: () => world.mintIdToken({ user: 'alice', client: 'assistant' }) },
    })
    proxy = await authorizedProxy(world.resources.mcp, async () => (await client.token(world.resources.mcp)).token)
  })
  afterAll(async () => {
    await proxy.close()
    await world.close()
  })

  const judge = (url: string, scenario: string) => conformance('server', '--url', url, '--scenario', scenario)

  it('refuses foreign Host and Origin headers, also with a good token, and takes those of this machine', async () => {
    expect(await judge(proxy.url, 'dns-rebinding-protection')).toMatchObject({
      exitCode: 0,
      checks: { 'localhost-host-rebinding-rejected': 'SUCCESS', 'localhost-host-valid-accepted': 'SUCCESS' },
    })
  })

  it('lets nobody in without a token: the same scenario is refused where the headers are right', async () => {
    expect(await judge(world.resources.mcp, 'dns-rebinding-protection')).toMatchObject({
      exitCode: 1,
      checks: { 'localhost-host-rebinding-rejected': 'SUCCESS', 'localhost-host-valid-accepted': 'FAILURE' },
    })
  })

  it.each(['server-initialize', 'ping', 'tools-list'])('passes %s', async (scenario) => {
    const { exitCode, checks } = await judge(proxy.url, scenario)
    expect([exitCode, ...new Set(Object.values(checks))]).toEqual([0, 'SUCCESS'])
  })
})
