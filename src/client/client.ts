/** The client as the package gives it to the world (`xaa-broker/client`): applications need nothing else of this room. */

export type { ProfileName } from '../protocol/profile-settings.ts'
export type { AccessToken } from './access.ts'
export type { ActorOption } from './actor.ts'
export {
  type AssertionAudience,
  type ClientAuthentication,
  clientSecretBasic,
  clientSecretPost,
  type PrivateKeyJwtOptions,
  privateKeyJwt,
  type UnsignedRequest,
} from './client-authentication.ts'
export { CrossAppError, type CrossAppStep, type CrossAppStop, SignInRequired } from './cross-app-error.ts'
export { type CrossAppClient, createCrossAppClient, createCrossAppFetch } from './cross-app-fetch.ts'
export type { CrossAppOptions, IdentityProviderOptions, ResourceServerOptions } from './options.ts'
export type { ProofKeyOption } from './prover.ts'
export type { IssuedRefreshToken, RefreshTokenOptions, SignInResult } from './refresh-token.ts'
export type { Fetch, Step, StepName } from './sending.ts'
export type { DemandedSignIn } from './sign-in.ts'
export type { Subject } from './subject.ts'
