/** The administrator's interface over HTTP: reads the audit, and switches connections, people and trusted issuers on and off. */

import { timingSafeEqual } from 'node:crypto'
import type { FastifyError, FastifyPluginAsync, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { correlate, correlationIdOf, headerLines } from '../http/oauth-scope.ts'
import type { Connection, User } from '../idp/connections.ts'
import { secretDigestOf } from '../protocol/client-auth.ts'
import type { AuditEvent, Ports, Role } from '../protocol/ports.ts'

/** Trust of one server in one issuer, which can be switched off. */
export interface Trust {
  /** What the server is called in addresses, such as `chat`. */
  name: string
  role: Role
  /** The server's own issuer identifier. */
  server: string
  entry: { issuer: string; enabled: boolean }
}

export interface AdminOptions {
  /** The bearer token of the administrator. */
  token: string
  /** The issuer of the identity provider whose people and connections these are. */
  issuer: string
  /** Changed in place, so that the next request is decided by what stands here. */
  connections: Connection[]
  users: readonly User[]
  trusted: readonly Trust[]
  /** The events from number `after` on, the first being 0, and the number of the next one to come. */
  auditAfter(after: number): { events: readonly AuditEvent[]; next: number }
  ports: Pick<Ports, 'now' | 'newId' | 'record'>
}

class AdminError extends Error {
  override readonly name = 'AdminError'
  readonly statusCode: number
  constructor(statusCode: number, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}

type Handler = (request: FastifyRequest, correlationId: string) => Promise<unknown>
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const
type Method = (typeof methods)[number]

const Switch = z.strictObject({ enabled: z.boolean() })
const AuditQuery = z.strictObject({ after: z.coerce.number().int().min(0).default(0) })

/**
 * JSON in and out, `cache-control: no-store`, and a bearer token at every address. A change is written to the audit first and holds for
 * the next request. Errors are `{ "error": "a sentence" }`. Changes live as long as the process.
 */
export const adminPlugin: FastifyPluginAsync<AdminOptions> = async (app, options) => {
  const { issuer, ports, connections } = options
  const tokenDigest = secretDigestOf(options.token)
  const record = (facts: Partial<AuditEvent> & Pick<AuditEvent, 'outcome' | 'reason' | 'correlationId'>) =>
    ports.record({ at: ports.now(), role: 'idp', server: issuer, action: 'admin', ...facts })
  const changed = (correlationId: string, facts: Partial<AuditEvent>) =>
    record({ outcome: 'granted', reason: 'admin_changed', correlationId, ...facts })

  const routes: { [path: string]: { [method in Method]?: Handler } } = {
    '/audit': {
      GET: async ({ query }) => options.auditAfter(parsed(AuditQuery, query).after),
    },
    '/connections': { GET: async () => connections.map(shownConnection) },
    '/connections/:client/:audience': {
      async PATCH(request, correlationId) {
        const connection = foundConnection(connections, request)
        const { enabled } = parsed(Switch, request.body)
        const { client, audience } = connection
        await changed(correlationId, { client, audience, detail: `connection ${enabled ? 'enabled' : 'disabled'}` })
        connection.enabled = enabled
        return shownConnection(connection)
      },
      async DELETE(request, correlationId) {
        const connection = foundConnection(connections, request)
        const { client, audience } = connection
        await changed(correlationId, { client, audience, detail: 'connection deleted' })
        connections.splice(connections.indexOf(connection), 1)
        return shownConnection(connection)
      },
    },
    '/users': { GET: async () => options.users.map(shownUser) },
    '/users/:sub': {
      async PATCH(request, correlationId) {
        const { sub } = request.params as { sub: string }
        const user = options.users.find((one) => one.sub === sub)
        if (user === undefined) throw new AdminError(404, 'nobody has this sub')
        const { enabled } = parsed(Switch, request.body)
        await changed(correlationId, { subject: sub, detail: `user ${enabled ? 'enabled' : 'disabled'}` })
        user.enabled = enabled
        return shownUser(user)
      },
    },
    '/trusted-issuers': { GET: async () => options.trusted.map(shownTrust) },
    '/trusted-issuers/:name/:issuer': {
      async PATCH(request, correlationId) {
        const asked = request.params as { name: string; issuer: string }
        const trust = options.trusted.find((one) => one.name === asked.name && one.entry.issuer === asked.issuer)
        if (trust === undefined) throw new AdminError(404, 'no server of this name has an entry for this issuer')
        const { enabled } = parsed(Switch, request.body)
        const { role, server, entry } = trust
        const detail = `trusted issuer ${enabled ? 'enabled' : 'disabled'}`
        await changed(correlationId, { role, server, issuer: entry.issuer, detail })
        entry.enabled = enabled
        return shownTrust(trust)
      },
    },
  }

  app.removeContentTypeParser('text/plain')
  app.addHook('onRequest', async (request, reply) => {
    correlate(request, reply, ports)
    reply.header('cache-control', 'no-store')
    const [line = '', ...more] = headerLines(request, 'authorization')
    const given = /^bearer +([^ ]+)$/i.exec(line)?.[1] ?? ''
    if (timingSafeEqual(secretDigestOf(given), tokenDigest) && more.length === 0) return
    reply.header('www-authenticate', 'Bearer realm="administration"')
    throw new AdminError(401, "the administrator's bearer token is missing or wrong")
  })
  app.setErrorHandler(async (error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500
    const reason = status === 401 ? 'admin_denied' : status < 500 ? 'admin_input' : 'internal_error'
    const sentence = status < 500 ? error.message : 'the server failed; nothing was changed'
    await record({ outcome: 'refused', reason, detail: sentence, correlationId: correlationIdOf(request) })
    return reply.code(status).send({ error: sentence })
  })
  app.setNotFoundHandler(async () => {
    throw new AdminError(404, `there is nothing at this address; there are ${Object.keys(routes).join(', ')}`)
  })
  for (const [url, handlers] of Object.entries(routes)) {
    const allowed = Object.keys(handlers).join(', ')
    for (const method of methods)
      app.route({
        method,
        url,
        exposeHeadRoute: false,
        async handler(request, reply) {
          const handler = handlers[method]
          if (handler !== undefined) return await handler(request, correlationIdOf(request))
          reply.header('allow', allowed)
          throw new AdminError(405, `this address takes ${allowed} alone`)
        },
      })
  }
}

function parsed<Shape extends z.ZodType>(shape: Shape, value: unknown): z.output<Shape> {
  const read = shape.safeParse(value)
  if (read.success) return read.data
  const wanted = Object.keys((shape as unknown as { shape: object }).shape).join(', ')
  throw new AdminError(400, `${z.prettifyError(read.error).replace(/\s+/g, ' ')} (takes: ${wanted})`)
}

function foundConnection(connections: Connection[], { params }: FastifyRequest): Connection {
  const { client, audience } = params as { client: string; audience: string }
  const connection = connections.find((one) => one.client === client && one.audience === audience)
  if (connection === undefined) throw new AdminError(404, 'this client has no connection to this audience')
  return connection
}

function shownConnection({ client, audience, clientThere, enabled, scopes, resources }: Connection) {
  return { client, audience, clientThere, enabled, scopes: scopes.map(({ name }) => name), resources }
}

function shownUser({ sub, enabled, groups, claims: { name, email } }: User) {
  return { sub, name, email, groups, enabled }
}

function shownTrust({ name, role, server, entry: { issuer, enabled } }: Trust) {
  return { name, role, server, issuer, enabled }
}
