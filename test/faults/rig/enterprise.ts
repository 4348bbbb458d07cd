/** An enterprise to break: instances of one resource authorization server as processes, on one store, with an identity provider that obeys. */

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Seconds } from '../../../src/protocol/ports.ts'
import type { Dependency, FaultWindow, History, Presentation, PublishedKeys, Revocation } from '../checker/history.ts'
import { judge, type Verdict } from '../checker.ts'
import { type Administrator, administratorOf } from './administrator.ts'
import { type LoggingClient, loggingClient, type Redemption } from './client.ts'
import { generatorNow } from './clock.ts'
import { clients, type Deployment, deploymentIn, resource, scope, subjects } from './deployment.ts'
import { type IdentityProviderStub, identityProviderStub, type MintedToken } from './identity-provider.ts'
import type { Instance } from './instance.ts'
import { keysOf } from './published-keys.ts'
import { type Random, seededRandom } from './random.ts'

export interface EnterpriseOptions {
  instances: number
  /** The address of a Redis for each instance, by its place. Absent: an LMDB directory that all share. */
  store?: (at: number) => string
  /** With failpoints and a clock that can be set. */
  rigged?: boolean
  /** Processes of each instance, one unless given. */
  workers?: number
  /** Two clients and two identity providers take turns, so that some are left when one is stopped. */
  several?: boolean
  /** Where audits are kept in place of the enterprise's own folder, such as a small disk. */
  auditFolder?: string
  /** The LMDB directory in place of one in the enterprise's own folder. */
  stateFolder?: string
  seed: number
  /** How long after a fault 5xx is still right. */
  grace: Seconds
}

/** Whose ID-JAG it is to be. */
export interface Names {
  subject?: string
  client?: string
  issuer?: string
}

export interface FaultEnterprise {
  readonly issuer: string
  readonly folder: string
  readonly keyFile: string
  /** The LMDB directory, where instances share one. */
  readonly stateFolder: string
  readonly administrator: Administrator
  readonly instances: readonly Instance[]
  readonly idp: IdentityProviderStub
  /** The issuers that take turns. */
  readonly issuers: readonly string[]
  readonly clients: readonly string[]
  readonly random: Random
  readonly log: readonly Presentation[]
  /** Mints ID-JAGs that are right; `ahead` is how far the issuer's clock is before ours. Who is not named takes turns. */
  mint(count: number, ahead?: Seconds, names?: Names): Promise<MintedToken[]>
  redeem(redemption: Redemption): Promise<Presentation>
  /** An instance that is up, by chance. */
  anyInstance(): Instance
  /** Notes that a dependency is away from now on; the function that it gives notes the end. */
  fault(dependency: Dependency, instance?: Instance): () => void
  /** Notes what an administrator stopped; the history holds this very object, so that its end can be noted in it. */
  stopped(revocation: Revocation): Revocation
  /** Notes the keys that the instances publish together from now on. */
  keysChanged(keys: PublishedKeys): void
  /** Notes which changes at run time ever were: a version that ends with another number is none. Gives how many there are. */
  knownVersions(changes: readonly number[]): number
  /** Presents every token that was granted once more, at any instance; each must be refused. Gives how many there were. */
  presentAgain(): Promise<number>
  /** Stops the instances, reads what they left behind, and judges it. */
  verdict(): Promise<Verdict>
  /** What {@link verdict} judged, for a file when it objects. */
  history(): Promise<History>
  close(): Promise<void>
}

/** Starts everything; resolves when every instance answers. Nothing is left behind when that fails. */
export async function faultEnterprise(options: EnterpriseOptions): Promise<FaultEnterprise> {
  const folder = await mkdtemp(join(tmpdir(), 'xaa-faults-'))
  const idps = [await identityProviderStub(), await identityProviderStub()]
  const sender = loggingClient(clients)
  const instances: Instance[] = []
  const close = async () => {
    await Promise.all(instances.map((instance) => instance.kill()))
    sender.close()
    await Promise.all(idps.map((idp) => idp.close()))
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const deployment = await deploymentIn(folder, options, idps)
    instances.push(...deployment.instances)
    await Promise.all(instances.map((instance) => instance.start()))
    const keys = [{ from: 0, jwks: await keysOf(instances) }]
    return enterpriseOf({ ...deployment, options, folder, idps, sender, keys, close })
  } catch (cause) {
    await close()
    throw cause
  }
}

interface Parts extends Deployment {
  options: EnterpriseOptions
  folder: string
  idps: readonly IdentityProviderStub[]
  sender: LoggingClient
  keys: PublishedKeys[]
  close(): Promise<void>
}

function enterpriseOf({ options, sender, instances, idps, issuer, folder, close, ...parts }: Parts): FaultEnterprise {
  const [idp] = idps
  if (idp === undefined) throw new Error('there is no identity provider')
  const turns = options.several === true ? { idps, clients } : { idps: [idp], clients: clients.slice(0, 1) }
  const random = seededRandom(options.seed)
  const faults: FaultWindow[] = []
  const revocations: Revocation[] = []
  let { policyVersions } = parts
  const anyInstance = () => random.pick(instances.filter((instance) => instance.isUp()))
  const minted = new Map<string, MintedToken>()
  let turn = 0
  const mintOne = async (issuedAt: Seconds, names: Names) => {
    const at = turn++
    const inTurn = <Item>(items: readonly Item[], every: number) => items[Math.floor(at / every) % items.length]
    const subject = names.subject ?? inTurn(subjects, 1) ?? ''
    const client = names.client ?? inTurn(turns.clients, subjects.length)?.id ?? ''
    const signer = idps.find((one) => one.issuer === names.issuer) ?? inTurn(turns.idps, 2 * subjects.length) ?? idp
    return await signer.mint({ audience: issuer, client, subject, scope, resource, issuedAt })
  }
  const mint = async (count: number, ahead: Seconds = 0, names: Names = {}) => {
    const issuedAt = Date.now() / 1000 + ahead
    const made = await Promise.all(Array.from({ length: count }, () => mintOne(issuedAt, names)))
    for (const one of made) minted.set(one.jti, one)
    return made
  }
  const history = async (): Promise<History> => ({
    server: issuer,
    presentations: sender.log,
    audits: await Promise.all(
      instances.map(async (one) => ({
        instance: one.name,
        text: await readFile(one.auditFile, 'utf8'),
        interrupted: one.interrupted(),
      })),
    ),
    faults,
    revocations,
    keys: parts.keys,
    policyVersions,
    logs: instances.map((one) => ({ instance: one.name, text: one.log() })),
    secrets: [
      ...parts.secrets,
      ...idps
        .flatMap((one) => one.privateKeys())
        .map(({ d }) => ({ name: 'a private key of the identity provider', value: String(d) })),
    ],
    grace: options.grace,
  })
  return {
    issuer,
    folder,
    keyFile: parts.keyFile,
    stateFolder: parts.stateFolder,
    administrator: administratorOf(parts),
    instances,
    idp,
    issuers: turns.idps.map((one) => one.issuer),
    clients: turns.clients.map(({ id }) => id),
    random,
    log: sender.log,
    mint,
    redeem: (redemption) => sender.redeem(redemption),
    anyInstance,
    fault(dependency, instance) {
      const window: FaultWindow = {
        dependency,
        from: generatorNow(),
        to: Number.POSITIVE_INFINITY,
        ...(instance === undefined ? {} : { instance: instance.name }),
      }
      faults.push(window)
      return () => {
        window.to = generatorNow()
      }
    },
    stopped(revocation) {
      revocations.push(revocation)
      return revocation
    },
    knownVersions(changes) {
      policyVersions = parts.policyVersions.flatMap((own) => changes.map((change) => `${own}.${change}`))
      return changes.length
    },
    keysChanged: (keys) => void parts.keys.push(keys),
    async presentAgain() {
      const granted = sender.log.filter(({ status }) => status === 200).flatMap(({ jti }) => minted.get(jti) ?? [])
      for (let at = 0; at < granted.length; at += 64)
        await Promise.all(
          granted.slice(at, at + 64).map((one) => sender.redeem({ minted: one, instance: anyInstance() })),
        )
      return granted.length
    },
    async verdict() {
      await Promise.all(instances.map((instance) => instance.stop('SIGINT')))
      return await judge(await history())
    },
    history,
    close,
  }
}
