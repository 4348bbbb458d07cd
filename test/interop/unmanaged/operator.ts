/** What the operators of a world do by their administrator's interface so that a client gets in: enter it, connect it, trust for it. */

import { expect } from 'vitest'
import type { World } from '../../../src/testing/world.ts'

const segment = encodeURIComponent

async function send(world: World, method: string, path: string, headers: { [name: string]: string }, entry?: object) {
  const answer = await fetch(world.admin.url + path, {
    method,
    headers: {
      authorization: `Bearer ${world.admin.token}`,
      ...headers,
      ...(entry === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(entry === undefined ? {} : { body: JSON.stringify(entry) }),
  })
  const body = (await answer.json()) as { error?: string; entry: object; version: number }
  expect([answer.status < 300, body.error]).toEqual([true, undefined])
  return body
}

/** Enters a client at the identity provider or the chat. */
export async function enterClient(world: World, at: 'idp' | 'chat', id: string, entry: object): Promise<void> {
  await send(world, 'PUT', `/clients/${at}/${segment(id)}`, { 'if-none-match': '*' }, entry)
}

/** Lets a client of the identity provider reach the chat's MCP server for everybody. It goes by the same id there. */
export async function connect(world: World, client: string, scopes: readonly string[]): Promise<void> {
  const path = `/connections/${segment(client)}/${segment(world.resourceAs.chat.issuer)}`
  const connection = { scopes, resources: [world.resources.mcp], everyone: true }
  await send(world, 'PUT', path, { 'if-none-match': '*' }, connection)
}

/** Has the chat take ID-JAGs of the identity provider for one more client. */
export async function trustFor(world: World, client: string): Promise<void> {
  const path = `/trusted-issuers/chat/${segment(world.idp.issuer)}`
  const { entry, version } = await send(world, 'GET', path, {})
  const clients = [...(entry as { clients: string[] }).clients, client]
  await send(world, 'PUT', path, { 'if-match': `"${version}"` }, { ...entry, clients })
}
