/** A resource authorization server that is nothing but oidc-provider and the pages, between an application and the companies' IdPs. */

import type { Configuration } from 'oidc-provider'
import { Provider } from 'oidc-provider'
import { rememberedGrant } from '../../../src/interactive/sign-in/consent-memory.ts'
import type {
  AskingClient,
  ConsentEvent,
  PageOptions,
  SignedInPerson,
  SignInIssuer,
} from '../../../src/interactive/sign-in/contract.ts'
import { interactionRoutes, pageHeaders, signInErrorPage } from '../../../src/interactive/sign-in/pages.ts'
import { guardedFetch } from '../../../src/outbound/guarded-fetch.ts'
import type { AuditEvent } from '../../../src/protocol/ports.ts'
import { bindOrigin, serveAt } from '../../../src/testing/origin.ts'
import { memoryAdapter } from '../../../src/testing/sign-in/adapter.ts'
import { testPorts } from '../../fixture/ports.ts'
import { Browser } from './browser.ts'
import { type CompanyIdp, companyIdp } from './company-idp.ts'

export const resource = 'https://api.chat.example/mcp'
/** RFC 7636 appendix B. */
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

export interface Application extends AskingClient {
  redirectUri: string
}

export const wiki: Application = {
  clientId: 'wiki',
  name: 'Wiki',
  kind: 'registered',
  redirectHost: 'wiki.example',
  redirectUri: 'https://wiki.example/callback',
}
export const editor: Application = {
  clientId: 'https://editor.example/client.json',
  name: 'Editor',
  kind: 'metadata-document',
  redirectHost: 'editor.example',
  redirectUri: 'https://editor.example/callback',
}
export const program: Application = {
  clientId: 'program',
  name: 'Program',
  kind: 'registered',
  redirectHost: '127.0.0.1:5000',
  redirectUri: 'http://127.0.0.1:5000/callback',
}
/** One of which the provider itself would not ask each time. */
export const neighbour: Application = {
  clientId: 'neighbour',
  name: 'Neighbour',
  kind: 'registered',
  redirectHost: '127.0.0.1:5001',
  redirectUri: 'https://127.0.0.1:5001/callback',
}
export const stranger: Application = {
  clientId: 'dcr-1',
  name: '<script>alert("hello")</script>',
  kind: 'dynamic',
  redirectHost: 'stranger.example',
  redirectUri: 'https://stranger.example/callback?<b>',
}
const applications = [wiki, editor, program, neighbour, stranger]

export interface Stage {
  issuer: string
  idps: CompanyIdp[]
  options: PageOptions
  consents: ConsentEvent[]
  /** What was kept of sign-ins, by grant and session. */
  signIns: Map<string, SignedInPerson>
  reported: { error: unknown; correlationId: string }[]
  /** Where {@link PageOptions.accountOf} is asked. */
  accounts: { of(person: SignedInPerson): Promise<string> }
  /** The events of refused sign-ins; consents are told apart, in {@link Stage.consents}. */
  audit: { events: AuditEvent[]; broken?: Error }
  provider: Provider
  browser(): Browser
  /** Where an application sends the browser; undefined takes a parameter away. */
  authorize(application: Application, change?: { [name: string]: string | undefined }): URL
  close(): Promise<void>
}

/** Starts it, with an IdP for each domain. */
export async function openStage(...domains: string[]): Promise<Stage> {
  return await openStageAmong(async () => [], domains)
}

/** Starts it, with IdPs that know its address, and one of {@link companyIdp} for each domain besides. */
export async function openStageAmong(
  others: (issuer: string) => Promise<SignInIssuer[]>,
  domains: string[],
): Promise<Stage> {
  const idps = await Promise.all(domains.map(companyIdp))
  const origin = await bindOrigin(0)
  const known = await others(origin.url)
  const { ports, audit: events } = testPorts()
  const kept = new Map<string, { readonly [member: string]: unknown }>()
  const signIns: Stage['signIns'] = new Map()
  const consents: ConsentEvent[] = []
  const reported: Stage['reported'] = []
  const accounts: Stage['accounts'] = { of: async ({ sub, issuer }) => `${sub}-of-${new URL(issuer).port}` }
  const audit: Stage['audit'] = { events }
  const options: PageOptions = {
    issuer: origin.url,
    path: '',
    signInIssuers: [
      ...known,
      ...idps.map(({ issuer }, at) => ({
        issuer,
        clientId: 'chat-server',
        clientSecret: 'a-secret',
        emailDomains: [domains[at] ?? ''],
        name: `Company of ${domains[at]}`,
      })),
    ],
    fetch: guardedFetch({ allowLoopback: true, allowAddresses: [], deadline: 2 }),
    pending: {
      async keep(id, value) {
        kept.set(id, value)
      },
      async take(id) {
        const value = kept.get(id)
        kept.delete(id)
        return value
      },
    },
    accountOf: (person) => accounts.of(person),
    async keepSignIn(id, person) {
      signIns.set(id, person)
    },
    signInOf: async (id) => signIns.get(id),
    async askingClient(clientId) {
      const found = applications.find((one) => one.clientId === clientId)
      if (found === undefined) throw new TypeError(`nobody is called ${clientId}`)
      return found
    },
    resourceName: () => 'Tidewater Chat',
    scopeText: (scope) => (scope === 'chat.read' ? 'read your messages' : scope),
    ports: { ...ports, now: () => Math.floor(Date.now() / 1000) },
    report: (error, correlationId) => reported.push({ error, correlationId }),
    async recordConsent(event) {
      if (audit.broken !== undefined) throw audit.broken
      consents.push(event)
    },
  }
  const provider = new Provider(origin.url, configurationOf(options))
  const answer = provider.callback()
  const app = await serveAt(origin, async (server) => {
    await interactionRoutes(server, provider, options)
    for (const path of ['/authorize', '/authorize/:uid'])
      server.get(path, async (request, reply) => {
        reply.hijack()
        await answer(request.raw, reply.raw)
      })
  })
  return {
    issuer: origin.url,
    idps,
    options,
    consents,
    signIns,
    reported,
    accounts,
    audit,
    provider,
    browser: () => new Browser(...applications.map(({ redirectUri }) => redirectUri.replace(/\?.*/, ''))),
    authorize({ clientId, redirectUri }, change = {}) {
      const url = new URL(`${origin.url}/authorize`)
      const parameters = {
        response_type: 'code',
        client_id: clientId,
        redirect_uri: redirectUri,
        resource,
        scope: 'chat.read chat.write',
        state: 'a-state',
        code_challenge: challenge,
        code_challenge_method: 'S256',
        ...change,
      }
      for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value)
      return url
    },
    async close() {
      await app.close()
      for (const idp of idps) await idp.close()
    },
  }
}

function configurationOf(options: PageOptions): Configuration {
  return {
    adapter: memoryAdapter(),
    clients: applications.map(({ clientId, redirectUri }) => ({
      client_id: clientId,
      redirect_uris: [redirectUri],
      application_type: redirectUri.startsWith('http:') ? 'native' : 'web',
      token_endpoint_auth_method: 'none',
      response_types: ['code'],
      grant_types: ['authorization_code'],
    })),
    cookies: {
      keys: ['a-key-for-cookies'],
      names: { session: 'chat_session', interaction: 'chat_step', resume: 'chat_resume' },
      short: { signed: true, httpOnly: true, sameSite: 'lax' },
      long: { signed: true, httpOnly: true, sameSite: 'lax' },
    },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({ scope: 'chat.read chat.write', accessTokenFormat: 'opaque' }),
      },
    },
    findAccount: async (_context, sub) => ({ accountId: sub, claims: async () => ({ sub }) }),
    interactions: { url: (_context, { uid }) => `/sign-in/${uid}` },
    loadExistingGrant: rememberedGrant(options),
    pkce: { required: () => true },
    routes: { authorization: '/authorize' },
    ttl: { AuthorizationCode: 60, Grant: 600, Interaction: 600, Session: 600 },
    async renderError(context, { error, error_description }) {
      context.set({ ...pageHeaders })
      context.body = signInErrorPage('This cannot go on', `${error}: ${error_description}`)
    },
  }
}
