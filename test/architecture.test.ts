/** The house as a test: who may import whom, what a file looks like, and what each public entry may load. */

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = new URL('..', import.meta.url).pathname
const src = join(root, 'src')

/** For each room, the rooms it may import from. Its own is always allowed. */
const mayImport: { [room: string]: readonly string[] } = {
  protocol: [],
  idp: ['protocol'],
  'resource-as': ['protocol'],
  resource: ['protocol'],
  client: ['protocol'],
  store: ['protocol'],
  outbound: ['protocol'],
  saml: ['protocol'],
  http: ['protocol', 'idp', 'resource-as', 'resource'],
  interactive: ['protocol', 'resource-as', 'http'],
  adapters: ['protocol', 'idp', 'resource-as', 'resource'],
  server: ['protocol', 'idp', 'resource-as', 'resource', 'store', 'outbound', 'saml', 'http', 'interactive'],
  testing: [
    'protocol',
    'idp',
    'resource-as',
    'resource',
    'client',
    'store',
    'outbound',
    'http',
    'interactive',
    'server',
  ],
  demo: ['protocol', 'client', 'testing'],
  conformance: ['protocol'],
  cli: ['protocol', 'client', 'server', 'testing', 'demo'],
  '.': ['protocol', 'idp', 'resource-as', 'resource', 'store', 'outbound', 'http', 'cli'],
}

/** Packages that only some rooms may know. */
const packageRooms: { [name: string]: readonly string[] } = {
  fastify: ['http', 'interactive', 'server', 'testing', 'demo'],
  '@fastify/formbody': ['http'],
  'oidc-provider': ['interactive', 'adapters', 'testing'],
  'openid-client': ['interactive', 'demo'],
  '@modelcontextprotocol/server': ['testing'],
  '@modelcontextprotocol/client': ['demo'],
  ajv: ['server'],
  yaml: ['server', 'cli'],
  lmdb: ['store'],
  redis: ['store'],
  'prom-client': ['server'],
  'xml-crypto': ['saml'],
  '@xmldom/xmldom': ['saml'],
}

interface SourceFile {
  path: string
  room: string
  text: string
  /** Of our own, by path below src. */
  imports: string[]
  packages: string[]
}

const files: SourceFile[] = (readdirSync(src, { recursive: true, encoding: 'utf8' }) as string[])
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(src, path), 'utf8')
    const specifiers = [
      ...text.matchAll(/^(?:import|export)\s[^'"]*?from\s+'([^']+)'/gm),
      ...text.matchAll(/^import\s+'([^']+)'/gm),
      ...text.matchAll(/\bimport\('([^']+)'\)/g),
    ].map((match) => match[1] ?? '')
    return {
      path,
      room: path.includes('/') ? (path.split('/')[0] ?? '') : '.',
      text,
      imports: specifiers.filter((one) => one.startsWith('.')).map((one) => normalize(join(dirname(path), one))),
      packages: specifiers.filter((one) => !one.startsWith('.') && !one.startsWith('node:')),
    }
  })
const byPath = new Map(files.map((file) => [file.path, file]))

/** Everything that loading one file loads, without what it imports only when it needs it. */
function loadedBy(path: string, seen = new Set<string>(), packages = new Set<string>()): Set<string> {
  const file = byPath.get(path)
  if (file === undefined || seen.has(path)) return packages
  seen.add(path)
  const withoutTypes = file.text.replace(/^(?:import|export) type [^;]*?from\s+'[^']+'/gm, '')
  for (const match of withoutTypes.matchAll(/^(?:import|export)\s[^'"]*?from\s+'([^']+)'/gm)) {
    const specifier = match[1] ?? ''
    if (specifier.startsWith('.')) loadedBy(normalize(join(dirname(path), specifier)), seen, packages)
    else packages.add(specifier)
  }
  return packages
}

describe('the house', () => {
  it('has only rooms that the import rule knows', () => {
    expect([...new Set(files.map(({ room }) => room))].filter((room) => !(room in mayImport))).toEqual([])
  })

  it('lets a room import only what its place allows', () => {
    const wrong = files.flatMap(({ path, room, imports }) =>
      imports
        .filter((target) => {
          const other = target.includes('/') ? (target.split('/')[0] ?? '') : '.'
          return other !== room && !mayImport[room]?.includes(other)
        })
        .map((target) => `${path} imports ${target}`),
    )
    expect(wrong).toEqual([])
  })

  it('lets the requirements know the names of the wire and of the switches, and nothing that implements them', () => {
    const known = files.filter(({ room }) => room === 'conformance').flatMap(({ imports }) => imports)
    expect(
      known.filter(
        (path) => !path.startsWith('conformance/') && !['protocol/names.ts', 'protocol/branches.ts'].includes(path),
      ),
    ).toEqual([])
  })

  it('imports only files that exist', () => {
    const wrong = files.flatMap(({ path, imports }) =>
      imports.filter((one) => !byPath.has(one)).map((one) => `${path} -> ${one}`),
    )
    expect(wrong).toEqual([])
  })

  it('keeps packages in the rooms that are about them', () => {
    const wrong = files.flatMap(({ path, room, packages }) =>
      packages
        .filter((name) => packageRooms[name] !== undefined && !packageRooms[name].includes(room))
        .map((name) => `${path} imports ${name}`),
    )
    expect(wrong).toEqual([])
  })

  it('has no circle of imports', () => {
    const done = new Set<string>()
    const circles: string[] = []
    const visit = (path: string, way: string[]) => {
      if (way.includes(path)) circles.push([...way.slice(way.indexOf(path)), path].join(' -> '))
      if (done.has(path) || way.includes(path)) return
      for (const target of byPath.get(path)?.imports ?? []) visit(target, [...way, path])
      done.add(path)
    }
    for (const { path } of files) visit(path, [])
    expect(circles).toEqual([])
  })

  it('opens every file with one sentence that says what it is for', () => {
    const wrong = files
      .filter(({ text }) => !/^(#!.*\n)?\/\*\* [A-Z`][^\n]*[.:!]? ?(\*\/)?\n/.test(text))
      .map(({ path }) => path)
    expect(wrong).toEqual([])
  })

  it('keeps files small and names them after what they are', () => {
    expect(files.filter(({ text }) => text.split('\n').length > 260).map(({ path }) => path)).toEqual([])
    expect(
      files
        .filter(({ path }) => /(^|\/)(utils?|helpers?|common|core|misc|manager|service|types)(\.|\/)/.test(path))
        .map(({ path }) => path),
    ).toEqual([])
  })

  it('reads the clock, chance and the environment only at the edge', () => {
    const edge = ['server', 'testing', 'demo', 'cli', '.']
    const wrong = files
      .filter(({ room }) => !edge.includes(room))
      .filter(({ text }) => /Date\.now\(|new Date\(\)|Math\.random|process\.env|randomUUID|randomBytes/.test(text))
      .map(({ path }) => path)
    // The client is an edge of its own: it runs alone in somebody's application.
    expect(wrong.filter((path) => !path.startsWith('client/'))).toEqual([])
  })
})

describe('what an entry loads', () => {
  it('the client loads neither Fastify nor any server', () => {
    expect(
      [...loadedBy('client/client.ts')].filter((name) => !['jose', 'zod'].includes(name) && !name.startsWith('node:')),
    ).toEqual([])
  })

  it('the package itself loads no oidc-provider, no MCP server and no database driver', () => {
    const loaded = [...loadedBy('index.ts')].filter((name) => !name.startsWith('node:'))
    expect(loaded.sort()).toEqual(['@fastify/formbody', '@sd-jwt/jwt-status-list', 'jose', 'zod'])
  })

  it('the adapter for oidc-provider loads none of it, nor Fastify, nor a database driver', () => {
    const loaded = [...loadedBy('adapters/oidc-provider/oidc-provider.ts')].filter((name) => !name.startsWith('node:'))
    expect(loaded.sort()).toEqual(['jose', 'zod'])
  })

  it('the adapter for the fetch API loads nothing that opens a connection or a file', () => {
    const loaded = [...loadedBy('adapters/fetch/fetch.ts')].sort()
    expect(loaded).toEqual(['@sd-jwt/jwt-status-list', 'jose', 'node:crypto', 'node:zlib', 'zod'])
  })

  it('[ATK-109] the server loads no XML unless a SAML issuer is configured', () => {
    const loaded = [...loadedBy('server/server.ts'), ...loadedBy('cli/serve.ts')]
    expect(loaded.filter((name) => /xml/.test(name))).toEqual([])
    expect(loaded).toContain('fastify')
  })

  it('the server measures nothing, and loads nothing for it, unless metrics are configured', () => {
    const loaded = [...loadedBy('server/server.ts'), ...loadedBy('cli/serve.ts')]
    expect(loaded).not.toContain('prom-client')
    expect([...byPath.values()].filter(({ packages }) => packages.includes('prom-client'))).not.toEqual([])
  })

  it('the executable loads a command only when it is asked for', () => {
    expect([...loadedBy('bin.ts')].filter((name) => !name.startsWith('node:'))).toEqual([])
  })

  it('every public entry of package.json has a source file', () => {
    const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      exports: { [name: string]: { default: string } }
      bin: { [name: string]: string }
    }
    const built = [...Object.values(exports).map((one) => one.default), ...Object.values(bin)]
    const sources = built.map((path) => relative('dist', path).replace(/\.js$/, '.ts'))
    expect(sources.filter((path) => !byPath.has(path))).toEqual([])
  })
})
