/** Whether a code or refresh token may be used now, and what for: the same policy as for an ID-JAG, asked anew each time. */

import { blockOf } from '../protocol/blocks.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { AuditFacts, Seconds } from '../protocol/ports.ts'
import { sameResource } from '../protocol/resource.ts'
import { grantedResources, narrow, refuseBlocked, refuseUnbound } from '../resource-as/narrowing.ts'
import { refuseWeakSignIn } from '../resource-as/step-up.ts'
import type { InteractiveClient } from './clients.ts'
import type { InteractiveGrantOptions } from './options.ts'
import type { KeptSignIn, SignIns } from './sign-ins.ts'

/** What of a code or refresh token counts here. */
export interface Source {
  accountId?: string | undefined
  grantId?: string | undefined
  scope?: string | undefined
  resource?: string | string[] | undefined
  /** When it was issued. Absent: long ago. */
  issuedAt?: Seconds | undefined
}

/** What the person agreed to: scopes by the resource they were shown with. */
export type Consented = { readonly [resource: string]: string } | undefined

/** What the request asks for, within that. */
export interface Asked {
  scopes: string[]
  resources: string[]
}

/** What is to be issued. */
export interface Decision {
  account: string
  grantId: string
  kept: KeptSignIn
  scope: string
  audience: string | string[]
  /** The place of its status. */
  index: number
}

export interface JudgeRequest {
  client: InteractiveClient
  source: Source
  consented: Consented
  asked: Asked
  facts: AuditFacts
  /** Names the policy in force now, for the audit. */
  namePolicy(): void
}

/**
 * Makes the judge of one server. It spends nothing. Throws OAuthError `access_denied` or `invalid_grant` for a person, client or issuer
 * that is disabled or blocked, and for a grant that ended; `invalid_target` and `invalid_scope` for more than was agreed to.
 */
export function judge(
  options: InteractiveGrantOptions,
  signIns: SignIns,
): (request: JudgeRequest) => Promise<Decision> {
  const { resourceAuthorizationServer: server, signIn, accounts, ports } = options
  const { statuses, accessTokenLifetime } = server
  if (statuses === undefined || accessTokenLifetime === undefined)
    throw new TypeError('the code grant needs a server with statuses and accessTokenLifetime')

  return async ({ client, source, consented, asked, facts, namePolicy }) => {
    const { accountId: account, grantId } = source
    const kept = grantId === undefined ? undefined : await signIns.find(grantId)
    if (account === undefined || grantId === undefined || kept === undefined)
      throw ended('token_ended', 'its grant has ended')
    const { issuer, sub, email } = kept.person
    Object.assign(facts, { issuer, subject: sub, account })
    if (!signIn.some((place) => place.issuer === issuer))
      throw ended('issuer_unknown', `nobody signs in at ${issuer} any more`)
    const known = await accounts.findLinked({ issuer, sub })
    if (known?.id !== account) throw ended('subject_unknown', `${sub} of ${issuer} is no longer account ${account}`)
    if (!known.enabled)
      throw new OAuthError('access_denied', 'the account is disabled', {
        reason: 'subject_disabled',
        detail: `account ${account} is disabled`,
      })

    const agreed = agreedTo(source, consented)
    if (asked.scopes.some((scope) => !agreed.scopes.includes(scope)))
      throw new OAuthError('invalid_scope', 'scope: more than was agreed to', { reason: 'scope_denied' })
    // What is governed no longer is no reason to refuse the rest.
    const resource = agreed.resources.filter((one) => server.resources.some((its) => sameResource(its.resource, one)))
    // RFC 6749 §3.3: not agreed to here is what was shown with another resource, also when this one has come to have the scope since.
    const governed = grantedResources({ resource }, asked.resources, server).map((one) => ({
      ...one,
      scopes: one.scopes.filter((scope) => agreedAt(consented, one.resource).includes(scope)),
    }))
    const granted = narrow({ scope: agreed.scopes.join(' ') }, asked.scopes, governed, client.policy)
    // No proof is taken at this grant.
    refuseUnbound(granted.resources, {}, server)
    refuseWeakSignIn(kept.person, client.policy, granted.resources, server, ports.now())
    namePolicy()
    const claims = { iss: issuer, sub, email }
    refuseBlocked({ claims, account, client: client.client.id, resources: granted.resources }, server)
    const users = [sub, account, ...(email === undefined ? [] : [email])]
    const access = {
      users,
      client: client.client.id,
      audiences: [server.issuer, ...granted.resources],
      issuer,
      account,
    }
    // A new sign-in for the same grant does not bring back what was issued before it.
    refuseEnded(access, Math.min(kept.at, source.issuedAt ?? 0))

    const until = ports.now() + accessTokenLifetime + server.skew + server.clockAllowance
    const index = await statuses.indexFor(access, until)
    const [only, ...more] = granted.resources
    const audience = only !== undefined && more.length === 0 ? only : granted.resources
    return { account, grantId, kept, scope: granted.scopes.join(' '), audience, index }
  }

  /** What a block ended stays ended when it is lifted: whoever held the token meanwhile may not be its owner. */
  function refuseEnded(access: Parameters<typeof blockOf>[1], at: Seconds): void {
    const later = (server.blocks?.lifted() ?? []).filter(({ liftedAt }) => at <= liftedAt)
    if (blockOf(later, access) !== undefined) throw ended('blocked', 'it is older than a block that was lifted since')
  }
}

/** What the code or refresh token is for, as far as it was agreed to at one of its resources at least. */
function agreedTo({ scope = '', resource = [] }: Source, consented: Consented): Asked {
  const resources = [resource].flat()
  const agreed = resources.flatMap((one) => agreedAt(consented, one))
  return { scopes: scope.split(' ').filter((one) => agreed.includes(one)), resources }
}

function agreedAt(consented: Consented = {}, resource: string): string[] {
  return Object.entries(consented)
    .filter(([shown]) => sameResource(shown, resource))
    .flatMap(([, scopes]) => scopes.split(' ').filter((one) => one !== ''))
}

/** The refusal of a grant that is no longer good (RFC 6749 §5.2). */
export function ended(reason: OAuthError['reason'], detail: string): OAuthError {
  return new OAuthError('invalid_grant', 'the authorization has ended; ask the person again', { reason, detail })
}
