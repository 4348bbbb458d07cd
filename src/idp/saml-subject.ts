/** SAML assertions as subject tokens: what the exchange asks of whoever reads them (ID-JAG §4.5, SAML-01, SAML-11). */

import type { Client } from '../protocol/client-auth.ts'
import type { AuditFacts, Ports, Seconds } from '../protocol/ports.ts'
import type { User } from './connections.ts'

/** What an assertion is sent for: an ID-JAG at once, or a refresh token to exchange from then on (ID-JAG §4.5). */
export type SamlPurpose = 'id-jag' | 'refresh-token'

/** The name of a person in an assertion, each qualifier only where it is written there (SAML 2.0 core §2.2.2). */
export interface NameId {
  value: string
  format?: string
  nameQualifier?: string
  spNameQualifier?: string
  spProvidedId?: string
}

/** A person, as an assertion that was judged whole names them. */
export interface SamlSubject {
  user: User
  /** The SAML entity id of the identity provider that signed. */
  issuer: string
  nameId: NameId
  /** When the sign-in was (AuthnInstant). */
  authTime: Seconds
  /** How it was (AuthnContextClassRef). */
  acr?: string
  /** No sign-in of this session counts from then on. It is in the future, by the skew at most in the past. */
  sessionNotOnOrAfter?: Seconds
  /**
   * Spends the assertion: to be called after every check, behind `spendCredentials`. Throws {@link OAuthError} `invalid_grant` for one that
   * was used before, or is older than what the store remembers.
   */
  spend(): Promise<void>
}

/** What the reader is given beside the token. */
export interface SamlReading {
  client: Client
  purpose: SamlPurpose
  ports: Ports
  skew: Seconds
  facts: AuditFacts
}

/** Where assertions are read. A server that takes none has none, and parses no XML. */
export interface SamlAssertions {
  /** For what they are taken at all; which issuer's for what, `read` knows. */
  purposes: readonly SamlPurpose[]
  /**
   * Reads a `subject_token` of the type saml2 and judges all of it for this client. Consumes nothing. Throws {@link OAuthError}
   * `invalid_grant`, with a reason of its own, for whatever a client can send. Does NOT ask whether the user is enabled.
   */
  read(token: string, reading: SamlReading): Promise<SamlSubject>
}
