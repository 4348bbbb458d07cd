/** Prints one fresh ID Token of somebody in a running test bed, and nothing else. */

import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import * as z from 'zod'
import { type JsonObject, parseJsonObject } from '../src/protocol/json.ts'
import { signingKeysOf } from '../src/protocol/own-keys.ts'
import { readKeyFile } from '../src/server/key-files.ts'
import { systemNow } from '../src/server/ports.ts'
import { mintIdToken } from '../src/testing/id-token.ts'
import { TestbedFile } from '../src/testing/testbed-file.ts'

const usage =
  'npm run -s testbed:id-token -- --file FILE --user alice --client assistant [--issuer idp|upstream] [--claims JSON]'

/** Why no token is printed, as a sentence. */
class UsageError extends Error {
  override readonly name = 'UsageError'
}

async function idToken(args: string[]): Promise<string> {
  const { file, user, client, issuer, claims } = optionsOf(args)
  const testbed = await readTestbed(file)
  const person = oneOf('--user', user, testbed.users)
  const { id } = oneOf('--client', client, testbed.clients).idp
  if (issuer !== 'idp' && issuer !== 'upstream')
    throw new UsageError(`--issuer must be idp or upstream, and is ${JSON.stringify(issuer)}`)
  return await mintIdToken({
    issuer: testbed[issuer].issuer,
    signingKeys: await signingKeysOf(await readKeyFile(testbed[issuer].signingKeyFile), systemNow),
    clientId: id,
    user: person,
    now: systemNow(),
    jti: randomBytes(24).toString('base64url'),
    claims: claims === undefined ? {} : claimsOf(claims),
  })
}

function optionsOf(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      file: { type: 'string' },
      user: { type: 'string' },
      client: { type: 'string' },
      issuer: { type: 'string', default: 'idp' },
      claims: { type: 'string' },
    },
  })
  const { file, user, client } = values
  if (file === undefined || user === undefined || client === undefined)
    throw new UsageError('--file, --user and --client are required')
  return { ...values, file, user, client }
}

async function readTestbed(file: string): Promise<TestbedFile> {
  let content: unknown
  try {
    content = JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    throw new UsageError(`${file} cannot be read; a running test bed writes it: npm run -s testbed -- --out ${file}`, {
      cause,
    })
  }
  const read = TestbedFile.safeParse(content)
  if (!read.success) throw new UsageError(`${file} is not the file of a test bed: ${z.prettifyError(read.error)}`)
  return read.data
}

function oneOf<Named extends { name: string }>(option: string, name: string, known: readonly Named[]): Named {
  const found = known.find((one) => one.name === name)
  if (found !== undefined) return found
  throw new UsageError(`${option} must be one of ${known.map((one) => one.name).join(', ')}, and is ${name}`)
}

function claimsOf(text: string): JsonObject {
  try {
    return parseJsonObject(Buffer.from(text))
  } catch (cause) {
    throw new UsageError('--claims must be a JSON object, such as {"exp": 0, "email": null}', { cause })
  }
}

try {
  process.stdout.write(`${await idToken(process.argv.slice(2))}\n`)
} catch (error) {
  process.stderr.write(`testbed:id-token: ${error instanceof Error ? error.message : String(error)}\n${usage}\n`)
  process.exitCode = 2
}
