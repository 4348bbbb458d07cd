/** The company's side of the world: its identity provider, and the foreign issuer whose ID Tokens that provider takes too. */

import { authorizationErrorPage } from '../http/authorization-page.ts'
import { serveDocument, wellKnownPaths } from '../http/documents.ts'
import { idpPlugin } from '../http/idp-plugin.ts'
import type { IdTokenIssuer } from '../idp/subject.ts'
import type { Block } from '../protocol/blocks.ts'
import { defaultAlgorithms, type KeySource, type SigningKeys } from '../protocol/keys.ts'
import { signingKeysOf } from '../protocol/own-keys.ts'
import { clientFinder } from '../server/clients.ts'
import { connectionFinder } from '../server/idp-role.ts'
import { builtFrom, type IdpDefinition, idpEntries } from '../server/policy/entries.ts'
import { companyDefinition } from './enterprise.ts'
import type { KeyPairs } from './keys.ts'
import { serveAt } from './origin.ts'
import { signInProvider } from './sign-in/sign-in.ts'
import { type Stage, skew } from './stage.ts'

export interface Company {
  idp: KeyPairs
  /** The keys of {@link idp} as others see them: with the one that signs people in, also after its time. */
  idpKeys: SigningKeys
  upstream: KeyPairs
  /** What the identity provider goes by where nothing else was decided at run time. */
  definition: IdpDefinition
}

/** Starts both. A browser may be sent back to `redirectUris` after sign-in. */
export async function openCompany(stage: Stage, redirectUris: readonly string[]): Promise<Company> {
  const { addresses, clients, directory, folder } = stage
  const idp = await folder.make('idp', ['ES256', 'RS256'])
  const upstream = await folder.make('upstream', ['RS256'])
  const definition = companyDefinition(addresses, clients, directory)
  const company = { idp, idpKeys: await withSignIn(idp), upstream, definition }
  await serveIdp(company, stage, redirectUris)
  await serveUpstream(upstream, stage)
  return company
}

/**
 * oidc-provider takes its keys once, when it is made, and signs with the first of them for ever: that one stays published, until
 * somebody purges it.
 */
async function withSignIn({ jwks, signingKeys }: KeyPairs): Promise<SigningKeys> {
  const signIn = await signingKeysOf({ keys: jwks.keys.slice(0, 1) })
  const { kid } = signIn.current()
  const isOver = () => !signingKeys.isPurged(kid) && !signingKeys.published().keys.some((key) => key.kid === kid)
  return {
    current: signingKeys.current,
    published: () => ({ keys: [...signingKeys.published().keys, ...(isOver() ? signIn.published().keys : [])] }),
    source: {
      find: (header) => (header.kid === kid && isOver() ? signIn.source : signingKeys.source).find(header),
    },
  }
}

function subjectIssuer(issuer: string, keys: KeySource, { directory }: Stage): IdTokenIssuer {
  return {
    issuer,
    enabled: true,
    keys,
    algorithms: defaultAlgorithms,
    clientIdOf: (client) => client,
    findUser: ({ sub }) => directory.find(sub),
  }
}

/** Sign-in, token exchange, metadata and keys under one issuer. */
async function serveIdp(company: Company, stage: Stage, redirectUris: readonly string[]): Promise<void> {
  const { idp, idpKeys, definition } = company
  const { addresses, directory, keysOf, policyVersion, report } = stage
  const { policy } = stage.state
  const issuer = addresses.idp
  const ports = stage.portsFor(issuer)
  const known = builtFrom(policy.entries, (entries) => idpEntries(definition, entries))
  const findClient = clientFinder(issuer, () => known().clients, policy)
  const subjectIssuers = [
    subjectIssuer(issuer, idpKeys.source, stage),
    subjectIssuer(addresses.upstream, keysOf(addresses.upstream), stage),
  ]
  /** The entry, disabled while a block names exactly one of these. */
  const unlessOff = <Entry extends { enabled: boolean }>(entry: Entry | undefined, ...names: Block[]) =>
    entry !== undefined && names.some(policy.isOff) ? { ...entry, enabled: false } : entry
  const signIn = await signInProvider({
    issuer,
    jwks: idp.jwks,
    directory,
    clients: Object.values(stage.clients).map(({ client: { title, idp } }) => ({ ...idp, name: title, redirectUris })),
    authentication: { issuer, findClient, skew, ports },
    report,
  })
  await serveAt(
    stage.at.idp,
    async (app) => {
      await signIn.routes(app)
      await app.register(idpPlugin, {
        identityProvider: {
          issuer,
          signingKeys: idpKeys,
          findIssuer(name) {
            const found = subjectIssuers.find((one) => one.issuer === name)
            return unlessOff(found, { issuer: name }, { issuer: name, audience: issuer })
          },
          refreshTokens: signIn.refreshTokens,
          async findResourceServer(audience) {
            const found = definition.resourceServers.find((one) => one.issuer === audience)
            return found && unlessOff({ ...found, enabled: true }, { audience })
          },
          findConnection: connectionFinder(() => known().connections, definition.resourceServers, policy),
          blocks: policy.blocks,
          skew,
        },
        findClient,
        ports,
        policyVersion,
        report,
        openid: { metadata: signIn.metadata, otherGrants: signIn.otherGrants },
      })
    },
    report,
  )
}

/** A foreign OpenID issuer as others see it: its metadata and its keys. Nobody can sign in there. */
async function serveUpstream({ signingKeys }: KeyPairs, { at, addresses }: Stage): Promise<void> {
  const issuer = addresses.upstream
  await serveAt(at.upstream, (app) => {
    serveDocument(app, wellKnownPaths('openid-configuration', ''), () => ({
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    }))
    serveDocument(app, ['/jwks'], () => signingKeys.published())
    authorizationErrorPage(
      app,
      '/authorize',
      'This issuer exists so that its ID Tokens can be minted. Nobody signs in here.',
    )
  })
}
