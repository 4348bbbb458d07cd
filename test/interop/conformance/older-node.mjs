/** Loader hooks for Node 20, on which the suite does not start: it imports `globSync` from `fs`, for a command that is not run here. */

const withGlob = 'data:text/javascript,export * from "node:fs"; export const globSync = undefined'

/** Gives the suite, and nobody else, an `fs` that has the name. */
export async function resolve(specifier, context, next) {
  const asks = context.parentURL?.includes('/@modelcontextprotocol/conformance/') ?? false
  return specifier === 'fs' && asks ? { url: withGlob, format: 'module', shortCircuit: true } : next(specifier, context)
}
