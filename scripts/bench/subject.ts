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

/** `aim`: as good as was hoped. `must`: as good as it has to be. `missed`: not so good. */
export type Verdict = 'aim' | 'must' | 'missed'

/** What is asked of a figure. */
export interface Goal {
  must: number
  aim?: number
  /** More is better unless this is said. */
  less?: true
}

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
  /** Which comparisons of the token path are wanted, by name. Absent: all. */
  rows?: RegExp
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

/** The figure that is judged and what is asked of it, with its verdict; a row without a goal has none. */
export function judged(column: string, figure: Figure, goal?: Goal): Pick<Row, 'figures' | 'verdict'> {
  if (goal === undefined) return { figures: { [column]: figure } }
  const { must, aim } = goal
  const aimed: Row['figures'] = aim === undefined ? {} : { aim: { value: aim, unit: figure.unit } }
  return {
    figures: { [column]: figure, must: { value: must, unit: figure.unit }, ...aimed },
    verdict: verdictOf(figure.value, goal),
  }
}

/** Whether a value reaches what is asked of it. */
export function verdictOf(value: number, { must, aim, less }: Goal): Verdict {
  const reaches = (bound: number) => (less === true ? value <= bound : value >= bound)
  if (aim !== undefined && reaches(aim)) return 'aim'
  return reaches(must) ? 'must' : 'missed'
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
