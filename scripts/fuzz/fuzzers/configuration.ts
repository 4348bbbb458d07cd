/** Configuration files for their reader: YAML after accidents, and values that are of another kind than they must be. */

import { writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { readConfig } from '../../../src/server/config.ts'
import { ConfigError, printProblems } from '../../../src/server/problems.ts'
import { atExit } from '../../../test/faults/rig/leftovers.ts'
import { environment, example, exampleFolder } from '../../../test/server/example.ts'
import type { ReaderFuzzer } from '../fuzzer.ts'
import { accident, hostileText, hostileValue } from '../hostile.ts'
import type { Random } from '../random.ts'

const folder = await exampleFolder()
atExit(() => void rm(folder.path, { recursive: true, force: true }))
const good = stringify(example, { aliasDuplicateObjects: false })
const file = join(folder.path, 'fuzzed.yaml')

export const configuration: ReaderFuzzer = {
  name: 'config',
  title: 'Configuration files',
  over: 'reader',
  weight: 0.4,
  make(random) {
    const { text, refused } = inputOf(random)
    return {
      input: text,
      async read() {
        writeFileSync(file, text)
        try {
          await readConfig(file, environment)
          return refused ? 'a configuration was taken that cannot be meant' : undefined
        } catch (error) {
          if (!(error instanceof ConfigError)) throw error
          return reportObjection(error)
        }
      },
    }
  },
}

function reportObjection(error: ConfigError): string | undefined {
  if (error.problems.length === 0) return 'refused without a problem'
  const unplaced = error.problems.find(({ place }) => !/^(fuzzed\.yaml(:\d+)?|[A-Z_]+)$/.test(place))
  if (unplaced !== undefined) return `a problem at ${unplaced.place}`
  const report = printProblems(error)
  const stack =
    /\n {4}at |node_modules|undefined is not|Cannot read prop|\[object Object\]|ZodError|Invalid input/.exec(report)
  if (stack !== null) return `a report with ${JSON.stringify(stack[0])}`
  const secret = Object.values(environment).find((value) => value.length > 20 && report.includes(value))
  return secret === undefined ? undefined : 'a report with a secret'
}

/** The text, and whether nobody can mean it. */
function inputOf(random: Random): { text: string | Buffer; refused: boolean } {
  if (random.oneIn(3)) {
    let bytes: Buffer = Buffer.from(good)
    for (let times = 1 + random.below(4); times > 0; times--) bytes = accident(bytes, random)
    return { text: bytes, refused: false }
  }
  if (random.oneIn(4))
    return { text: good.replace(/: (\S+)\n/, (_, value: string) => `: ${yamlOddity(value, random)}\n`), refused: false }
  const copy = structuredClone(example) as unknown as Node
  const places = placesOf(copy)
  const { parent, name, value } = random.pick(places)
  const kind = random.below(3)
  if (kind === 0 && typeof value === 'object' && value !== null && !Array.isArray(value)) {
    // Only a mapping whose keys are ours: those of clientIdAt are anybody's.
    if (name !== 'clientIdAt') (value as Node)[`not-a-key-${random.below(1000)}`] = hostileValue('x', random)
    return { text: stringify(copy), refused: name !== 'clientIdAt' }
  }
  if (kind === 1) {
    const other =
      typeof value === 'object'
        ? random.pick<unknown>([7, true, null, 'x'])
        : random.pick<unknown>([[value, [value]], { [hostileText('a', random)]: [1] }])
    parent[name] = other
    // In place of a scope with its groups, its name alone is a scope, too.
    return { text: stringify(copy), refused: other !== null && !(other === 'x' && Array.isArray(parent)) }
  }
  parent[name] = hostileValue(value, random)
  return { text: stringify(copy), refused: false }
}

function yamlOddity(value: string, random: Random): string {
  return random.pick([
    '&a',
    '*a',
    '!!js/function x',
    '!x',
    '<<',
    '? x',
    '|',
    '>',
    '- - -',
    '[',
    '{',
    '"',
    `'`,
    '%YAML 9',
    '---\n---',
    '.inf',
    '.nan',
    '0o7',
    '1_000',
    '2001-01-01',
    '~',
    `${value}: ${value}`,
    '\t',
    `${'['.repeat(2000)}`,
    hostileText(value, random),
  ])
}

interface Node {
  [name: string]: unknown
}

/** Every value inside, with where it stands. */
function placesOf(node: Node): { parent: Node; name: string; value: unknown }[] {
  return Object.entries(node).flatMap(([name, value]) => [
    { parent: node, name, value },
    ...(typeof value === 'object' && value !== null ? placesOf(value as Node) : []),
  ])
}
