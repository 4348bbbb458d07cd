/** How long requests take at the endpoints that callers wait for: from the end of their body to their answer. */

import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Durations, Family } from './families.ts'

/** Of the addresses of the plugins, how they end. What else is served is a document. */
const endpoints = ['token', 'introspect', 'revoke', 'discover'] as const

/** When work on a request began; 0 before and after. On the request itself, where it costs least. */
const begun = Symbol('begun')
type Timed = FastifyRequest & { [begun]?: number }

/**
 * The plugin with its endpoints timed into `family`, by role, endpoint and outcome: `granted` below 400, `refused` below 500, `failed`. A
 * request whose head or body was refused is not timed. `clock` gives milliseconds.
 */
export function timedRequests(
  plugin: FastifyPluginAsync,
  { role, family, clock }: { role: string; family: Family<Durations>; clock(): number },
): FastifyPluginAsync {
  return async (scope) => {
    scope.decorateRequest(begun, 0)
    scope.addHook('preHandler', (request: Timed, _reply, done) => {
      request[begun] = clock()
      done()
    })
    scope.addHook('onRoute', (route) => {
      const endpoint = endpoints.find((name) => route.url.endsWith(`/${name}`))
      if (endpoint === undefined) return
      const seriesOf = (outcome: string) => family.of({ role, endpoint, outcome })
      const [granted, refused, failed] = [seriesOf('granted'), seriesOf('refused'), seriesOf('failed')]
      const measure: typeof route.onSend = (request: Timed, { statusCode }, _payload, done) => {
        const from = request[begun] ?? 0
        const series = statusCode < 400 ? granted : statusCode < 500 ? refused : failed
        if (from > 0) series.observe(clock() - from)
        request[begun] = 0
        done()
      }
      route.onSend = [route.onSend ?? [], measure].flat()
    })
    await scope.register(plugin)
  }
}
