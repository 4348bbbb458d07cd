/** Whom a resource authorization server trusts: one explicit entry for each issuer, and nothing without one (ID-JAG §4.1). */

import type { AuthorizationDetail } from '../protocol/authorization-details.ts'
import type { KeySource, SignatureAlgorithm } from '../protocol/keys.ts'
import type { Seconds } from '../protocol/ports.ts'
import type { SignInDemand } from '../protocol/sign-in.ts'
import type { SamlNameFormat, SamlNameMember } from '../protocol/subject-identifier.ts'

/** One identity provider whose ID-JAGs are redeemed here. */
export interface TrustedIssuer {
  /** Its issuer identifier, compared to the letter (D-09). */
  issuer: string
  enabled: boolean
  keys: KeySource
  algorithms: readonly SignatureAlgorithm[]
  /** The actors it may name, by `sub`. Absent: any; empty: none. */
  actors?: readonly string[] | undefined
  /**
   * Whether its ID-JAGs may be of workloads: taken, or taken where they are bound to a key or a certificate (FL-WL-03). Absent: refused, as
   * they are without the branch `workload-agent-principal`.
   */
  workloads?: 'refuse' | 'accept' | 'bound' | undefined
  /** The clients it may speak for (RAS-08). Empty: none. A set where there are many: it is asked at every redemption. */
  clients: readonly string[] | ReadonlySet<string>
  /** Whether it may also speak for every client that is let in by its metadata document alone. Absent: it may not. */
  metadataDocuments?: boolean
  /** Whether one ID-JAG may be redeemed once, or again until it expires (ID-JAG §4.4.3, D-05). */
  assertions: 'single-use' | 'until-exp'
  /** The longest `exp − iat` taken from it (D-16). */
  maxLifetime: Seconds
  accounts: AccountRules
  /** What its `sub_id` is good for. Absent: nothing (SAML-09). */
  subjectId?: SamlNameRules | undefined
  /** The tenants of the issuer that are connected (ID-JAG §6.3). Absent: it has none, and a token that names one is refused. */
  tenants?: readonly string[] | undefined
  /** The tenant of this server that the issuer speaks for. Absent: it reaches what belongs to no tenant, and a token that names one is refused. */
  audTenant?: string | undefined
  /** Whether its `aud_sub` is believed: it may then name an account that nobody is linked to by its id (JAG-16). Absent: it is not looked at. */
  audSub?: boolean | undefined
  /** The most that is granted on its word, whatever a client may be given. Absent: all of that. */
  scopes?: readonly string[] | undefined
  resources?: readonly string[] | undefined
}

/** What an issuer's `sub_id` is good for. */
export interface SamlNameRules {
  /** The SAML entity ids that are this issuer's, to the letter (SAML-09). Names of every other are refused. */
  samlIssuers: readonly string[]
  /** Whether an ID-JAG without a SAML name is refused (SAML-07). */
  required: boolean
  /** The values of `format` that are read. */
  formats: readonly SamlNameFormat[]
  /** What is compared beside `nameId`, where one side lacks it too. Empty: the bare name (SAML-08). */
  key: readonly SamlNameMember[]
}

/** The tenants that a token names before anybody has verified it: good for choosing an entry, and for nothing else. */
export interface NamedTenants {
  /** Of its issuer. */
  tenant?: string | undefined
  /** Of this server. */
  audTenant?: string | undefined
}

/** How persons of one issuer find their account here. */
export interface AccountRules {
  /** E-mail domains the issuer owns: in these, its verified address may be linked to an existing account the first time. */
  emailDomains: readonly string[]
  /** What happens to a person without an account. */
  unknown: 'refuse' | 'create'
}

/** A resource this server issues access tokens for. */
export interface GovernedResource {
  /** Its identifier (RFC 8707): what `aud` of the access token says. */
  resource: string
  scopes: readonly string[]
  /** No access token is issued for it that is not bound to the key of a DPoP proof. Absent: Bearer tokens are, too. */
  boundTokens?: boolean | undefined
  /** The types of authorization details that mean something there. Absent: none. */
  detailTypes?: readonly string[] | undefined
  /** What the person's sign-in at the identity provider must have been (D-22). Absent: anything. */
  signIn?: SignInDemand | undefined
  /** What people know it by. */
  name?: string | undefined
}

/** What one client may be given here, whatever an issuer says. */
export interface ClientPolicy {
  scopes: readonly string[]
  resources: readonly string[]
  /** The most there may be of authorization details. Absent: none. */
  details?: readonly AuthorizationDetail[]
  /** As that of a resource, for whatever this client asks for. */
  signIn?: SignInDemand | undefined
  /** The client is listed nowhere: its metadata document alone lets it in. */
  byDocument?: true
}
