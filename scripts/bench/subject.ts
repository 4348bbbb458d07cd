/** What the benchmark asks and what it answers: one subject for each question, and rows of figures. */

/** `×` is a ratio to something that was measured in the same round. */
export type Unit = '×' | 'µs' | 'ms' | '/s' | '%' | 'MB' | 'B' | 's' | ''

export interface Figure {
  value: number
  unit: Unit
}

/** One line of a table. */
export interface Row {
  name: string
  /** By the head of the column. */
  figures: { [column: string]: Figure }
  /** How it stands to what is asked of it, where something is. */
  verdict?: Verdict
  /** Why there are no figures, as a sentence. */
  didNotRun?: string
}

/** `aim`: as good as was hoped. `must`: as good as it has to be. `below`: less. */
export type Verdict = 'aim' | 'must' | 'below'

export interface Outcome {
  rows: readonly Row[]
  /** Bounds that do not hold, as sentences. A bound is a size or a number of steps, never a time. */
  broken: readonly string[]
}

/** How much is to be done, and with what. */
export interface Effort {
  /** 1 is the full length; the least of each part is done in any case. */
  share: number
  /** False: there is no redis-server on this machine. */
  redis: boolean
  progress(text: string): void
}

export interface Subject {
  name: string
  title: string
  /** How it is measured, in a sentence or two that stand above the table. */
  method: string
  /** Throws when something did not work: an answer that is wrong, a server that does not start. */
  run(effort: Effort): Promise<Outcome>
}

/** Whether a value reaches what is asked of it. Where the aim is the smaller of the two, less is better. */
export function verdictOf(value: number, { must, aim }: { must: number; aim: number }): Verdict {
  const reaches = (bound: number) => (aim < must ? value <= bound : value >= bound)
  if (reaches(aim)) return 'aim'
  return reaches(must) ? 'must' : 'below'
}

/** So many of a full number, and at least `least`. */
export function portion(full: number, { share }: Pick<Effort, 'share'>, least: number): number {
  return Math.max(least, Math.round(full * share))
}

/** The row of something that needs a redis-server where there is none. */
export function withoutRedis(name: string): Row {
  const remedy = 'install it (Debian: apt-get install redis-server), or name it in REDIS_SERVER'
  return { name, figures: {}, didNotRun: `redis-server was not found: ${remedy}` }
}
