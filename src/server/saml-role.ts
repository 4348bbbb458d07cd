/** Builds from a configuration what reads SAML assertions, and finds the people they name. The reader is loaded when it is needed. */

import { namesOf, type User } from '../idp/connections.ts'
import type { SamlAssertions, SamlReading, SamlSubject } from '../idp/saml-subject.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { Assertion } from '../saml/assertion.ts'
import type { ServiceProvider } from '../saml/conditions.ts'
import type { IdpConfig } from './config-schema.ts'
import type { PolicyFeed } from './policy/policy-feed.ts'
import { StartError } from './start-error.ts'

type SamlIssuerConfig = NonNullable<IdpConfig['samlIssuers']>[number]

/** The people of the configuration, and what administrators switched off. */
export interface SamlPeople {
  directory: readonly User[]
  policy: Pick<PolicyFeed, 'isOff'>
}

const transient = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient'

/** Loads what reads assertions, where some are configured. Throws {@link StartError} when its packages are not installed. */
export async function loadSaml({ samlIssuers }: Pick<IdpConfig, 'samlIssuers'>): Promise<void> {
  if (samlIssuers === undefined) return
  await import('../saml/assertion.ts').catch((cause: unknown) => {
    throw new StartError(
      'idp.samlIssuers needs the packages xml-crypto and @xmldom/xmldom: install the optional ones too',
      {
        cause,
      },
    )
  })
}

/**
 * Undefined where no SAML issuer is configured. An assertion is for an ID-JAG only where its issuer is `direct`; each is good for a refresh
 * token (ID-JAG §4.5). `serviceProviderAt` says as whom an issuer knows a client now.
 */
export function samlAssertionsOf(
  { issuer: self, samlIssuers }: Pick<IdpConfig, 'issuer' | 'samlIssuers'>,
  serviceProviderAt: (client: string, entityId: string) => ServiceProvider | undefined,
  people: SamlPeople,
): SamlAssertions | undefined {
  if (samlIssuers === undefined) return undefined
  const issuers = new Map(samlIssuers.map((one) => [one.entityId, one]))
  const isOff = (issuer: string) => people.policy.isOff({ issuer }, { issuer, audience: self })
  return {
    purposes: samlIssuers.some(({ direct }) => direct) ? ['id-jag', 'refresh-token'] : ['refresh-token'],
    async read(token, { client, purpose, ports, skew, facts }: SamlReading): Promise<SamlSubject> {
      const { readAssertion, spendAssertion } = await import('../saml/assertion.ts')
      const assertion = readAssertion(token, {
        findIssuer(entityId) {
          const found = issuers.get(entityId)
          if (found === undefined || (purpose === 'id-jag' && !found.direct)) return undefined
          return { entityId, enabled: !isOff(entityId), certificates: found.certificates.flat() }
        },
        serviceProviderAt: (entityId) => serviceProviderAt(client.id, entityId),
        ports,
        skew,
        facts,
      })
      const config = issuers.get(assertion.issuer)
      const user = config === undefined ? undefined : userOf(assertion, config, people.directory)
      if (user === undefined)
        throw new OAuthError('invalid_grant', 'subject_token: its user is not known', { reason: 'subject_unknown' })
      const { issuer, nameId, authTime, acr, sessionNotOnOrAfter } = assertion
      return {
        user: namesOf(user).some((name) => people.policy.isOff({ user: name })) ? { ...user, enabled: false } : user,
        issuer,
        nameId,
        authTime,
        ...(acr === undefined ? {} : { acr }),
        ...(sessionNotOnOrAfter === undefined ? {} : { sessionNotOnOrAfter }),
        spend: () => spendAssertion(assertion, { ports, skew }),
      }
    },
  }
}

/** The person of an assertion: of the directory, or as the assertion itself says, where whoever was signed in is enabled. */
function userOf(assertion: Assertion, config: SamlIssuerConfig, directory: readonly User[]): User | undefined {
  const { subAttribute, emailAttribute, groupsAttribute, nameIdIs, users } = config
  const { nameId, attributes } = assertion
  // SAML core §8.3.8: a transient name is another one at every sign-in, and nobody's for long.
  if (subAttribute === undefined && nameId.format === transient) return undefined
  const [sub, ...others] = subAttribute === undefined ? [nameId.value] : (attributes.get(subAttribute) ?? [])
  if (sub === undefined || sub === '' || sub.length > 255 || others.length > 0) return undefined
  if (users === 'directory') {
    const [found, ...more] = directory.filter((user) =>
      nameIdIs === 'email' ? isEmailOf(sub, user) : user.sub === sub,
    )
    return more.length === 0 ? found : undefined
  }
  const email = nameIdIs === 'email' ? sub : attributes.get(emailAttribute ?? '')?.[0]
  return {
    sub,
    enabled: true,
    groups: attributes.get(groupsAttribute ?? '') ?? [],
    claims: email === undefined || email === '' ? {} : { email },
  }
}

function isEmailOf(text: string, { claims: { email } }: User): boolean {
  return typeof email === 'string' && email.toLowerCase() === text.toLowerCase()
}
