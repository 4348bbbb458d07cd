import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('..', import.meta.url))
/** Tests that start processes, browsers and servers of others: one file at a time, because they need the machine for themselves. */
const rigs = [
  'test/browser/**/*.test.ts',
  'test/scripts/**/*.test.ts',
  'test/faults/*.test.ts',
  'test/faults/redis/*.test.ts',
  'test/store/redis/*.test.ts',
  'test/testing/redis/*.test.ts',
  'test/testing/testbed*.test.ts',
  'test/cli/serve*.test.ts',
  'test/server/{admin,drain,kill-switch,metrics,server}.test.ts',
  'test/interop/{apache,conformance,debian,mcp-metadata-document,pysaml2}.test.ts',
]
/** What scripts/test.ts found nothing to run with. */
const excluded = (process.env.XAA_TESTS_EXCLUDED ?? '').split(' ').filter(Boolean)
if (process.env.WYCHEPROOF_DIR === undefined) excluded.push('test/attacks/wycheproof*.test.ts')
const roles = ['protocol', 'idp', 'resource-as', 'resource', 'client']

export default defineConfig({
  // The examples import the package by its name, as its users do.
  resolve: {
    alias: [
      { find: /^xaa-broker$/, replacement: `${root}src/index.ts` },
      { find: /^xaa-broker\/client$/, replacement: `${root}src/client/client.ts` },
      { find: /^xaa-broker\/fetch$/, replacement: `${root}src/adapters/fetch/fetch.ts` },
      {
        find: /^xaa-broker\/oidc-provider$/,
        replacement: `${root}src/adapters/oidc-provider/oidc-provider.ts`,
      },
      { find: /^xaa-broker\/testing$/, replacement: `${root}src/testing/world.ts` },
      // A module of Cloudflare's runtime, which a foreign authorization server imports.
      { find: /^cloudflare:workers$/, replacement: `${root}test/interop/cloudflare/workers-runtime.ts` },
    ],
  },
  test: {
    root,
    globalSetup: 'test/fixture/shipped.ts',
    server: { deps: { inline: ['@cloudflare/workers-oauth-provider'] } },
    projects: [
      {
        extends: true,
        test: {
          name: 'tests',
          include: ['test/**/*.test.ts'],
          exclude: [...rigs, ...excluded],
          maxWorkers: 2,
          // What these tests import is read once and not for each file: that is half of their time. Nothing of ours keeps state in a module.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: { name: 'rigs', include: rigs, exclude: excluded, maxWorkers: 1, sequence: { groupOrder: 1 } },
      },
    ],
    testTimeout: 30_000,
    // A busy machine is no fault: what must happen by itself is waited for.
    expect: { poll: { timeout: 20_000 } },
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: roles.map((role) => `src/${role}/**`),
      reporter: ['text-summary', ['text', { skipFull: true }]],
      thresholds: { lines: 100, branches: 100, functions: 100, statements: 100 },
    },
  },
})
