/** What the pages of sign-in and consent are given of the server around them. */

import { issuerPath } from '../http/documents.ts'
import { type Access, blockOf } from '../protocol/blocks.ts'
import { OAuthError } from '../protocol/errors.ts'
import { sameResource } from '../protocol/resource.ts'
import { failClosed } from '../protocol/token-endpoint.ts'
import { accountsBySubject, noAccount } from '../resource-as/accounts.ts'
import type { InteractiveClients } from './clients.ts'
import type { InteractiveGrantOptions } from './options.ts'
import type { PageOptions, SignedInPerson } from './sign-in/contract.ts'
import type { SignIns } from './sign-ins.ts'
import { isConflict, put, recordId } from './state.ts'

const kind = 'interactive-pending'

/** The options of the pages of one server. */
export function pageOptions(
  options: InteractiveGrantOptions,
  clients: InteractiveClients,
  signIns: SignIns,
): PageOptions {
  const { resourceAuthorizationServer: server, signIn, accounts, state, ports, scopeTexts } = options
  const { issuer, blocks } = server
  const safe = failClosed(ports)
  const resolve = accountsBySubject(accounts)
  const pendingId = (id: string) => recordId(issuer, 'pending', id)
  return {
    issuer,
    path: issuerPath(issuer),
    signInIssuers: signIn,
    fetch: options.fetch,
    ports: safe,
    report: options.report,
    pending: {
      keep: async (id, value, until) => await put(state, [{ kind, id: pendingId(id), value, until }]),
      async take(id) {
        const record = await state.get(kind, pendingId(id))
        if (record === undefined) return undefined
        try {
          await state.change([{ kind, id: pendingId(id), expected: record.version }])
          return record.value
        } catch (error) {
          // Taken by somebody else in the same moment.
          if (isConflict(error)) return undefined
          throw error
        }
      },
    },
    async accountOf(person) {
      const place = signIn.find((one) => one.issuer === person.issuer)
      if (place === undefined) throw noAccount(`nobody signs in at ${person.issuer}`)
      const { emailDomains, unknownUsers: unknown } = place
      const claims = { sub: person.sub, email: person.email, email_verified: person.emailVerified }
      const resolution = await resolve(claims, { issuer: person.issuer, accounts: { emailDomains, unknown } })
      if (resolution === undefined) throw noAccount(`nobody here is ${person.sub} of ${person.issuer}`)
      const known = typeof resolution === 'string' ? resolution : resolution.account
      refuseBlocked(person, known === undefined ? [] : [known])
      return typeof resolution === 'string' ? resolution : await resolution.settle()
    },
    keepSignIn: signIns.keep,
    signInOf: async (id) => (await signIns.find(id))?.person,
    async askingClient(clientId, redirectUri) {
      const client = await clients.find(clientId)
      const { name, kind = 'dynamic' } = client ?? {}
      return { clientId, kind, redirectHost: new URL(redirectUri).host, ...(name === undefined ? {} : { name }) }
    },
    resourceName: (asked) => server.resources.find(({ resource }) => sameResource(resource, asked))?.name ?? asked,
    scopeText: (scope) => (Object.hasOwn(scopeTexts, scope) ? (scopeTexts[scope] ?? scope) : scope),
    async recordConsent({ granted, client, account, person, scope, resource }) {
      await safe.record({
        at: ports.now(),
        role: 'resource-as',
        server: issuer,
        action: 'consent',
        outcome: granted ? 'granted' : 'refused',
        reason: granted ? 'granted' : 'consent_denied',
        correlationId: ports.newId(),
        client,
        issuer: person.issuer,
        subject: person.sub,
        account,
        scope,
        resource,
        policyVersion: options.policyVersion(),
      })
    },
  }

  /** A person who is stopped, whatever the client, gets no further than the sign-in. */
  function refuseBlocked({ sub, email, issuer: idp }: SignedInPerson, account: string[]): void {
    const users = [sub, ...account, ...(email === undefined ? [] : [email])]
    const access: Access = { users, client: '', audiences: [issuer], issuer: idp }
    if (blockOf(blocks?.inForce() ?? [], access) !== undefined)
      throw new OAuthError('access_denied', 'policy does not allow this access', { reason: 'blocked' })
  }
}
