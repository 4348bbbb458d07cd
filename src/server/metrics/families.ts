/** Numbers that are counted while requests are answered, in plain memory: prom-client gets them when somebody reads. */

/** The names and values that tell the series of a family apart. Never anything that a caller chose. */
export type Labels = { readonly [name: string]: string }

/** One series at one moment. `metricName` where it is not the family's: the buckets, sum and count of a histogram. */
export interface Sample {
  labels: { readonly [name: string]: string | number }
  value: number
  metricName?: string
}

/** A family of series at one moment, as prom-client's `getMetricsAsJSON` has it. It goes between processes as JSON. */
export interface Metric {
  name: string
  help: string
  type: 'counter' | 'gauge' | 'histogram'
  values: Sample[]
  aggregator: 'sum'
}

/** What can be read when somebody asks. */
export interface Readable {
  read(): Metric | Promise<Metric>
}

/** One series that only grows: add to `count`. */
export interface Count {
  count: number
}

/** A family whose series are made when they are first asked for; to look one up takes longer than to count, so keep what it gives. */
export interface Family<Series> {
  of(labels: Labels): Series
  read(): Metric
}

/** Counts by labels. */
export function counts(name: string, help: string): Family<Count> {
  const series = seriesByLabels<Count>(() => ({ count: 0 }))
  return {
    of: series.of,
    read: () => ({
      name,
      help,
      type: 'counter',
      values: series.all().map(([labels, { count }]) => ({ labels, value: count })),
      aggregator: 'sum',
    }),
  }
}

/** One series of a histogram. */
export interface Durations {
  /** Takes milliseconds, as `performance.now` gives them; seconds are shown. */
  observe(milliseconds: number): void
}

/** From a look into memory to the deadline of a client, in seconds. */
export const usualBounds: readonly number[] = [
  0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
]

/** Durations by labels, in buckets with these upper bounds in seconds. */
export function durations(name: string, help: string, bounds = usualBounds): Family<Durations> {
  const series = seriesByLabels(() => newDurations(bounds))
  return {
    of: series.of,
    read: () => ({
      name,
      help,
      type: 'histogram',
      values: series.all().flatMap(([labels, { read }]) => samplesOf(name, labels, bounds, read())),
      aggregator: 'sum',
    }),
  }
}

interface Observed {
  /** By bucket; the last one is for what is longer than every bound. */
  counts: Float64Array
  seconds: number
}

function newDurations(bounds: readonly number[]): Durations & { read(): Observed } {
  const counts = new Float64Array(bounds.length + 1)
  let seconds = 0
  return {
    observe(milliseconds) {
      const duration = milliseconds / 1000
      let bucket = 0
      while (bucket < bounds.length && duration > (bounds[bucket] as number)) bucket += 1
      counts[bucket] = (counts[bucket] as number) + 1
      seconds += duration
    },
    read: () => ({ counts, seconds }),
  }
}

/** Each bucket of Prometheus holds what is in the ones before it, too. */
function samplesOf(name: string, labels: Labels, bounds: readonly number[], { counts, seconds }: Observed): Sample[] {
  let sum = 0
  const buckets = [...counts].map((count, at): Sample => {
    sum += count
    return { metricName: `${name}_bucket`, labels: { le: bounds[at] ?? '+Inf', ...labels }, value: sum }
  })
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: seconds },
    { metricName: `${name}_count`, labels, value: sum },
  ]
}

/** What is not counted and only looked at when somebody reads. A look that fails shows no series, and hides no other family. */
export function gauge(name: string, help: string, look: () => Sample[] | Promise<Sample[]>): Readable {
  const values = async () => await look()
  return {
    read: async () => ({ name, help, type: 'gauge', values: await values().catch(() => []), aggregator: 'sum' }),
  }
}

function seriesByLabels<Series>(make: () => Series) {
  const series = new Map<string, [Labels, Series]>()
  return {
    of(labels: Labels): Series {
      const key = JSON.stringify(Object.entries(labels))
      const known = series.get(key)
      if (known !== undefined) return known[1]
      const made = make()
      series.set(key, [labels, made])
      return made
    },
    all: () => [...series.values()],
  }
}
