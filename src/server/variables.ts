/** The environment variables of the server: one table, from which `.env.example` is written. */

import { foundText, type Path, type Problem } from './problems.ts'

/** One environment variable. */
export interface Variable {
  name: string
  /** The value of the file that it takes the place of. Absent: it is read before the file. */
  overrides?: Path
  example: string
  /** What the file would hold in place of the text. Absent: the text itself. */
  read?(text: string): unknown
  /** One sentence. */
  says: string
}

/** All of them. Names of variables that hold secrets are the operator's own, and stand in the file. */
export const variables: readonly Variable[] = [
  {
    name: 'XAA_CONFIG',
    example: 'xaa.yaml',
    says: 'The configuration file that xaa serve reads when --config does not name one.',
  },
  {
    name: 'XAA_IDP_ISSUER',
    overrides: ['idp', 'issuer'],
    example: 'https://id.acme.example',
    says: 'The issuer identifier of the identity provider.',
  },
  {
    name: 'XAA_IDP_LISTEN',
    overrides: ['idp', 'listen'],
    example: '127.0.0.1:4000',
    says: 'The address and port the identity provider listens on.',
  },
  {
    name: 'XAA_RAS_ISSUER',
    overrides: ['resourceAs', 'issuer'],
    example: 'https://auth.chat.example',
    says: 'The issuer identifier of the resource authorization server.',
  },
  {
    name: 'XAA_RAS_LISTEN',
    overrides: ['resourceAs', 'listen'],
    example: '127.0.0.1:4001',
    says: 'The address and port the resource authorization server listens on.',
  },
  {
    name: 'XAA_ADMIN_LISTEN',
    overrides: ['admin', 'listen'],
    example: '127.0.0.1:4010',
    says: 'The address and port the administration listens on.',
  },
  {
    name: 'XAA_METRICS_LISTEN',
    overrides: ['metrics', 'listen'],
    example: '127.0.0.1:4020',
    says: 'The address and port where Prometheus reads the metrics.',
  },
  {
    name: 'XAA_STORE',
    overrides: ['store'],
    example: 'lmdb',
    says: 'Where spent tokens and account links are kept: lmdb (the default: the folder state beside the configuration file), memory, or a Redis: redis://, rediss://, redis+sentinel:// or redis+cluster://, with its password.',
  },
  {
    name: 'XAA_AUDIT',
    overrides: ['audit'],
    example: 'stdout',
    read: (text) => (text === 'stdout' ? text : { file: text }),
    says: 'Where audit events go: stdout, or the path of a file, seen from the configuration file, that they are appended to.',
  },
  {
    name: 'XAA_WORKERS',
    overrides: ['workers'],
    example: '2',
    read: wholeNumber,
    says: 'How many processes of this machine share the work, 1 to 64; more than one needs a store that they can share: lmdb or Redis.',
  },
  {
    name: 'XAA_INSTANCES',
    overrides: ['instances'],
    example: '1',
    read: wholeNumber,
    says: 'How many machines run xaa serve for the same issuers; more than one needs a store that they can share: Redis.',
  },
]

/** The environment of a process, or a part of it. */
export type Environment = { readonly [name: string]: string | undefined }

/** The values of the file with those of the environment in their place. Empty variables count as absent. */
export interface Overridden {
  value: { [key: string]: unknown }
  /** The variable that gave the value at this path, if one did. */
  variableOf(path: Path): string | undefined
  problems: Problem[]
}

/** Puts the variables over the file's values. A variable for a role that the file does not have is a problem, not a role. */
export function overrideByVariables(value: { [key: string]: unknown }, environment: Environment): Overridden {
  const overridden: { [key: string]: unknown } = { ...value }
  const problems: Problem[] = []
  const used: { name: string; path: Path }[] = []
  for (const { name, overrides, read } of variables) {
    const text = environment[name]
    const [top, member] = overrides ?? []
    if (overrides === undefined || top === undefined || text === undefined || text === '') continue
    const given = read === undefined ? text : read(text)
    if (member === undefined) overridden[top] = given
    else if (isMapping(overridden[top])) overridden[top] = { ...overridden[top], [member]: given }
    else {
      const remedy = `unset the variable, or add ${top}: to the file`
      problems.push({
        path: String(top),
        message: 'is not in the configuration file',
        place: name,
        found: foundText(text),
        remedy,
      })
      continue
    }
    used.push({ name, path: overrides })
  }
  return {
    value: overridden,
    variableOf: (path) => used.find((one) => one.path.every((step, at) => path[at] === step))?.name,
    problems,
  }
}

/** The number that a text of digits is. Any other text stays as it is, for the schema to refuse. */
function wholeNumber(text: string): unknown {
  return /^\d{1,9}$/.test(text) ? Number(text) : text
}

function isMapping(value: unknown): value is { [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The text of `.env.example`: every variable with its sentence, commented out. */
export function environmentExample(): string {
  const entries = variables.map(
    ({ name, overrides, example, says }) =>
      `# ${says}${overrides === undefined ? '' : ` It takes the place of ${overrides.join('.')} in the file.`}\n# ${name}=${example}\n`,
  )
  return `# The environment variables of xaa serve. All are optional. Written by npm run env-example from src/server/variables.ts.\n\n${entries.join('\n')}`
}
