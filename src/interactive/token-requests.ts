/** The code grant at the token endpoint: who asks, whether they may, and an access token of this server in place of the provider's. */

import type { FastifyRequest } from 'fastify'
import type { AdapterPayload, KoaContextWithOIDC, Provider } from 'oidc-provider'
import { correlationIdOf, headerLines } from '../http/oauth-scope.ts'
import { answerDecided } from '../http/post-route.ts'
import { senderOf } from '../http/sender.ts'
import type { OtherGrants } from '../http/token-route.ts'
import { refusal } from '../protocol/audit.ts'
import type { Awaitable } from '../protocol/awaitable.ts'
import { OAuthError } from '../protocol/errors.ts'
import { type Form, parseForm, parseScope } from '../protocol/form.ts'
import { type AuditEvent, type AuditFacts, tokenIdHash } from '../protocol/ports.ts'
import { isResourceIndicator } from '../protocol/resource.ts'
import { failClosed, proofNotOffered } from '../protocol/token-endpoint.ts'
import { authenticated } from './client-authentication.ts'
import type { InteractiveClient, InteractiveClients } from './clients.ts'
import { type Asked, type Decision, judge } from './judgement.ts'
import type { KeptModels } from './kept-models.ts'
import type { InteractiveGrantOptions } from './options.ts'
import { type AskProvider, callInProgress } from './provider-call.ts'
import { tokenRefusal } from './refusals.ts'
import type { SignIns } from './sign-ins.ts'
import { type InteractiveState, isConflict, type KeptChange } from './state.ts'

/** A token request while the provider works on it: what its hooks need, and what they found. */
interface TokenCall {
  client: InteractiveClient
  asked: Asked
  facts: AuditFacts
  spendAssertion(): Awaitable<void>
  decision?: Decision
  /** The refresh token that was replaced. */
  replaced?: string
}

/** What the provider's hooks call while a token request is under way. */
export interface TokenHooks {
  spend(payload: AdapterPayload, mark: KeptChange): Promise<void>
  useRefreshToken(context: KoaContextWithOIDC): Promise<boolean>
}

/** The parts of the grant that these requests need. */
export interface TokenParts {
  options: InteractiveGrantOptions
  clients: InteractiveClients
  signIns: SignIns
}

/** Decides and spends. The provider is given later, because it is made with these. */
export function tokenHooks({ options, signIns }: TokenParts, provider: () => Provider): TokenHooks {
  const decide = judge(options, signIns)
  const decided = async (call: TokenCall, source: AdapterPayload): Promise<Decision> => {
    const grant = source.grantId === undefined ? undefined : await provider().Grant.find(source.grantId)
    call.decision = await decide({
      ...call,
      source,
      consented: (grant as { resources?: { [resource: string]: string } } | undefined)?.resources,
      namePolicy: () => {
        call.facts.policyVersion = options.policyVersion()
      },
    })
    await call.spendAssertion()
    return call.decision
  }
  const commit = async ({ grantId, kept, index }: Decision, changes: KeptChange[], state: InteractiveState) => {
    const news = kept.indexes.includes(index) ? [] : signIns.withIndex(grantId, kept, index)
    if (changes.length + news.length > 0) await state.change([...changes, ...news])
  }
  return {
    async spend(payload, mark) {
      const call = callInProgress() as TokenCall
      const decision = call.decision ?? (await decided(call, payload))
      if (payload.kind === 'RefreshToken' && payload.jti !== undefined) call.replaced = payload.jti
      try {
        await commit(decision, [mark], options.state)
      } catch (error) {
        // Whoever tries again decides again, on what is there by then.
        if (isConflict(error)) delete call.decision
        throw error
      }
    },
    async useRefreshToken({ oidc }) {
      const call = callInProgress() as TokenCall
      const { RefreshToken } = provider()
      const source = await RefreshToken.adapter.find(oidc.entities.RefreshToken?.jti ?? '')
      const decision = await decided(call, source || {})
      // RFC 9700 §4.14.2: those of public clients are replaced at each use.
      if (call.client.open) return true
      await commit(decision, [], options.state)
      return false
    },
  }
}

/** Answers `authorization_code` and `refresh_token` at the token endpoint. */
export function tokenRequests(
  parts: TokenParts,
  provider: Provider,
  models: KeptModels,
  ask: AskProvider,
): OtherGrants {
  const { options, clients, signIns } = parts
  const { resourceAuthorizationServer: server, report } = options
  const safe = failClosed(options.ports)

  return async (request, reply, body) =>
    await answerDecided(request, reply, report, async () => {
      const facts: AuditFacts = { policyVersion: options.policyVersion() }
      const grantType = new URLSearchParams(body).get('grant_type') ?? ''
      const action = grantType === 'refresh_token' ? 'refresh' : 'code'
      const correlationId = correlationIdOf(request)
      const event = { role: 'resource-as', server: server.issuer, action, correlationId } as const
      try {
        const answer = await answerOne(request, parseForm(body, ['resource']), grantType, facts, event)
        return reply.header('cache-control', 'no-store').header('pragma', 'no-cache').send(answer)
      } catch (error) {
        await safe.record({ ...event, ...facts, ...refusal(error), at: safe.now() })
        throw error
      }
    })

  async function answerOne(
    request: FastifyRequest,
    form: Form,
    grantType: string,
    facts: AuditFacts,
    event: Pick<AuditEvent, 'role' | 'server' | 'action' | 'correlationId'>,
  ): Promise<object> {
    const authorization = headerLines(request, 'authorization')
    const { client, spend } = await authenticated({ authorization, form }, parts, safe)
    facts.client = client.client.id
    // Anybody may name a public client: then each sender has a share of its own, and takes nothing from the others.
    const sharers = client.open ? [client.client.id, senderOf(request.ip)] : [client.client.id]
    options.limits?.takeShare?.(sharers.join(' '))
    // RFC 9449 §5: refresh tokens of public clients would have to be bound, too, and nothing here binds them.
    if (headerLines(request, 'dpop').length > 0) throw proofNotOffered(`for ${grantType}`)
    const call: TokenCall = { client, asked: readAsked(form), facts, spendAssertion: spend }
    const answer = await ask(
      {
        method: 'POST',
        path: '/token',
        headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
        body: forProvider(form, grantType, client.client.id),
      },
      call,
    )
    const { decision } = call
    if (answer.status !== 200 || decision === undefined) {
      await endReused(form, grantType, client)
      throw tokenRefusal(answer, grantType)
    }
    const { refresh_token: refreshToken } = JSON.parse(answer.body) as { refresh_token?: string }
    return await issued(decision, refreshToken, call, event)
  }

  async function issued(
    { account, kept: { person }, scope, audience, index }: Decision,
    refreshToken: string | undefined,
    { client, facts, replaced }: TokenCall,
    event: Pick<AuditEvent, 'role' | 'server' | 'action' | 'correlationId'>,
  ): Promise<object> {
    const tokenId = safe.newId()
    Object.assign(facts, { account, scope, resource: audience, issuedTokenId: tokenIdHash(server.issuer, tokenId) })
    try {
      await safe.record({ ...event, ...facts, at: safe.now(), outcome: 'granted', reason: 'granted' })
    } catch (error) {
      // The client comes again with the token it has; without this, that would look like theft.
      if (replaced !== undefined && refreshToken !== undefined) await models.unspend(replaced, refreshToken)
      throw error
    }
    await clients.touch(client)
    const { accessToken, tokenType, expiresIn } = await server.issue({
      account,
      client: client.client.id,
      audience,
      scope,
      tokenId,
      now: safe.now(),
      statusIndex: index,
      signIn: { authTime: person.authTime, acr: person.acr, amr: person.amr },
    })
    return {
      access_token: accessToken,
      token_type: tokenType,
      expires_in: expiresIn,
      ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
      scope,
      resource: audience,
    }
  }

  /** RFC 6749 §4.1.2, RFC 9700 §4.14.2: what is used twice was stolen once; everything that came of it ends. */
  async function endReused(form: Form, grantType: string, { client }: InteractiveClient): Promise<void> {
    const shown = form.optional(grantType === 'refresh_token' ? 'refresh_token' : 'code') ?? ''
    const lookup = { ignoreExpiration: true }
    const used =
      grantType === 'refresh_token'
        ? await provider.RefreshToken.find(shown, lookup)
        : await provider.AuthorizationCode.find(shown, lookup)
    const { consumed, clientId, grantId } = (used ?? {}) as AdapterPayload
    if (consumed === undefined || clientId !== client.id || grantId === undefined) return
    await signIns.end(grantId)
    await (await provider.Grant.find(grantId))?.destroy()
  }
}

/** What the provider needs of the request. Credentials, scope and resource were ours to judge. */
function forProvider(form: Form, grantType: string, clientId: string): string {
  const sent = new URLSearchParams({ grant_type: grantType, client_id: clientId })
  for (const name of ['code', 'redirect_uri', 'code_verifier', 'refresh_token']) {
    const value = form.optional(name)
    if (value !== undefined) sent.set(name, value)
  }
  return sent.toString()
}

function readAsked(form: Form): Asked {
  const resources = form.all('resource')
  if (!resources.every(isResourceIndicator))
    throw new OAuthError('invalid_target', 'resource must be an absolute URI without a fragment', {
      reason: 'resource_denied',
    })
  return { scopes: parseScope(form.optional('scope') ?? ''), resources }
}
