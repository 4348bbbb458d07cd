/** The configuration of the server: one file and a few variables, read once, judged whole, and passed on as one value. */

import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { readConfigFile } from './config-file.ts'
import { checkMetrics } from './config-metrics.ts'
import { type Finding, type Part, partOf } from './config-part.ts'
import { type AppliedProfile, withProfiles } from './config-profiles.ts'
import { type ConfigValues, configSchema, usualListens } from './config-schema.ts'
import { isLoopbackUrl } from './config-values.ts'
import { checkIdp } from './idp-checks.ts'
import { ConfigError, type Path, type Problem, pathText } from './problems.ts'
import { checkProcesses } from './process-checks.ts'
import { checkResourceAs } from './resource-as-checks.ts'
import { schemaProblems } from './schema-problems.ts'
import { type Environment, overrideByVariables } from './variables.ts'

/** A configuration that can be used. */
export interface Config extends ConfigValues {
  /** The folder of the file: relative paths in it start there. */
  folder: string
  /** Names what the roles of the file say, for the audit. */
  policyVersion: string
  /** What profiles filled in. */
  profiles: readonly AppliedProfile[]
}

/**
 * Reads and judges a configuration. Throws {@link ConfigError} with every problem there is: in the file as YAML, in single values,
 * between values, and in the secrets and keys it names. Opens no port, changes no file and asks nobody over the network.
 */
export async function readConfig(path: string, environment: Environment): Promise<Config> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const message = cause.code === 'ENOENT' ? 'does not exist' : `cannot be read (${cause.code ?? 'unknown'})`
    throw new ConfigError([
      { path: '', message, place: path, remedy: 'name the file with --config FILE or XAA_CONFIG' },
    ])
  })
  const file = readConfigFile(text, basename(path))
  if (file.problems.length > 0) throw new ConfigError(file.problems)
  const { value: written, variableOf, problems } = overrideByVariables(file.value, environment)
  const { value, applied: profiles } = withProfiles(written)
  const placeOf = (where: Path) => variableOf(where) ?? file.placeOf(where)
  const folder = dirname(resolve(path))
  const top = partOf(value)
  const development = {
    idp: isLoopbackUrl(top.at('idp').at('issuer').value),
    resourceAs: isLoopbackUrl(top.at('resourceAs').at('issuer').value),
  }
  const schema = configSchema({ folder, environment }, development)
  const parsed = await schema.safeParseAsync(value).catch((cause: unknown) => {
    throw oddLength(value, placeOf) ?? cause
  })
  const all = inOrder([
    ...problems,
    ...(parsed.success ? [] : schemaProblems(parsed.error.issues, value, placeOf)),
    ...findings(value).map(
      ({ path: where, ...rest }): Problem => ({ path: pathText(where), place: placeOf(where), ...rest }),
    ),
  ])
  if (!parsed.success || all.length > 0) throw new ConfigError(all)
  return { ...parsed.data, folder, policyVersion: policyVersionOf(top), profiles }
}

/**
 * Zod compares whatever is called length with a number, also of a mapping where a list or a text belongs, and throws where it is one of
 * neither. Undefined when there is no such thing.
 */
function oddLength(value: unknown, placeOf: (where: Path) => string, where: Path = []): ConfigError | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  for (const [name, member] of Object.entries(value)) {
    const path = [...where, Array.isArray(value) ? Number(name) : name]
    const found =
      name === 'length' && typeof member === 'object'
        ? new ConfigError([{ path: pathText(path), message: 'is not a known key', place: placeOf(path) }])
        : oddLength(member, placeOf, path)
    if (found !== undefined) return found
  }
  return undefined
}

/** Of what decides, and not of how it is run: the same in every worker, in every instance, and for `xaa block`. */
function policyVersionOf(top: Part): string {
  const roles = ['idp', 'resourceAs'].map((role) => ({
    ...(top.at(role).value as object | undefined),
    listen: undefined,
    tls: undefined,
  }))
  return createHash('sha256').update(JSON.stringify(roles)).digest('base64url').slice(0, 12)
}

function findings(value: unknown): Finding[] {
  const top = partOf(value)
  const idp = top.at('idp')
  const resourceAs = top.at('resourceAs')
  const both = idp.exists && resourceAs.exists
  return [
    ...(idp.exists || resourceAs.exists
      ? []
      : [
          {
            path: [],
            message: 'has no role',
            remedy: 'add idp: for an identity provider, resourceAs: for a resource authorization server',
          },
        ]),
    // ID-JAG §9.3: the two roles are two trust domains.
    ...(both && idp.at('issuer').exists && idp.at('issuer').value === resourceAs.at('issuer').value
      ? [
          {
            path: resourceAs.at('issuer').path,
            message: 'is the issuer of idp',
            remedy: 'each role needs an issuer of its own',
          },
        ]
      : []),
    ...(both && sameFile(idp.at('keys').text, resourceAs.at('keys').text)
      ? [
          {
            path: resourceAs.at('keys').path,
            message: 'is the key file of idp',
            remedy: 'each role needs keys of its own: xaa keys make FILE',
          },
        ]
      : []),
    ...checkListens(top),
    ...checkMetrics(top.at('metrics')),
    ...checkProcesses(top),
    ...(idp.exists ? checkIdp(idp) : []),
    ...(resourceAs.exists ? checkResourceAs(resourceAs) : []),
  ]
}

function sameFile(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && resolve(one) === resolve(other)
}

/** Each part listens on an address of its own; port 0 is another one each time. */
function checkListens(top: Part): Finding[] {
  const seen = new Map<string, string>()
  return Object.entries(usualListens).flatMap(([name, usual]) => {
    const part = top.at(name)
    const listens = part.at('listen').text ?? usual
    const other = seen.get(listens)
    if (!part.exists || listens.endsWith(':0')) return []
    seen.set(listens, other ?? name)
    if (other === undefined) return []
    const message = `is the address that ${other} listens on`
    return [{ path: part.at('listen').path, message, remedy: 'choose another port' }]
  })
}

/** By the line of the file, so that the report reads like the file. Problems of one line stay in their order. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const lineOf = ({ place }: Problem) => Number(/:(\d+)$/.exec(place)?.[1] ?? 0)
  return [...problems].sort((one, other) => lineOf(one) - lineOf(other))
}
