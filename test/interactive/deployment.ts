/** A resource authorization server with the code grant, as its configuration describes it: one or more workers on one store, and a company's IdP. */

import { createHash, randomBytes } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import type { AuditEvent } from '../../src/protocol/ports.ts'
import { readConfig } from '../../src/server/config.ts'
import { administration } from '../../src/server/policy/administration.ts'
import { switchedOff } from '../../src/server/policy/configured-blocks.ts'
import { followPolicy } from '../../src/server/policy/policy-feed.ts'
import { systemId, systemNow, systemPorts } from '../../src/server/ports.ts'
import { rolesOf } from '../../src/server/roles.ts'
import { openStore } from '../../src/server/state.ts'
import { bindOrigin, serveAt } from '../../src/testing/origin.ts'
import { environment, exampleFolder } from '../server/example.ts'
import { Browser, type Visit } from './sign-in/browser.ts'
import { companyIdp } from './sign-in/company-idp.ts'

export const mcp = 'https://api.chat.example/mcp'
export const files = 'https://api.files.example/'
export const apiSecret = 'api-secret-0123456789-0123456789-01234'

/** An application: where it is sent back to, and how it proves who it is. */
export interface Application {
  clientId: string
  redirectUri: string
  secret?: string
}

export const wiki: Application = {
  clientId: 'wiki',
  redirectUri: 'https://wiki.example/callback',
  secret: environment.CHAT_SECRET,
}

export type Deployment = Awaited<ReturnType<typeof deploy>>
export type Answer = { status: number; headers: Headers; body: { [member: string]: unknown } }

/** Starts it. `change` is merged into `resourceAs`, `interactive` into its part of the code grant. */
export async function deploy(
  { interactive, ...change }: { [member: string]: unknown; interactive?: object | null } = {},
  workers = 1,
  {
    place = {},
    store: kind = 'memory',
    path = '',
    limits = {},
  }: { place?: object; store?: 'memory' | 'lmdb'; path?: string; limits?: object | 'off' } = {},
) {
  const folder = await exampleFolder()
  const idp = await companyIdp('acme.example')
  const origins = await Promise.all(Array.from({ length: workers }, () => bindOrigin(0)))
  const [issuer = ''] = origins.map(({ url }) => url + path)
  const file = await folder.write({
    resourceAs: {
      issuer,
      keys: 'chat.json',
      resources: [
        { resource: mcp, name: 'Messages', scopes: ['chat.read', 'chat.write'] },
        { resource: files, scopes: ['files.read'] },
      ],
      clients: [
        {
          id: 'wiki',
          name: 'Wiki',
          authMethods: ['client_secret_basic', 'client_secret_post'],
          secret: { file: 'chat-secret' },
          scopes: ['chat.read', 'chat.write'],
          resources: [mcp],
          redirectUris: ['https://wiki.example/callback'],
        },
        {
          id: 'managed',
          authMethods: ['client_secret_basic'],
          secret: { env: 'ASSISTANT_SECRET' },
          scopes: ['chat.read'],
          resources: [mcp],
        },
      ],
      protectedResources: [
        { id: 'chat-api', authMethods: ['client_secret_basic'], secret: { env: 'API_SECRET' }, resources: [mcp] },
      ],
      trustedIssuers: [],
      accounts: [{ id: 'a-alice', email: 'alice@acme.example' }],
      ...(interactive === null
        ? {}
        : {
            interactive: {
              signIn: [
                {
                  issuer: idp.issuer,
                  clientId: 'chat-server',
                  clientSecret: 'a-secret',
                  emailDomains: ['acme.example'],
                  name: 'Acme',
                  ...place,
                },
              ],
              scopes: { 'chat.read': 'read your messages' },
              ...interactive,
            },
          }),
      ...change,
    },
    store: kind,
    // A test is one sender that asks for as many pages as a hundred people.
    limits: limits === 'off' ? limits : { pagesPerMinute: 1_000_000, ...limits },
  })
  const config = await readConfig(file, { ...environment, API_SECRET: apiSecret })
  const surroundings = { now: systemNow, skew: 30, newId: systemId, warn: () => {} }
  const store = await openStore(config.store, surroundings)
  const audit: AuditEvent[] = []
  const broken: { audit?: Error } = {}
  const log: string[] = []
  const policy = await followPolicy({
    records: store.records,
    now: systemNow,
    say: () => {},
    switchedOff: (entries) => switchedOff(config, entries),
    interval: 1000,
  })
  const keeper = {
    async record(event: AuditEvent) {
      if (broken.audit !== undefined) throw broken.audit
      audit.push(event)
    },
    close: async () => {},
  }
  const apps: FastifyInstance[] = []
  for (const origin of origins) {
    const [role] = rolesOf({
      config,
      store,
      audit: keeper,
      policy,
      purgeKey: () => {},
      portsOver: (a, s, i) => ({ ...systemPorts(a, s, i), fence: () => 0 }),
      log: (line) => log.push(line),
    })
    apps.push(
      await serveAt(origin, async (app) => {
        if (role !== undefined) await app.register(role.plugin)
      }),
    )
  }
  const admin = administration(store.records, systemNow)
  const at = (worker: number) => `${origins[worker]?.url ?? ''}${path}`

  const post = async (
    path: string,
    form: { [name: string]: string | undefined } | URLSearchParams,
    { as, worker = 0 }: { as?: Application | undefined; worker?: number } = {},
  ): Promise<Answer> => {
    const given = form instanceof URLSearchParams ? form : new URLSearchParams(present(form))
    const basic = as?.secret === undefined ? {} : { authorization: `Basic ${btoa(`${as.clientId}:${as.secret}`)}` }
    if (as !== undefined && as.secret === undefined) given.set('client_id', as.clientId)
    const response = await fetch(at(worker) + path, { method: 'POST', body: given, headers: basic })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) }
  }
  return {
    issuer,
    idp,
    config,
    audit,
    broken,
    log,
    store,
    post,
    at,
    browser: (...applications: Application[]) => new Browser(...applications.map((one) => one.redirectUri)),
    /** Puts a block in force, or lifts it. */
    async block(what: object, lift = false): Promise<void> {
      await admin[lift ? 'unblock' : 'block'](what, { by: 'test' })
      await policy.refresh()
    },
    /** Where an application sends the browser. */
    authorize(
      application: Application,
      change: { [name: string]: string | undefined } = {},
      verifier = 'v'.repeat(43),
    ) {
      const url = new URL(`${issuer}/authorize`)
      const asked = {
        response_type: 'code',
        client_id: application.clientId,
        redirect_uri: application.redirectUri,
        resource: mcp,
        scope: 'chat.read',
        state: 'a-state',
        code_challenge: createHash('sha256').update(verifier).digest('base64url'),
        code_challenge_method: 'S256',
        ...change,
      }
      for (const [name, value] of Object.entries(present(asked))) url.searchParams.set(name, value)
      return url
    },
    /** Signs in and agrees, as a person would; resolves to what the browser brings back. */
    async consent(application: Application, change: { [name: string]: string | undefined } = {}, verifier?: string) {
      const browser = new Browser(application.redirectUri.replace(/:\d+\//, ':'), application.redirectUri)
      const page = await browser.open(this.authorize(application, change, verifier))
      const back = page.status === 0 ? page : await browser.submit(page, 'decision', 'allow')
      return { back: back.url.searchParams, page, browser }
    },
    /** All of it: a fresh code. */
    async code(
      application: Application,
      change: { [name: string]: string | undefined } = {},
      verifier = newVerifier(),
    ) {
      const { back } = await this.consent(application, change, verifier)
      return {
        grant_type: 'authorization_code',
        code: back.get('code') ?? '',
        redirect_uri: change.redirect_uri ?? application.redirectUri,
        code_verifier: verifier,
      }
    },
    async token(application: Application, change: { [name: string]: string | undefined } = {}): Promise<Answer> {
      return await post('/token', await this.code(application, change), { as: application })
    },
    refresh: async (
      application: Application,
      refreshToken: unknown,
      change: { [name: string]: string } = {},
      worker = 0,
    ) =>
      await post(
        '/token',
        { grant_type: 'refresh_token', refresh_token: String(refreshToken), ...change },
        { as: application, worker },
      ),
    async isAlive(token: unknown): Promise<boolean> {
      await policy.refresh()
      const as = { clientId: 'chat-api', redirectUri: '', secret: apiSecret }
      return (await post('/introspect', { token: String(token) }, { as })).body.active === true
    },
    async register(metadata: object | string, worker = 0): Promise<Answer> {
      const response = await fetch(`${at(worker)}/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: typeof metadata === 'string' ? metadata : JSON.stringify(metadata),
      })
      return { status: response.status, headers: response.headers, body: (await response.json()) as Answer['body'] }
    },
    /** The audit's latest event of an action. */
    last: (action: AuditEvent['action']) => audit.filter((event) => event.action === action).at(-1),
    async close() {
      policy.close()
      for (const app of apps) await app.close()
      await store.close()
      await idp.close()
      await folder.remove()
    },
  }
}

export function newVerifier(): string {
  return randomBytes(32).toString('base64url')
}

export function claimsOf(token: unknown): { [claim: string]: unknown } {
  return JSON.parse(Buffer.from(String(token).split('.')[1] ?? '', 'base64url').toString())
}

export type { Visit }

function present(form: { [name: string]: string | undefined }): { [name: string]: string } {
  return Object.fromEntries(
    Object.entries(form).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}
