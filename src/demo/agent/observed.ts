/** One request and its answer as somebody standing behind the agent sees them, with a recorder for a `fetch`. */

import type { Fetch } from '../../client/client.ts'

/** Word for word, secrets included: nothing of it is shown before `shown-step.ts` has masked it. */
export interface Observed {
  /** Which step of the flow: the names of the client's steps, `sign-in`, and `token`. */
  name: string
  request: { method: string; url: string; headers: { [name: string]: string }; body?: string }
  answer: { status: number; headers: { [name: string]: string }; body?: string }
}

/**
 * A `fetch` that tells `observe` every request and answer; `name` may depend on the address. The bodies must be text, as they are at
 * token endpoints; a stream of events is not read.
 */
export function observedFetch(name: string | ((url: string) => string), observe: (observed: Observed) => void): Fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    const body = request.body === null ? undefined : await request.clone().text()
    const response = await fetch(request)
    const streams = response.headers.get('content-type')?.startsWith('text/event-stream') === true
    observe({
      name: typeof name === 'string' ? name : name(request.url),
      request: {
        method: request.method,
        url: request.url,
        headers: Object.fromEntries(request.headers),
        ...(body === undefined ? {} : { body }),
      },
      answer: {
        status: response.status,
        headers: Object.fromEntries(response.headers),
        ...(streams ? {} : { body: await response.clone().text() }),
      },
    })
    return response
  }
}
