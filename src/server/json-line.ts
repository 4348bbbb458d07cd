/** One JSON value on one line, whatever a stranger put into it. */

/**
 * JSON and a line break. Beyond what JSON.stringify escapes, DEL, the C1 controls and the line separators of Unicode are
 * escaped too, so that no value can end a line or steer a terminal (ATK-135).
 */
export function jsonLine(value: unknown): string {
  return `${jsonText(value)}\n`
}

/** The same without the line break. */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value)
  return unsafe.test(text) ? text.replace(eachUnsafe, escaped) : text
}

const unsafe = /[\u007f-\u009f\u2028\u2029]/
const eachUnsafe = new RegExp(unsafe, 'g')

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
