/** One line of an audit for a person at a terminal. */

import type { ChainedLine } from '../server/audit-chain.ts'

/** Members that stand at the front of the line, and those by which one line is chained to another. */
const elsewhere = new Set(['at', 'role', 'outcome', 'action', 'instance', 'sequence', 'previous'])

/** When, what, whether, and then every other member that the line has. Nothing in it can end the line or steer a terminal. */
export function auditLineText({ opened, closed, ...line }: ChainedLine): string {
  const { at, role, outcome, action, instance, sequence } = line
  const time = timeText(at)
  if (opened !== undefined || closed !== undefined) {
    const word = opened === undefined ? 'stopped' : opened === 'start' ? 'started' : 'opened the file again'
    return `${time}  instance ${shown(instance)} ${word}, line ${sequence}\n`
  }
  const members = Object.entries(line)
    .filter(([name]) => !elsewhere.has(name))
    .map(([name, value]) => `${shown(name)}=${shown(value)}`)
  return `${time}  ${shown(outcome).padEnd(7)}  ${shown(action).padEnd(13)}  ${shown(role)}  ${members.join(' ')}\n`
}

function timeText(at: number): string {
  const time = new Date(at * 1000)
  return Number.isNaN(time.getTime()) ? String(at) : time.toISOString()
}

function shown(value: unknown): string {
  if (typeof value === 'string' && /^[^\s"\u0000-\u001f\u007f-\u009f\u2028\u2029]+$/.test(value)) return value
  return (JSON.stringify(value) ?? '?').replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
