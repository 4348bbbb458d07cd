/** The outcome of a run as Markdown, for docs/security.md. */

import type { Figure } from './figure.ts'
import { flatness, memoryFigures } from './memory.ts'
import type { Outcome } from './run.ts'

/** What must hold of a run. */
export function figuresOf({ findings, shed, honest, server, memory }: Outcome): Figure[] {
  const ratio = honest.p99 / honest.baselineP99
  return [
    {
      what: 'accepted without a right to it, answered 5xx, crashed, told of insides, or answered outside of the contract',
      bound: '0',
      figure: String(findings),
      holds: findings === 0,
    },
    { what: 'put off with 503 because the process was behind', bound: '0', figure: String(shed), holds: shed === 0 },
    {
      what: 'honest requests among them, p99',
      bound: `2 × ${honest.baselineP99.toFixed(1)} ms, which it is among honest ones`,
      figure: `${honest.p99.toFixed(1)} ms (${ratio.toFixed(2)} ×), ${honest.flows} whole flows, all granted`,
      holds: ratio < 2,
    },
    {
      what: 'delay of the event loop, p99',
      bound: '50 ms',
      figure: `${server.delayP99.toFixed(1)} ms; at most ${server.delayMax.toFixed(1)} ms`,
      holds: server.delayP99 < 50,
    },
    ...memoryFigures(memory),
  ]
}

/** A sentence and two tables: what was tried, and what was measured; and what it means that memory is flat. */
export function markdownOf(outcome: Outcome): string {
  const { seed, seconds, inputs, counts } = outcome
  const number = (value: number) => value.toLocaleString('en').replaceAll(',', ' ')
  return [
    `\`npm run fuzz -- --seed ${seed}\`: ${number(inputs)} inputs in ${Math.round(seconds)} s, ${number(Math.round(inputs / seconds))} a second.`,
    '',
    '| inputs | tried | granted by right | findings |',
    '| --- | ---: | ---: | ---: |',
    ...counts.map(
      ({ title, inputs: tried, granted, findings }) =>
        `| ${title} | ${number(tried)} | ${granted === undefined ? '' : number(granted)} | ${findings} |`,
    ),
    '',
    '| measured | bound | figure |',
    '| --- | --- | --- |',
    ...figuresOf(outcome).map(
      ({ what, bound, figure, holds }) => `| ${what} | ${bound} | ${figure}${holds ? '' : ' **(not held)**'} |`,
    ),
    '',
    flatness,
    '',
  ].join('\n')
}
