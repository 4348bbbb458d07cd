/** The company's side of the world: its identity provider, and the foreign issuer whose ID Tokens that provider takes too. */

import { authorizationErrorPage } from '../http/authorization-page.ts'
import { serveDocument, wellKnownPaths } from '../http/documents.ts'
import { idpPlugin } from '../http/idp-plugin.ts'
import { answerNowhere } from '../http/nowhere.ts'
import type { IdTokenIssuer } from '../idp/subject.ts'
import type { Block } from '../protocol/blocks.ts'
import { defaultAlgorithms, type KeySource, type SigningKeys } from '../protocol/keys.ts'
import { signingKeysOf } from '../protocol/own-keys.ts'
import type { Seconds } from '../protocol/ports.ts'
import { clientFinder } from '../server/clients.ts'
import { connectionFinder } from '../server/idp-role.ts'
import { documentClients } from '../server/metadata-documents.ts'
import { builtFrom, type IdpDefinition, idpEntries } from '../server/policy/entries.ts'
import { companyDefinition } from './enterprise.ts'
import type { KeyPairs } from './keys.ts'
import { serveAt } from './origin.ts'
import type { SignInClient } from './sign-in/provider.ts'
import { signInProvider } from './sign-in/sign-in.ts'
import { type Stage, skew } from './stage.ts'

export interface Company {
  idp: KeyPairs
  /** The keys of {@link idp} as others see them: with the one that signs people in, also after its time. */
  idpKeys: SigningKeys
  upstream: KeyPairs
  /** What the identity provider goes by where nothing else was decided at run time. */
  definition: IdpDefinition
  /** The latest 10 000, oldest first. */
  signIns: readonly SignInEntry[]
}

/** A line of the identity provider's log of sign-ins. What the application does with the sign-in, it does not know. */
export interface SignInEntry {
  at: Seconds
  sub: string
  /** The application, by its id at the identity provider and by the name it is registered under. */
  client: string
  application: string
}

const maxSignIns = 10_000

/** Starts both. A browser may be sent back to `redirectUris` after sign-in. */
export async function openCompany(stage: Stage, redirectUris: readonly string[]): Promise<Company> {
  const { addresses, clients, directory, folder } = stage
  const idp = await folder.make('idp', ['ES256', 'RS256'])
  const upstream = await folder.make('upstream', ['RS256'])
  const definition = companyDefinition(addresses, clients, directory)
  const signIns: SignInEntry[] = []
  const company = { idp, idpKeys: await withSignIn(idp), upstream, definition, signIns }
  const managed = Object.values(clients).map(({ client: { title, idp } }) => ({ ...idp, name: title, redirectUris }))
  const applications = [...managed, stage.chatSignIn]
  await serveIdp(company, stage, applications, ({ sub, client }) => {
    const { name = client } = applications.find(({ id }) => id === client) ?? {}
    signIns.push({ at: stage.ports.now(), sub, client, application: name })
    if (signIns.length > maxSignIns) signIns.shift()
  })
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
async function serveIdp(
  company: Company,
  stage: Stage,
  applications: readonly SignInClient[],
  signedIn: (entry: { sub: string; client: string }) => void,
): Promise<void> {
  const { idp, idpKeys, definition } = company
  const { addresses, directory, keysOf, policyVersion, report } = stage
  const { policy } = stage.state
  const issuer = addresses.idp
  const ports = stage.portsFor(issuer)
  const known = builtFrom(policy.entries, (entries) => idpEntries(definition, entries))
  const documents = documentClients({ issuer, known: () => known().clients }, stage.surroundings())
  const findClient = clientFinder(issuer, () => known().clients, policy, documents)
  const subjectIssuers = [
    subjectIssuer(issuer, idpKeys.source, stage),
    subjectIssuer(addresses.upstream, keysOf(addresses.upstream), stage),
  ]
  /** The entry, disabled while a block names exactly one of these. */
  const unlessOff = <Entry extends { enabled: boolean }>(entry: Entry | undefined, ...names: Block[]) =>
    entry !== undefined && policy.isOff(...names) ? { ...entry, enabled: false } : entry
  const signIn = await signInProvider({
    issuer,
    jwks: idp.jwks,
    directory,
    clients: applications,
    authentication: { issuer, findClient, skew, ports },
    signedIn,
    report,
  })
  await serveAt(
    stage.at.idp,
    async (app) => {
      answerNowhere(app)
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
        limits: stage.limitsFor(issuer),
        acceptsMetadataDocuments: documents.areAccepted,
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
    answerNowhere(app)
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
