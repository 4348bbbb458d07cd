/** One request to oidc-provider, made by hand: it sees what we give it, and what it answers is ours to send, or not. */

import { AsyncLocalStorage } from 'node:async_hooks'
import type { EventEmitter } from 'node:events'
import { IncomingMessage, type OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'
import type { Provider } from 'oidc-provider'
import { issuerPath } from '../http/documents.ts'

/** What the provider is asked. */
export interface ProviderRequest {
  method: string
  /** Below the issuer, with the query. */
  path: string
  headers?: { readonly [name: string]: string | undefined }
  body?: string
}

/** What it answers. */
export interface ProviderAnswer {
  status: number
  headers: OutgoingHttpHeaders
  body: string
  /** What it threw on the way, or what a hook of ours threw within. */
  error?: Error | undefined
}

/** Asks the provider. `within` is what the hooks of ours find in {@link callInProgress}. */
export type AskProvider = (request: ProviderRequest, within?: object) => Promise<ProviderAnswer>

const inProgress = new AsyncLocalStorage<object | undefined>()

/** What the request that is being answered was asked with. */
export function callInProgress(): object | undefined {
  return inProgress.getStore()
}

/** Keeps its answer back. */
class CapturedResponse extends ServerResponse {
  #body = ''

  override end(...[chunk]: unknown[]): this {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) this.#body = Buffer.from(chunk as string).toString()
    this.emit('finish')
    return this
  }

  get captured(): Omit<ProviderAnswer, 'error'> {
    return { status: this.statusCode, headers: this.getHeaders(), body: this.#body }
  }
}

/** A way to ask this provider, which lives at one address, whoever calls it what. */
export function providerCaller(provider: Provider): AskProvider {
  const callback = provider.callback()
  const { host, protocol } = new URL(provider.issuer)
  const baseUrl = issuerPath(provider.issuer)
  const errors = new WeakMap<IncomingMessage, Error>()
  const emitter: EventEmitter = provider
  for (const event of events)
    emitter.on(event, (context: { req: IncomingMessage }, error: Error) => errors.set(context.req, error))
  // The provider builds addresses from what a proxy in front of it says; that proxy is this file.
  provider.proxy = true
  return async ({ method, path, headers = {}, body }, within) => {
    const request = new IncomingMessage(new Socket())
    const bodyHeaders = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const sent = Object.entries({
      ...headers,
      ...bodyHeaders,
      host,
      'x-forwarded-proto': protocol.slice(0, -1),
    }).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
    Object.assign(request, { method, url: path, baseUrl, complete: true, headers: Object.fromEntries(sent) })
    if (body !== undefined) request.push(body)
    request.push(null)
    const response = new CapturedResponse(request)
    await inProgress.run(within, () => callback(request, response))
    return { ...response.captured, error: errors.get(request) }
  }
}

const events = [
  'grant.error',
  'authorization.error',
  'registration_create.error',
  'registration_read.error',
  'registration_update.error',
  'registration_delete.error',
  'server_error',
] as const

/** Headers that say how the bytes travelled, and not what they are. */
const ofTheConnection = ['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding']

/** Sends the provider's answer as ours. */
export function forward(reply: FastifyReply, { status, headers, body }: ProviderAnswer): FastifyReply {
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !ofTheConnection.includes(name)) reply.header(name, value)
  return reply.code(status).send(body)
}
