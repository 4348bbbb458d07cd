/** What the code grant of a server is made of. */

import type { EndpointLimits } from '../http/throttle.ts'
import type { Client } from '../protocol/client-auth.ts'
import type { ClientMetadataDocuments } from '../protocol/client-metadata.ts'
import type { Ports, Seconds } from '../protocol/ports.ts'
import type { Accounts } from '../resource-as/accounts.ts'
import type { ResourceAuthorizationServer } from '../resource-as/redeem.ts'
import type { AccountRules, ClientPolicy } from '../resource-as/trust.ts'
import type { SignInIssuer } from './sign-in/contract.ts'
import type { InteractiveState } from './state.ts'

export interface InteractiveGrantOptions {
  /** It needs statuses and `accessTokenLifetime`: a code that is shown twice ends the token that came of it. */
  resourceAuthorizationServer: ResourceAuthorizationServer
  signIn: readonly SignInPlace[]
  /** The same accounts that ID-JAGs lead to. */
  accounts: Accounts
  /** A client that the operator entered. */
  findRegistered(id: string): Promise<RegisteredClient | undefined>
  /** Clients with a metadata document. Absent: none. */
  metadataDocuments?: DocumentClients | undefined
  /** Dynamic registration. Absent: none. */
  registration?: RegistrationRules | undefined
  state: InteractiveState
  ports: Ports
  /** A guarded one, for the IdPs at which people sign in. */
  fetch: typeof fetch
  /** Signs the cookies. The same in every process. */
  cookieKey: string
  /** From the consent on: how long refresh tokens are good, used or not. */
  refreshTokenLifetime: Seconds
  /** For how long one that was replaced is taken once more: clients that refresh in two places at once. 0: not at all. */
  refreshTokenReuse: Seconds
  /** What a scope lets an application do, as a sentence for people. */
  scopeTexts: { readonly [scope: string]: string }
  policyVersion(): string
  /** Absent: none. Wrong credentials are the business of the token endpoint. */
  limits?: Pick<EndpointLimits, 'takeShare' | 'takePage'> | undefined
  report(error: unknown, correlationId: string): void
}

/** An IdP at which people sign in, and how they find their account here. */
export interface SignInPlace extends SignInIssuer {
  unknownUsers: AccountRules['unknown']
}

/** A client as an operator entered it. */
export interface RegisteredClient {
  client: Client
  /** Empty: not for the code grant, unless its metadata document names some. */
  redirectUris: readonly string[]
  name?: string | undefined
}

/** Clients that identify themselves by a Client ID Metadata Document. */
export interface DocumentClients {
  documents: ClientMetadataDocuments
  /** Also http on loopback hosts (development). */
  allowLoopback: boolean
  /** What one that nobody entered may be given. Undefined: nothing, and its document is not fetched. */
  reachOf(clientId: string): ClientPolicy | undefined
}

/** What clients that register themselves may be given, and how many may come. */
export interface RegistrationRules extends ClientPolicy {
  /** Registrations a minute, of all and from one address. */
  perMinute: number
  perAddress: number
}
