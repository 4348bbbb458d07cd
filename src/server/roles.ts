/** The roles of a configuration as Fastify plugins, built from the parts of the process around them. */

import type { FastifyPluginAsync } from 'fastify'
import { idpPlugin } from '../http/idp-plugin.ts'
import { resourceAsPlugin } from '../http/resource-as-plugin.ts'
import { documentFetch } from '../outbound/document.ts'
import { proofNonces } from '../protocol/dpop-nonces.ts'
import { OAuthError } from '../protocol/errors.ts'
import type { Ports, Seconds } from '../protocol/ports.ts'
import type { Store } from '../store/store.ts'
import type { Audit } from './audit.ts'
import type { Config } from './config.ts'
import { signaturesOf } from './config-signatures.ts'
import { certificateOptions, type TlsSetting } from './config-transport.ts'
import { isLoopbackUrl, type Listen } from './config-values.ts'
import { endpointLimits } from './endpoint-limits.ts'
import { idpRole } from './idp-role.ts'
import { codeGrantOf } from './interactive-role.ts'
import { jsonLine } from './json-line.ts'
import type { SigningKeyFile } from './key-files.ts'
import { type Metering, noMetering } from './metrics/metering.ts'
import type { PolicyFeed } from './policy/policy-feed.ts'
import { resourceAsRole } from './resource-as-role.ts'
import { loadSaml } from './saml-role.ts'
import { type FollowedKeys, followSigningKeys } from './signing-keys.ts'
import type { Surroundings } from './surroundings.ts'

/** What the roles of one process share. */
export interface ProcessParts {
  config: Config
  store: Store
  audit: Audit
  policy: PolicyFeed
  /** Tells every process on the store that a key of ours is not to be believed. */
  purgeKey(kid: string): void
  /** The ports of the role with this issuer. */
  portsOver(audit: Audit, store: Store, issuer: string): Ports
  /** Gets one JSON line for each failure of the server itself, and for each warning about somebody else's documents. */
  log(line: string): void
  /** Absent: nothing is measured. */
  metering?: Metering
}

/** A role that is not listening yet. */
export interface Role {
  role: 'idp' | 'resourceAs'
  issuer: string
  listen: Listen
  tls: TlsSetting | undefined
  plugin: FastifyPluginAsync
  signingKeys: Pick<FollowedKeys, 'signingSince'>
}

/** The roles that the configuration has, the identity provider first. Nothing is opened or fetched. */
export function rolesOf(parts: ProcessParts): Role[] {
  const { idp, resourceAs } = parts.config
  const roles: Role[] = []
  if (idp !== undefined) {
    const { issuer, listen, tls } = idp
    const { surroundings, shared } = around(parts, 'idp', issuer)
    const signingKeys = followedKeys(idp.keys, surroundings, parts)
    const options = {
      ...idpRole(idp, surroundings, signingKeys, parts.store.records),
      ...noncesOf(idp),
      ...certificateOptions(idp),
      ...shared,
    }
    const plugin: FastifyPluginAsync = async (app) => {
      app.addHook('onClose', async () => signingKeys.close())
      await loadSaml(idp)
      await app.register(idpPlugin, options)
    }
    roles.push({ role: 'idp', issuer, listen, tls, plugin, signingKeys })
  }
  if (resourceAs !== undefined) {
    const { issuer, listen, tls } = resourceAs
    const { surroundings, shared } = around(parts, 'resource-as', issuer)
    const signingKeys = followedKeys(resourceAs.keys, surroundings, parts)
    const role = resourceAsRole(resourceAs, surroundings, parts.store.records, signingKeys)
    const options = { ...role, signingKeys, ...noncesOf(resourceAs), ...certificateOptions(resourceAs), ...shared }
    const plugin: FastifyPluginAsync = async (app) => {
      app.addHook('onClose', async () => signingKeys.close())
      const interactive = await codeGrantOf(resourceAs, { ...role, ...shared }, parts)
      await app.register(resourceAsPlugin, { ...options, ...(interactive === undefined ? {} : { interactive }) })
    }
    roles.push({ role: 'resourceAs', issuer, listen, tls, plugin, signingKeys })
  }
  return roles
}

/** Nonces for DPoP proofs, where they are configured. */
function noncesOf({ dpopNonceSecret }: { dpopNonceSecret?: string | undefined }) {
  return dpopNonceSecret === undefined ? {} : { proofNonces: proofNonces(dpopNonceSecret) }
}

function followedKeys(
  file: SigningKeyFile,
  { now, warn, policy }: Surroundings,
  { purgeKey }: ProcessParts,
): FollowedKeys {
  return followSigningKeys(file, { now, warn, onPurged: purgeKey, isPurged: policy.isPurgedKey })
}

/** The world as one role sees it, and what every plugin is given. */
function around(
  { config, store, audit, policy, portsOver, log, metering = noMetering }: ProcessParts,
  role: 'idp' | 'resource-as',
  issuer: string,
) {
  const signatures = signaturesOf(config)
  const ports: Ports = { ...portsOver(audit, store, issuer), signatures }
  const { allowAddresses } = config.outbound
  const surroundings: Surroundings = {
    fetchDocument: documentFetch({ allowLoopback: isLoopbackUrl(issuer), allowAddresses }),
    fetchUnlisted: documentFetch({ allowLoopback: isLoopbackUrl(issuer), allowAddresses: [] }),
    now: ports.now,
    signatures,
    policy,
    warn: (message) => log(jsonLine({ at: ports.now(), server: issuer, warning: message })),
    onKeysFetched: metering.keysFetched(role),
  }
  const report = (error: unknown, correlationId: string) =>
    log(failureLine(error, { at: ports.now(), server: issuer, correlationId }))
  const policyVersion = () => `${config.policyVersion}.${policy.version()}`
  return {
    surroundings,
    shared: { ports, report, policyVersion, limits: endpointLimits(config.limits, { store, now: ports.now, issuer }) },
  }
}

/** What the operator is told of a failure, as a line. The caller got none of it. */
export function failureLine(error: unknown, where: { at: Seconds; server: string; correlationId: string }): string {
  return jsonLine({ ...where, ...failureOf(error) })
}

function failureOf(error: unknown): { [member: string]: unknown } {
  if (error instanceof OAuthError) return { error: error.code, reason: error.reason, detail: error.detail }
  if (error instanceof Error) return { error: error.name, message: error.message, stack: error.stack }
  return { error: typeof error }
}
