/** The demonstration, started: the world, the two applications in front of it, and the cast that knows all of them. */

import * as z from 'zod'
import { bindOrigin, closeOrigin, type Origin, serveAt } from '../testing/origin.ts'
import { startWorld, type World } from '../testing/world.ts'
import { type AgentAppOptions, agentApp } from './agent/agent-app.ts'
import type { AgentConnection, Cast } from './agent/cast.ts'
import { clientIdOf } from './magpie/magpie.ts'
import { magpieApp } from './magpie/magpie-app.ts'

/** The ports of the agent and of the unmanaged application when the world's first one is given: the world takes six. */
const agentPlace = 6
const unmanagedPlace = 7

/** Where it stands, and who hears of its troubles. */
export interface DemoOptions {
  /** The first of eight ports in a row; 0: whatever is free. */
  port: number
  /** Told of every failure that no page explains. */
  report(message: string): void
}

/** Everything, running. `close` stops all servers and deletes the world's keys. */
export interface Demo {
  world: World
  cast: Cast
  /** Where the agent's pages are. */
  agentUrl: string
  /** Where those of the unmanaged application are. */
  unmanagedUrl: string
  close(): Promise<void>
}

/** Starts everything. Resolves when all of it answers. Throws an error that names the port when one is taken. */
export async function startDemo({ port, report }: DemoOptions): Promise<Demo> {
  const bound: Origin[] = []
  const bind = async (place: number) => {
    const origin = await bindOrigin(port === 0 ? 0 : port + place)
    bound.push(origin)
    return origin
  }
  let world: World | undefined
  try {
    const agent = await bind(agentPlace)
    const unmanaged = await bind(unmanagedPlace)
    const redirectUri = `${agent.url}/callback`
    world = await startWorld({ port, redirectUris: [redirectUri], report })
    const cast = castOf(world, redirectUri, unmanaged.url)
    const { close, now } = world
    const optionsOf = (who: string): AgentAppOptions => ({
      cast,
      now,
      report: (error) => report(`${who}: ${String(error)}`),
    })
    await serveAt(agent, (app) => agentApp(app, optionsOf('the agent')))
    await serveAt(unmanaged, (app) => magpieApp(app, optionsOf('the unmanaged application')))
    return {
      world,
      cast,
      agentUrl: agent.url,
      unmanagedUrl: unmanaged.url,
      async close() {
        await Promise.all(bound.map(closeOrigin))
        await close()
      },
    }
  } catch (cause) {
    await Promise.all(bound.map(closeOrigin))
    await world?.close()
    throw cause
  }
}

/** The cast as this world has it: the agent is the world's client `assistant`, and at the origin `unmanaged` is one that it does not know. */
export function castOf(world: World, redirectUri: string, unmanaged: string): Cast {
  const { idp, resourceAs, clients, messagesUrl, resources, audit, signIns, admin } = world
  const { assistant } = clients
  const vendor = ({ issuer, tokenEndpoint }: { issuer: string; tokenEndpoint: string }) => ({
    issuer,
    tokenEndpoint,
    credentials: assistant.resourceAs,
  })
  return {
    redirectUri,
    identityProvider: { issuer: idp.issuer, credentials: assistant.idp },
    chat: { ...vendor(resourceAs.chat), messagesUrl, mcpUrl: resources.mcp },
    files: vendor(resourceAs.files),
    unmanaged: { origin: unmanaged, clientId: clientIdOf(unmanaged) },
    records: { audit, signIns },
    auditOf: (correlationId) => audit.find((event) => event.correlationId === correlationId),
    async connections() {
      const all = Connections.parse(await askAdmin(admin, 'GET', '/connections'))
      return all.filter(({ client }) => client === assistant.idp.id).map(connectionOf)
    },
    async setConnection(audience, enabled) {
      const path = `/connections/${assistant.idp.id}/${encodeURIComponent(audience)}`
      await askAdmin(admin, 'PATCH', path, { enabled })
    },
  }
}

const Connections = z.array(
  z.object({
    client: z.string(),
    audience: z.string(),
    enabled: z.boolean(),
    scopes: z.array(z.string()),
  }),
)

function connectionOf({ audience, enabled, scopes }: z.output<typeof Connections>[number]): AgentConnection {
  return { audience, enabled, scopes }
}

async function askAdmin(admin: World['admin'], method: string, path: string, change?: object): Promise<unknown> {
  const response = await fetch(`${admin.url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${admin.token}`,
      ...(change === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(change === undefined ? {} : { body: JSON.stringify(change) }),
  })
  if (!response.ok) throw new Error(`the administration answered ${response.status}: ${await response.text()}`)
  return await response.json()
}
