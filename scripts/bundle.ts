/** The second half of `npm run build`: gathers `xaa` into few files, because a start that reads hundreds takes twice as long. */

import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { build } from 'esbuild'

/** Read at every start, and in many files, as is what they ask for. All else stays a package of its own, and is loaded when the configuration needs it. */
const gathered = ['@fastify/formbody', 'ajv', 'fastify', 'jose', 'yaml', 'zod']

const root = new URL('..', import.meta.url)
const packageFile = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  [list in 'dependencies' | 'optionalDependencies']: { [name: string]: string }
}
const packages = Object.keys({ ...packageFile.dependencies, ...packageFile.optionalDependencies })

const { metafile } = await build({
  absWorkingDir: root.pathname,
  entryPoints: ['src/bin.ts'],
  outdir: 'dist',
  // What is read beside the package's own files is found from here as it is from the folders of dist.
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  metafile: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: packages.filter((name) => !gathered.includes(name)).flatMap((name) => [name, `${name}/*`]),
  // yaml is CommonJS, and asks for modules of Node.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url)",
  },
  minifyWhitespace: true,
  minifySyntax: true,
  // Short names are 600 KB less to read and to hold. With NODE_OPTIONS=--enable-source-maps a stack names what stands in src.
  minifyIdentifiers: true,
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'linked',
  logLevel: 'warning',
})

// What an earlier build left is not shipped.
const chunks = new URL('dist/chunks/', root)
for (const name of readdirSync(chunks))
  if (metafile.outputs[`dist/chunks/${name}`] === undefined) rmSync(new URL(name, chunks))
