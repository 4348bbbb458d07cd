/** Reads a YAML file into plain values, and remembers the line of each. */

import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from 'yaml'
import type { Path, Problem } from './problems.ts'

/** A file as values, with the places of them. */
export interface ConfigFile {
  /** The values; an empty mapping when the file cannot be read as one. */
  value: { [key: string]: unknown }
  /** `xaa.yaml:7` for the value at a path, or for the nearest thing around it that is there. */
  placeOf(path: Path): string
  /** What is wrong with the file as YAML. */
  problems: Problem[]
}

const maxCharacters = 1024 * 1024

/**
 * Parses one YAML document with a mapping at its top. Duplicate keys, several documents, unknown tags, and aliases (which can
 * make a small file grow without end) become problems; nothing is thrown. Does NOT judge what the values mean.
 */
export function readConfigFile(text: string, fileName: string): ConfigFile {
  const nothing = (message: string): ConfigFile => ({
    value: {},
    placeOf: () => fileName,
    problems: [{ path: '', message, place: fileName }],
  })
  if (text.length > maxCharacters) return nothing(`is larger than ${maxCharacters} characters`)
  const lines = new LineCounter()
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      logLevel: 'error',
      stringKeys: true,
    })
    const placeAt = (offset: number | undefined) => `${fileName}:${lines.linePos(offset ?? 0).line}`
    const faults = [...document.errors, ...document.warnings]
    // The parser catches the overflow of its own stack, and goes on.
    if (faults.some(({ message }) => message.includes('call stack'))) return nothing('is nested too deeply')
    const problems: Problem[] = faults.map(({ message, pos }) => ({
      path: '',
      message: `cannot be read as YAML: ${(message.split('\n')[0] ?? '').replace(/^./, (first) => first.toLowerCase())}`,
      place: placeAt(pos[0]),
    }))
    visit(document, {
      Alias: (_, { source, range }) => {
        problems.push({
          path: `*${source}`,
          message: 'is an alias, which is not read here',
          place: placeAt(range?.[0]),
          remedy: 'write the value out',
        })
      },
      Pair: (_, { key }) => {
        if (isScalar(key) && key.value === '__proto__')
          problems.push({ path: '__proto__', message: 'is not a known key', place: placeAt(key.range?.[0]) })
      },
    })
    if (problems.length > 0) return { value: {}, placeOf: () => fileName, problems: firstOfEachLine(problems) }
    const value: unknown = document.toJS()
    if (value === null) return nothing('is empty')
    if (!isMap(document.contents)) return nothing('is not a mapping of keys to values')
    const contents = document.contents
    return {
      value: value as { [key: string]: unknown },
      placeOf: (path) => placeAt(offsetOf(contents, path)),
      problems: [],
    }
  } catch (cause) {
    return nothing(cause instanceof RangeError ? 'is nested too deeply' : 'cannot be read as YAML')
  }
}

/** One broken bracket gives several faults at one place. */
function firstOfEachLine(problems: readonly Problem[]): Problem[] {
  return problems.filter(({ place }, at) => problems.findIndex((other) => other.place === place) === at)
}

function offsetOf(top: Node, path: Path): number | undefined {
  let node: unknown = top
  let offset = top.range?.[0]
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && key.value === step)
      if (pair === undefined) return offset
      if (isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset
      node = pair.value
    } else if (isSeq(node) && typeof step === 'number') {
      const item: unknown = node.items[step]
      if (item === undefined || isAlias(item)) return offset
      offset = (item as Node).range?.[0] ?? offset
      node = item
    } else return offset
  }
  return offset
}
