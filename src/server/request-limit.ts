/** The bound on requests that are worked on: a dependency that hangs must not fill the memory, nor a crowd stop the event loop. */

import type { FastifyPluginAsync, FastifyRequest } from 'fastify'

/** One bound for every role of a process. */
export interface RequestLimit {
  /**
   * The plugin with its routes under the bound. Beyond it a request is answered 503 `temporarily_unavailable` with Retry-After,
   * before any work and without a line in the audit. A request counts from the end of its body, so that a thousand slow senders
   * cannot keep everybody out, to the moment its answer is ready, also when its sender went away.
   */
  guarding(plugin: FastifyPluginAsync): FastifyPluginAsync
}

/** At most so many requests at once, and no new one while the process is behind with its work. */
export function requestLimit(most = 1000, isBehind: () => boolean = () => false): RequestLimit {
  const counted = new WeakSet<FastifyRequest>()
  let inFlight = 0
  return {
    guarding: (plugin) => async (scope) => {
      scope.addHook('preHandler', (request, reply, done) => {
        if (inFlight < most && !isBehind()) {
          counted.add(request)
          inFlight += 1
          done()
          return
        }
        reply
          .code(503)
          .header('cache-control', 'no-store')
          .header('retry-after', '1')
          .send({ error: 'temporarily_unavailable', error_description: 'too many requests are in progress' })
      })
      scope.addHook('onSend', (request, _reply, _payload, done) => {
        if (counted.delete(request)) inFlight -= 1
        done()
      })
      await scope.register(plugin)
    },
  }
}
