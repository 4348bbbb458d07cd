/** The story at a terminal: at most 100 columns, every token decoded, colours only where they are wanted. */

import { styleText } from 'node:util'
import { detailOf } from '../agent/audit-line.ts'
import { agentName, companies, employer } from '../agent/cast.ts'
import { duration } from '../agent/claim-meanings.ts'
import type { Shown } from '../agent/shown-step.ts'
import type { TokenAnatomy } from '../agent/token-anatomy.ts'
import type { Scene } from './scene.ts'

type Style = Parameters<typeof styleText>[0]
/** Gives a text its colour or weight, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string

/** Colours where standard output is a terminal or FORCE_COLOR says so, or none. */
export function painter(colours: boolean): Paint {
  return colours ? (style, text) => styleText(style, text) : (_style, text) => text
}

const columns = 100
const indent = 5

/** What stands before the first scene. */
export function printOpening(paint: Paint): string {
  const { identityProvider, chat, agent } = companies
  const row = ({ name, part, does }: { name: string; part: string; does: string }) =>
    `  ${paint('bold', name.padEnd(16))} ${`plays ${part}`.padEnd(14)} ${paint('dim', does)}\n`
  return `\n${paint('bold', 'Cross-App Access: one sign-in, three companies, no consent screen, no copied key')}\n\n${row(identityProvider)}${row(agent)}${row(chat)}  ${paint('dim', `Alice works at ${employer}. ${agentName} is to read and write her chat, as her.`)}\n`
}

/** One scene, with its number. */
export function printScene(scene: Scene, number: number, paint: Paint): string {
  const { title, says, request, answer, token, audit, facts, ok, problems } = scene
  const mark = ok ? paint('green', 'ok') : paint('red', 'NOT AS IT MUST BE')
  const lines = [
    '',
    `${paint(['bold', 'cyan'], String(number).padStart(3))}  ${paint('bold', title)}  ${mark}`,
    ...wrapped(says, columns - indent).map((line) => `     ${paint('dim', line)}`),
  ]
  if (request !== undefined) lines.push(...exchange('request', request.line, request.parameters, paint))
  if (answer !== undefined) lines.push(...exchange('answer', String(answer.status), answer.members, paint))
  if (token !== undefined) lines.push(...anatomy(token, paint))
  lines.push(...facts.flatMap((fact) => pair(fact, 30, paint)))
  if (audit !== undefined) {
    const { outcome, reason } = audit.event
    const said = `${audit.of} wrote: ${outcome}${outcome === 'refused' ? `, ${reason}` : ''}; ${detailOf(audit.event)}`
    lines.push(...pair(['audit', said], 8, paint))
  }
  lines.push(...problems.map((problem) => `     ${paint('red', problem)}`))
  return `${lines.join('\n')}\n`
}

function exchange(label: string, line: string, entries: readonly Shown[], paint: Paint): string[] {
  return [
    `     ${paint('cyan', label.padEnd(8))} ${paint('bold', line)}`,
    ...entries.flatMap((entry) => pair(entry, 22, paint, 14)),
  ]
}

function anatomy({ name, cut, madeBy, madeFor, lifetime, header, claims }: TokenAnatomy, paint: Paint): string[] {
  const part = (one: TokenAnatomy['claims'][number]): string[] => {
    const [first = '', ...rest] = wrapped(one.value, columns - 27)
    const meaning = one.meaning === '' ? '' : `← ${one.meaning}`
    const fits = rest.length === 0 && 27 + first.length + 2 + meaning.length <= columns
    return [
      `        ${paint('bold', one.name.padEnd(18))} ${first}${fits && meaning !== '' ? `  ${paint('dim', meaning)}` : ''}`,
      ...rest.map((line) => `${' '.repeat(27)}${line}`),
      ...(fits || meaning === ''
        ? []
        : wrapped(meaning, columns - 27).map((line) => `${' '.repeat(27)}${paint('dim', line)}`)),
    ]
  }
  return [
    `     ${paint('cyan', name)} ${cut}`,
    `     ${paint('dim', `made by ${madeBy} for ${madeFor}, good for ${duration(lifetime)}`)}`,
    `     ${paint('cyan', 'header')}`,
    ...header.flatMap(part),
    `     ${paint('cyan', 'claims')}`,
    ...claims.flatMap(part),
  ]
}

function pair([name, value]: Shown, width: number, paint: Paint, margin = indent): string[] {
  const label = name.length >= width ? `${name} ` : name.padEnd(width)
  const room = columns - margin - label.length - 1
  return wrapped(value, room).map((line, at) =>
    at === 0
      ? `${' '.repeat(margin)}${paint('bold', label)} ${line}`
      : `${' '.repeat(margin + label.length + 1)}${line}`,
  )
}

/** Breaks at spaces, and inside a word only where a word is longer than a line. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ').flatMap((one) => one.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [''])) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** The end: what came out right, and by name what did not. */
export function printEnding(scenes: readonly Scene[], paint: Paint): string {
  const wrong = scenes.filter(({ ok }) => !ok)
  if (wrong.length === 0)
    return `\n${paint(['bold', 'green'], 'Seven steps and three refusals, all as they must be.')} The message came back.\n`
  return `\n${paint(['bold', 'red'], `${wrong.length} of ${scenes.length} did not come out right:`)}\n${wrong
    .map(({ name, problems }) => `  ${name}: ${problems.join('; ')}\n`)
    .join('')}`
}
