/** Reads the file that tells `xaa token` and `xaa call` who they are: the client at both servers, and the person's sign-in. */

import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { JWK } from 'jose'
import * as z from 'zod'
import {
  type ClientAuthentication,
  type CrossAppOptions,
  clientSecretBasic,
  clientSecretPost,
  privateKeyJwt,
} from '../client/client.ts'
import { detailsOnTheWire } from '../protocol/authorization-details.ts'
import { proofAlgorithms } from '../protocol/dpop.ts'
import { clientAuthMethods } from '../protocol/names.ts'
import type { ProfileName } from '../protocol/profile-settings.ts'
import { issuerFault } from '../protocol/profiles.ts'
import { readConfigFile } from '../server/config-file.ts'
import { profile } from '../server/config-profiles.ts'
import { address, foreignIssuer, foreignName, isLoopbackUrl, resource, scope } from '../server/config-values.ts'
import { KeyFileError, readKeyFile } from '../server/key-files.ts'
import { ConfigError } from '../server/problems.ts'
import type { Sources } from '../server/references.ts'
import { mapping, refuse, schemaProblems } from '../server/schema-problems.ts'
import type { Environment } from '../server/variables.ts'

/** What the file gives of {@link CrossAppOptions}. */
export type ClientConfig = Pick<CrossAppOptions, 'identityProvider' | 'resourceServers' | 'subject' | 'dpop'>

/**
 * Reads and judges a client configuration. Throws {@link ConfigError} with every problem there is. Secrets and tokens stand in
 * variables or files of their own, unless every issuer in the file is loopback. Asks nobody over the network.
 */
export async function readClientConfig(path: string, environment: Environment): Promise<ClientConfig> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const message = cause.code === 'ENOENT' ? 'does not exist' : `cannot be read (${cause.code ?? 'unknown'})`
    throw new ConfigError([{ path: '', message, place: path, remedy: 'name the file with --client-config FILE' }])
  })
  const { value, placeOf, problems } = readConfigFile(text, basename(path))
  if (problems.length > 0) throw new ConfigError(problems)
  const sources = { folder: dirname(resolve(path)), environment }
  const read = await clientConfigSchema(sources, isDevelopment(value)).safeParseAsync(value)
  if (!read.success) throw new ConfigError(schemaProblems(read.error.issues, value, placeOf))
  const { identityProvider, resourceServers, subject, dpop } = read.data
  return {
    identityProvider: present(identityProvider),
    resourceServers: Object.fromEntries(
      resourceServers.map(({ issuer, scopes, ...entry }) => [
        issuer,
        { ...present(entry), ...(scopes === undefined ? {} : { scope: scopes.join(' ') }) },
      ]),
    ),
    ...(dpop === undefined ? {} : { dpop }),
    subject: Object.fromEntries(
      Object.entries(subject).flatMap(([kind, token]) => (token === undefined ? [] : [[kind, () => token]])),
    ),
  }
}

function clientConfigSchema(sources: Sources, development: boolean) {
  const client = clientSchema(sources, development)
  const token = kept(sources, development)
  return mapping({
    identityProvider: mapping({
      issuer: foreignIssuer,
      profile: clientProfile('identityProvider'),
      tokenEndpoint: address.optional(),
      client,
    }).superRefine(judgeIssuer('identityProvider')),
    resourceServers: z
      .array(
        mapping({
          issuer: foreignIssuer,
          profile: clientProfile('resourceServer'),
          client,
          scopes: z.array(scope).optional(),
          resources: z.array(resource).min(1).optional(),
          scopeOnRedemption: z.boolean().optional(),
          resourceOnRedemption: z.boolean().optional(),
          authorizationDetails: detailsOnTheWire.min(1).optional(),
        }).superRefine(judgeIssuer('resourceServer')),
      )
      .min(1)
      .superRefine((servers, context) => {
        const issuers = servers.map(({ issuer }) => issuer)
        const twice = issuers.find((issuer, at) => issuers.indexOf(issuer) !== at)
        if (twice !== undefined) refuse(context, { message: `names ${twice} twice`, remedy: 'keep one entry' })
      }),
    /** The key that ID-JAGs and access tokens are bound to. */
    dpop: mapping({ key: proofKey(sources) }).optional(),
    subject: mapping({ idToken: token.optional(), refreshToken: token.optional() }).superRefine((subject, context) => {
      if (subject.idToken === undefined && subject.refreshToken === undefined)
        refuse(context, {
          message: 'names no token of the person',
          remedy: 'add idToken: { file: PATH } or refreshToken: { file: PATH }',
        })
    }),
  })
}

function clientSchema(sources: Sources, development: boolean) {
  return mapping({
    id: foreignName,
    method: z.enum(clientAuthMethods),
    secret: kept(sources, development).optional(),
    key: mapping({ file: z.string() }).optional(),
    assertionAudience: z.enum(['issuer', 'token-endpoint']).optional(),
  }).transform(async ({ id, method, secret, key, assertionAudience }, context): Promise<ClientAuthentication> => {
    const stop = (message: string, remedy?: string) => {
      refuse(context, { message, ...(remedy === undefined ? {} : { remedy }) })
      return z.NEVER
    }
    if (method !== 'private_key_jwt') {
      if (key !== undefined) return stop(`has a key, which ${method} does not use`, 'remove it, or use private_key_jwt')
      if (secret === undefined) return stop('has no secret', `${method} needs secret: { env: NAME } or { file: PATH }`)
      return method === 'client_secret_basic' ? clientSecretBasic(id, secret) : clientSecretPost(id, secret)
    }
    if (secret !== undefined) return stop('has a secret, which private_key_jwt does not use', 'remove it')
    if (key === undefined) return stop('has no key', 'private_key_jwt needs key: { file: PATH }')
    try {
      const { keys } = await readKeyFile(resolve(sources.folder, key.file))
      const [signing] = keys
      if (signing === undefined) return stop(`names the file ${key.file}, which holds no key`)
      return privateKeyJwt(id, signing, assertionAudience === undefined ? {} : { audience: assertionAudience })
    } catch (cause) {
      if (!(cause instanceof KeyFileError)) throw cause
      return stop(`names the file ${key.file}, which ${cause.fact}`, cause.remedy)
    }
  })
}

/** `{ file: PATH }`: the first key of a private JWK Set that can sign proofs. */
function proofKey({ folder }: Sources) {
  return mapping({ file: z.string() }).transform(async ({ file }, context): Promise<JWK> => {
    try {
      const { keys } = await readKeyFile(resolve(folder, file))
      const usable = keys.find(({ alg }) => proofAlgorithms.some((one) => one === alg))
      if (usable !== undefined) return usable
      const remedy = `its keys must be for one of ${proofAlgorithms.join(', ')}`
      refuse(context, { message: `names the file ${file}, which holds no key for proofs`, remedy })
    } catch (cause) {
      if (!(cause instanceof KeyFileError)) throw cause
      const { fact, remedy } = cause
      refuse(context, { message: `names the file ${file}, which ${fact}`, ...(remedy === undefined ? {} : { remedy }) })
    }
    return z.NEVER
  })
}

/** A secret or token that is kept elsewhere. Its length is its issuer's business. */
function kept({ folder, environment }: Sources, development: boolean) {
  return z
    .union([z.string(), mapping({ env: z.string() }), mapping({ file: z.string() })], {
      error: 'must be { env: NAME } or { file: PATH }',
    })
    .transform(async (reference, context): Promise<string> => {
      const stop = (message: string, remedy?: string) => {
        refuse(context, { message, ...(remedy === undefined ? {} : { remedy }) })
        return z.NEVER
      }
      if (typeof reference === 'string') {
        if (!development)
          return stop('must not be written into the file', 'write { env: NAME } or { file: PATH } in its place')
        return reference === '' ? stop('must not be empty') : reference
      }
      const text =
        'env' in reference
          ? environment[reference.env]
          : await readFile(resolve(folder, reference.file), 'utf8').catch(() => undefined)
      const value = text?.trim() ?? ''
      if (value !== '') return value
      return 'env' in reference
        ? stop(`names the variable ${reference.env}, which is not set`)
        : stop(`names the file ${reference.file}, which cannot be read or is empty`)
    })
}

/** True when every issuer of the file is on this machine. What is not there, or is no address, is not. */
function isDevelopment(value: { [key: string]: unknown }): boolean {
  const issuers = z.object({
    identityProvider: z.object({ issuer: z.string() }),
    resourceServers: z.array(z.object({ issuer: z.string() })),
  })
  const read = issuers.safeParse(value)
  return (
    read.success &&
    [read.data.identityProvider, ...read.data.resourceServers].every(({ issuer }) => isLoopbackUrl(issuer))
  )
}

/** The profile's name, of those that the schema took. */
function clientProfile(place: 'identityProvider' | 'resourceServer') {
  return profile(place).transform((name) => name as ProfileName | undefined)
}

function judgeIssuer(place: 'identityProvider' | 'resourceServer') {
  return ({ issuer, profile: name }: { issuer: string; profile?: string | undefined }, context: z.RefinementCtx) => {
    const fault = issuerFault(place, name, issuer)
    if (fault !== undefined) refuse(context, { ...fault, message: `has an issuer that ${fault.message}` })
  }
}

type Present<T> = { [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key] } & {
  [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined>
}

/** The members that are there: what the library was not told must not be undefined. */
function present<T extends object>(entry: T): Present<T> {
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined)) as Present<T>
}
