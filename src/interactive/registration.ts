/** Dynamic client registration (RFC 7591, RFC 7592): for the code grant alone, and never more than a few a minute. */

import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { correlate, correlationIdOf } from '../http/oauth-scope.ts'
import { openToOrigins } from '../http/post-route.ts'
import { senderOf } from '../http/sender.ts'
import { JsonError, type JsonObject, parseJsonObject } from '../protocol/json.ts'
import type { AuditEvent, Seconds } from '../protocol/ports.ts'
import type { Reason } from '../protocol/reasons.ts'
import { failClosed } from '../protocol/token-endpoint.ts'
import { dynamicPrefix } from './clients.ts'
import type { InteractiveGrantOptions, RegistrationRules } from './options.ts'
import { type AskProvider, forward, type ProviderAnswer } from './provider-call.ts'
import { isUsableRedirect } from './redirects.ts'
import { recordId } from './state.ts'

const grantTypes = ['authorization_code', 'refresh_token']
const window: Seconds = 60
const mostRedirects = 10
const longestName = 100

/** A refusal as RFC 7591 §3.2.2 words it. */
class RegistrationError extends Error {
  override readonly name = 'RegistrationError'
  readonly code: string
  readonly status: number
  readonly reason: Reason

  constructor(code: string, description: string, reason: Reason = 'registration_refused', status = 400) {
    super(description)
    this.code = code
    this.status = status
    this.reason = reason
  }
}

/** Registers `/register` below the issuer's path. */
export async function registrationRoutes(
  app: FastifyInstance,
  path: string,
  options: InteractiveGrantOptions,
  rules: RegistrationRules,
  ask: AskProvider,
): Promise<void> {
  const { resourceAuthorizationServer: server, state, ports, report } = options
  const safe = failClosed(ports)

  const record = async (request: FastifyRequest, facts: Partial<AuditEvent> & Pick<AuditEvent, 'outcome' | 'reason'>) =>
    await safe.record({
      at: ports.now(),
      role: 'resource-as',
      server: server.issuer,
      action: 'register',
      correlationId: correlationIdOf(request),
      ...facts,
    })

  /** Whoever floods this keeps out those from the same address first, and fills the store with no more than a minute's worth. */
  const limit = async (request: FastifyRequest, reply: FastifyReply) => {
    const counters = [
      [recordId(server.issuer, 'register', senderOf(request.ip)), rules.perAddress],
      [recordId(server.issuer, 'register'), rules.perMinute],
    ] as const
    for (const [key, most] of counters) {
      const { count, resetsAt } = await state.count(key, window)
      if (count <= most) continue
      reply.header('retry-after', String(Math.max(1, Math.ceil(resetsAt - ports.now()))))
      throw new RegistrationError(
        'temporarily_unavailable',
        'too many registrations; try later',
        'registration_limited',
        429,
      )
    }
  }

  const judged = async (request: FastifyRequest, reply: FastifyReply, isNew: boolean): Promise<FastifyReply> => {
    try {
      if (isNew) await limit(request, reply)
      const client = isNew ? undefined : managedBy(request)
      const metadata = {
        ...metadataOf(request.body as Uint8Array | undefined),
        ...(client ? { client_id: client } : {}),
      }
      const given = await ask(toProvider(request, client, JSON.stringify(metadata)))
      refuseFailed(given)
      const { client_id: id } = JSON.parse(given.body) as { client_id: string }
      await record(request, { outcome: 'granted', reason: 'granted', client: id })
      return forward(reply, given)
    } catch (error) {
      if (!(error instanceof RegistrationError)) throw error
      const { code, message, reason } = error
      await record(request, { outcome: 'refused', reason, error: code, detail: message })
      return refuse(reply, error)
    }
  }

  const routes: FastifyPluginAsync = async (scope) => {
    openToOrigins(scope, [`${path}/register`, `${path}/register/:client`])
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(
      'application/json',
      { parseAs: 'buffer', bodyLimit: 16 * 1024 },
      (_request, body, done) => done(null, body),
    )
    scope.addHook('onRequest', async (request, reply) => {
      correlate(request, reply, ports)
      reply.header('cache-control', 'no-store').header('pragma', 'no-cache')
    })
    scope.setErrorHandler(async (error: Error & { statusCode?: number; status?: number }, request, reply) => {
      if (error instanceof RegistrationError) return refuse(reply, error)
      const status = error.status ?? error.statusCode ?? 500
      if (status < 500)
        return reply.code(status).send({ error: 'invalid_request', error_description: 'the request cannot be read' })
      report(error, correlationIdOf(request))
      const code = status === 503 ? 'temporarily_unavailable' : 'server_error'
      return reply.code(status).send({ error: code, error_description: 'the server failed' })
    })
    scope.post(`${path}/register`, async (request, reply) => await judged(request, reply, true))
    // RFC 7592: with the registration access token alone.
    const own = `${path}/register/:client`
    scope.put(own, async (request, reply) => await judged(request, reply, false))
    for (const method of ['GET', 'DELETE'] as const)
      scope.route({
        method,
        url: own,
        exposeHeadRoute: false,
        async handler(request, reply) {
          const given = await ask({ ...toProvider(request, managedBy(request)), method })
          if (given.status >= 500) throw given.error ?? new Error(`the provider answered ${given.status}`)
          return forward(reply, given)
        },
      })
  }
  await app.register(routes)
}

function refuse(reply: FastifyReply, { code, message, status }: RegistrationError): FastifyReply {
  // RFC 6750 §3
  if (status === 401) reply.header('www-authenticate', `Bearer error="${code}"`)
  return reply.code(status).send({ error: code, error_description: message })
}

/** RFC 7592 §2: 401 for an id that is none. Clients of another kind are not looked for: their documents would be fetched. */
function managedBy({ params }: FastifyRequest): string {
  const { client } = params as { client: string }
  if (client.startsWith(dynamicPrefix)) return client
  throw new RegistrationError('invalid_token', 'invalid token provided', 'registration_refused', 401)
}

function toProvider({ method, headers }: FastifyRequest, client: string | undefined, body?: string) {
  const { authorization } = headers
  return {
    method,
    path: client === undefined ? '/register' : `/register/${encodeURIComponent(client)}`,
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(client === undefined ? {} : { authorization }),
    },
    ...(body === undefined ? {} : { body }),
  }
}

/** The metadata that is registered: what this server knows, and what it gives in place of something else (RFC 7591 §3.2.1). */
function metadataOf(body: Uint8Array | undefined): JsonObject {
  const asked = readBody(body)
  const invalid = (text: string) => new RegistrationError('invalid_client_metadata', text)
  const list = (name: string): unknown[] => {
    const value = asked[name] ?? []
    if (!Array.isArray(value)) throw invalid(`${name} must be an array`)
    return value
  }
  // T33: an ID-JAG is for clients that an administrator connected; nobody registers themselves for it.
  if (list('authorization_grant_profiles_supported').length > 0)
    throw invalid('authorization_grant_profiles_supported: no profile is open to clients that register themselves')
  if (list('grant_types').some((one) => !grantTypes.includes(String(one))))
    throw invalid(`grant_types can only be ${grantTypes.join(' and ')}`)
  if (list('response_types').some((one) => one !== 'code')) throw invalid('response_types can only be code')
  const method = asked.token_endpoint_auth_method ?? 'none'
  // RFC 7591 §3.2.1: a server may replace what is asked for. A secret that anybody is given proves nothing; PKCE does the work.
  if (!['none', 'client_secret_basic', 'client_secret_post'].includes(String(method)))
    throw invalid('token_endpoint_auth_method can only be none')
  const redirects = list('redirect_uris')
  if (redirects.length === 0 || redirects.length > mostRedirects)
    throw new RegistrationError('invalid_redirect_uri', `redirect_uris must hold 1 to ${mostRedirects} addresses`)
  if (!redirects.every((one) => typeof one === 'string' && isUsableRedirect(one)))
    throw new RegistrationError(
      'invalid_redirect_uri',
      'redirect_uris must be https, or http on 127.0.0.1, [::1] or localhost',
    )
  const name = asked.client_name
  const isName = typeof name === 'string' && name !== '' && name.length <= longestName && name.isWellFormed()
  if (name !== undefined && !isName) throw invalid(`client_name must be a text of 1 to ${longestName} characters`)
  return {
    ...(name === undefined ? {} : { client_name: name }),
    redirect_uris: redirects,
    grant_types: grantTypes,
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    application_type: 'native',
  }
}

function readBody(body: Uint8Array | undefined): JsonObject {
  try {
    return parseJsonObject(body ?? new Uint8Array())
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause
    throw new RegistrationError('invalid_client_metadata', `the body ${cause.message}`)
  }
}

function refuseFailed({ status, body, error }: ProviderAnswer): void {
  if (status < 300) return
  const { error: code, error_description: text } = JSON.parse(body === '' ? '{}' : body) as { [name: string]: string }
  if (status >= 500 || code === undefined) throw error ?? new Error(`the provider answered ${status}`)
  throw new RegistrationError(code, text ?? code, 'registration_refused', status)
}
