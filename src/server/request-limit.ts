/** The bound on requests that are worked on: a dependency that hangs must not fill the memory, nor a crowd stop the event loop. */

import type { FastifyPluginAsync, FastifyRequest } from 'fastify'

/** One bound for every role of a process. */
export interface RequestLimit {
  /**
   * The plugin with its routes under the bound. Beyond it a request is answered 503 `temporarily_unavailable` with Retry-After,
   * before any work and without a line in the audit. A request counts from the end of its body, so that a thousand slow senders
   * cannot keep everybody out, to the moment its answer is ready, also when its sender went away. `onRefused` is told of each that is
   * not worked on.
   */
  guarding(plugin: FastifyPluginAsync, onRefused?: () => void): FastifyPluginAsync
  /** How many are worked on now. */
  inProgress(): number
}

/** Whether a request counts now. On the request itself, where it costs least. */
const counts = Symbol('counts')
type Counted = FastifyRequest & { [counts]?: boolean }

/** At most so many requests at once, and no new one while the process is behind with its work. */
export function requestLimit(most = 1000, isBehind: () => boolean = () => false): RequestLimit {
  let inFlight = 0
  return {
    inProgress: () => inFlight,
    guarding:
      (plugin, onRefused = () => {}) =>
      async (scope) => {
        scope.decorateRequest(counts, false)
        scope.addHook('preHandler', (request: Counted, reply, done) => {
          if (inFlight < most && !isBehind()) {
            request[counts] = true
            inFlight += 1
            done()
            return
          }
          onRefused()
          reply
            .code(503)
            .header('cache-control', 'no-store')
            .header('retry-after', '1')
            .send({ error: 'temporarily_unavailable', error_description: 'too many requests are in progress' })
        })
        scope.addHook('onSend', (request: Counted, _reply, _payload, done) => {
          if (request[counts] === true) inFlight -= 1
          request[counts] = false
          done()
        })
        await scope.register(plugin)
      },
  }
}
