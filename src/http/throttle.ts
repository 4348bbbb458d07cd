/** Who sent wrong credentials too often is not heard for a while: asked before a request is judged, told of every 401. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { OAuthError } from '../protocol/errors.ts'
import type { Seconds } from '../protocol/ports.ts'

/** Remembers wrong credentials by the client they were for and the address they came from, so that a stranger locks nobody out. */
export interface Throttle {
  /**
   * For how long this sender is not heard for this client; 0 when it is. `client` is asked for only where the sender sent something
   * wrong lately. At once where that is known already. Never rejects: without its store it goes by what it saw itself.
   */
  heldFor(sender: string, client: () => string | undefined): Seconds | Promise<Seconds>
  /** Counts one time. Never rejects. */
  wrong(sender: string, client: string): Promise<void>
}

/**
 * Puts every route of a scope behind a throttle: beyond it, 429 with `Retry-After`, whatever the credentials are. `named` gives the client
 * that a request claims to be.
 */
export function throttled(
  scope: FastifyInstance,
  throttle: Throttle,
  named: (request: FastifyRequest) => string | undefined,
): void {
  scope.addHook('preHandler', (request, _reply, done) => {
    const held = throttle.heldFor(request.ip, () => named(request))
    if (typeof held === 'number') done(refusalOf(held))
    else held.then((seconds) => done(refusalOf(seconds)), done)
  })
  scope.addHook('onSend', (request, reply, _payload, done) => {
    const client = reply.statusCode === 401 ? named(request) : undefined
    if (client === undefined) done()
    else throttle.wrong(request.ip, client).then(() => done(), done)
  })
}

function refusalOf(held: Seconds): OAuthError | undefined {
  if (held <= 0) return undefined
  // RFC 6585 §4
  return new OAuthError(
    'temporarily_unavailable',
    'too many wrong credentials for this client came from this address',
    {
      status: 429,
      headers: { 'retry-after': String(Math.ceil(held)) },
      reason: 'auth_throttled',
    },
  )
}

/** The limits of a role's endpoints. */
export interface EndpointLimits {
  throttle?: Throttle | undefined
  /** As in TokenEndpoint: throws for a client that asks more often than it may. */
  takeShare?: ((client: string) => void) | undefined
  /** The same for the pages of the code grant, by the address of their sender. */
  takePage?: ((address: string) => void) | undefined
}
