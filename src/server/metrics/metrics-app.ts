/** Where Prometheus reads the metrics: one address on a listener of their own, for whoever has the token, if there is one. */

import type { FastifyPluginAsync } from 'fastify'
import { answerNowhere } from '../../http/nowhere.ts'
import { headerLines } from '../../http/oauth-scope.ts'
import { isSecretOf, secretDigestOf } from '../../protocol/secrets.ts'
import type { Listen } from '../config-values.ts'
import { listenOn, newApp } from '../listener.ts'
import { type Exposition, expositionOf, type Reading } from './exposition.ts'
import type { Metering } from './metering.ts'

/** What the configuration says about metrics. */
export interface MetricsSetting {
  listen: Listen
  /** Absent: whoever reaches the listener may read them. */
  token?: string | undefined
}

/** `GET /metrics`. Whoever asks while another answer is made gets the same: many readers cost as much as one. */
export function metricsPlugin(token: string | undefined, read: () => Promise<readonly Reading[]>): FastifyPluginAsync {
  const digest = token === undefined ? undefined : secretDigestOf(token)
  let making: Promise<Exposition> | undefined
  return async (app) => {
    app.get('/metrics', async (request, reply) => {
      reply.header('cache-control', 'no-store')
      const [line = '', ...more] = headerLines(request, 'authorization')
      const given = /^bearer +([^ ]+)$/i.exec(line)?.[1] ?? ''
      if (digest !== undefined && (more.length > 0 || !isSecretOf(digest, given)))
        return reply
          .code(401)
          .header('www-authenticate', 'Bearer realm="metrics"')
          .send({ error: 'the bearer token of the metrics is missing or wrong' })
      making ??= read()
        .then(expositionOf)
        .finally(() => {
          making = undefined
        })
      const { contentType, text } = await making
      return reply.type(contentType).send(text)
    })
  }
}

/** The same as a part of a process with roles. */
export function metricsPart({ listen, token }: MetricsSetting, { read }: Pick<Metering, 'read'>) {
  return { listen, plugin: metricsPlugin(token, async () => [{ metrics: await read() }]) }
}

/** Serves the readings until it is closed, for a process without roles of its own. Throws `StartError` when it cannot listen. */
export async function serveMetrics(
  { listen, token }: MetricsSetting,
  { read, warn }: { read(): Promise<readonly Reading[]>; warn(message: string): void },
): Promise<{ address: string; close(): Promise<void> }> {
  const app = newApp({ warn })
  answerNowhere(app)
  await app.register(metricsPlugin(token, read))
  return { address: await listenOn(app, 'metrics', listen), close: async () => await app.close() }
}
