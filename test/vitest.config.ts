import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('..', import.meta.url))
const roles = ['protocol', 'idp', 'resource-as', 'resource', 'client']

export default defineConfig({
  // The examples import the package by its name, as its users do.
  resolve: {
    alias: [
      { find: /^xaa-broker$/, replacement: `${root}src/index.ts` },
      { find: /^xaa-broker\/client$/, replacement: `${root}src/client/client.ts` },
      { find: /^xaa-broker\/testing$/, replacement: `${root}src/testing/world.ts` },
    ],
  },
  test: {
    root,
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: {
      provider: 'v8',
      include: roles.map((role) => `src/${role}/**`),
      reporter: ['text-summary', ['text', { skipFull: true }]],
      thresholds: { lines: 100, branches: 100, functions: 100, statements: 100 },
    },
  },
})
