/** What is wrong with a configuration, and how it is told: every problem with its place, what was found, and what to do. */

/** Where a value stands: keys of mappings and positions in lists, from the top. */
export type Path = readonly (string | number)[]

/** One thing that is wrong, in four short texts. */
export interface Problem {
  /** Such as `idp.connections[0].scopes`. Empty when the file as a whole is meant. */
  path: string
  /** A fact about the value, to be read after its path: "must be an https address". */
  message: string
  /** File and line, or the environment variable the value came from. */
  place: string
  /** The value as it was found. Never a secret. */
  found?: string
  /** What to do about it. */
  remedy?: string
}

/** A configuration that cannot be used, with all of its problems. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly Problem[]
  constructor(problems: readonly Problem[]) {
    super(`The configuration cannot be used: ${problems.length === 1 ? '1 problem' : `${problems.length} problems`}.`)
    this.problems = problems
  }
}

/** The path as people write it: `idp.connections[0].scopes`. */
export function pathText(path: Path): string {
  return path.map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`)).join('')
}

/** A value as it may be shown: short, on one line, without what stands before `@` in an address; of a mapping or list only that it is one. */
export function foundText(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'a mapping'
  const text = JSON.stringify(value) ?? 'nothing'
  const shown = text.replace(/\/\/[^/@]*@/g, '//…@').replace(/[\u007f-\u009f\u2028\u2029]/g, '?')
  return shown.length > 80 ? `${shown.slice(0, 80)}…` : shown
}

const widest = { path: 44, message: 56 }

/** The whole report in aligned columns, ending with a line break; `footer` is its last line. */
export function printProblems(error: ConfigError, footer?: string): string {
  const problems = error.problems.map((problem) => ({
    ...problem,
    path: problem.path === '' ? 'the file' : problem.path,
  }))
  const widthOf = (member: 'path' | 'message') =>
    Math.min(widest[member], Math.max(...problems.map((problem) => problem[member].length)))
  const pathWidth = widthOf('path')
  const messageWidth = widthOf('message')
  const lines = problems.flatMap(({ path, message, place, found, remedy }) => {
    const columns = `  ${path.padEnd(pathWidth)}  ${message.padEnd(messageWidth)}  ${place}`
    if (found === undefined) return [remedy === undefined ? columns : `${columns}, ${remedy}`]
    const indented = remedy === undefined ? [] : [`${' '.repeat(pathWidth + 4)}${remedy}`]
    return [`${columns}, found ${found}`, ...indented]
  })
  return [error.message, '', ...lines, '', ...(footer === undefined ? [] : [footer])].join('\n').replace(/\n*$/, '\n')
}
