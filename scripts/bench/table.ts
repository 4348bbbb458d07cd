/** The tables of the benchmark as text. */

import type { Figure, Row } from './subject.ts'

/** One line for each row, under the names of its columns. Rows without figures are left out. */
export function tableOf(rows: readonly Row[]): string[] {
  const shown = rows.filter(({ didNotRun }) => didNotRun === undefined)
  const columns = [...new Set(shown.flatMap(({ figures }) => Object.keys(figures)))]
  const judged = shown.some(({ verdict }) => verdict !== undefined)
  const lines = shown.map(({ name, figures, verdict = '' }) => [
    name,
    ...columns.map((column) => textOf(figures[column])),
    ...(judged ? [verdict] : []),
  ])
  const table = [['', ...columns, ...(judged ? ['reaches'] : [])], ...lines]
  const widths = table[0]?.map((_, at) => Math.max(...table.map((line) => line[at]?.length ?? 0))) ?? []
  return table.map((line) =>
    line
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}

/** A figure as it stands in a table; nothing where there is none. */
export function textOf(figure: Figure | undefined): string {
  if (figure === undefined) return ''
  const { value, unit } = figure
  if (unit === '×') return `× ${value.toFixed(2)}`
  const number = Number.isInteger(value) || Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3))
  return unit === '/s' || unit === '' || unit === '%' ? `${number}${unit}` : `${number} ${unit}`
}
