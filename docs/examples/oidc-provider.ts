/** Two applications with oidc-provider, as they were; each of them gains its side of Cross-App Access in the lines below `new`. */
import Provider, { type Configuration } from 'oidc-provider'
import * as grants from 'oidc-provider/lib/helpers/grants.js'
import {
  addJwtBearer,
  addTokenExchange,
  type JwtBearerOptions,
  type TokenExchangeOptions,
} from 'xaa-broker/oidc-provider'

/** A company's identity provider. Its clients that may do this list the grant type token-exchange. */
export function companyProvider(issuer: string, yours: Configuration, access: Omit<TokenExchangeOptions, 'grants'>) {
  const provider = new Provider(issuer, yours)
  addTokenExchange(provider, { ...access, grants })
  return provider.callback()
}

/** A vendor's authorization server. Its clients that may do this list the grant type jwt-bearer. */
export function vendorProvider(issuer: string, yours: Configuration, trust: Omit<JwtBearerOptions, 'grants'>) {
  const provider = new Provider(issuer, yours)
  addJwtBearer(provider, { ...trust, grants })
  return provider.callback()
}
