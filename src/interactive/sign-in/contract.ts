/** What the code grant and its pages know of each other: who signs people in, who came back, and who asks for what. */

import type { PersonRules } from '../../protocol/person.ts'
import type { Ports, Seconds } from '../../protocol/ports.ts'

/** One company's IdP at which people sign in. */
export interface SignInIssuer {
  issuer: string
  clientId: string
  clientSecret?: string
  /** In lower case. No domain belongs to two of them. */
  emailDomains: readonly string[]
  /** What people know it by. Absent: its host. */
  name?: string
  /** Which claim is a person's id, and whose people are taken. Absent: `sub`, and everybody whom it signs in. */
  person?: PersonRules
}

/** Who came back from it, verified. */
export interface SignedInPerson {
  issuer: string
  sub: string
  email?: string
  emailVerified: boolean
  authTime?: Seconds
  acr?: string
  amr?: string[]
}

/** What the consent page says about the application. All of its text is a stranger's. */
export interface AskingClient {
  clientId: string
  /** What it calls itself. */
  name?: string
  /** How this server knows it: its operator entered it, its document says so, or it registered itself. */
  kind: 'registered' | 'metadata-document' | 'dynamic'
  redirectHost: string
}

/** A small object of JSON, as the store keeps it. */
export type RecordValue = { readonly [member: string]: unknown }

/** A consent as the audit is told of it. */
export interface ConsentEvent {
  granted: boolean
  /** Of the request by which the person answered. */
  correlationId: string
  client: string
  account: string
  person: SignedInPerson
  scope: string
  resource: string | string[]
}

export interface PageOptions {
  issuer: string
  /** The issuer's path, without a slash at its end. */
  path: string
  signInIssuers: readonly SignInIssuer[]
  /** Guarded against addresses of the inside. */
  fetch: typeof fetch
  /** Kept until taken once, in the store, for the way to the IdP and back. */
  pending: {
    keep(id: string, value: RecordValue, until: Seconds): Promise<void>
    take(id: string): Promise<RecordValue | undefined>
  }
  /**
   * The account of this person, made or linked by the same rules as for ID-JAGs. Throws OAuthError `access_denied` or `invalid_grant`
   * when there is none.
   */
  accountOf(person: SignedInPerson): Promise<string>
  /** Keeps what the sign-in said for as long as the grant lives: the token endpoint and every refresh read it again. */
  keepSignIn(grantId: string, person: SignedInPerson): Promise<void>
  /**
   * What was kept. The pages keep a sign-in under the uid of the provider's session as well, in the same way: when a browser that is
   * signed in already is asked for the next consent, they find there who it is. Undefined: the person signs in anew.
   */
  signInOf(id: string): Promise<SignedInPerson | undefined>
  askingClient(clientId: string, redirectUri: string): Promise<AskingClient>
  resourceName(resource: string): string
  /** The configured sentence for a scope, or the scope itself. */
  scopeText(scope: string): string
  ports: Ports
  report(error: unknown, correlationId: string): void
  /** Writes the audit event of a consent given or refused. Rejects when it is not kept, and then nothing may be granted. */
  recordConsent(event: ConsentEvent): Promise<void>
}
