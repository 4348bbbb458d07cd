/** `xaa demo`: a whole enterprise on this machine, which first shows the flow itself and then stays up to be clicked through. */

import { parseArgs } from 'node:util'
import { companies } from '../demo/agent/cast.ts'
import { type Demo, startDemo } from '../demo/start.ts'
import { painter, printEnding, printOpening, printScene } from '../demo/story/print.ts'
import type { Scene } from '../demo/story/scene.ts'
import { playStory } from '../demo/story/story.ts'
import { type Io, usageProblem } from './command.ts'
import { stopSignal } from './stop-signal.ts'

export const summary = 'run a whole enterprise on this machine and show each step'

export const help = `xaa demo [--once] [--json] [--port BASE] [--no-color]

Starts an identity provider, a chat vendor with an API and an MCP server, an agent, and an application that nobody manages, all on
127.0.0.1. Shows the seven steps, three refusals, a better sign-in and the same without Cross-App Access, then stays up and says where
to click. Ctrl+C stops it.

  --once        stop after the steps: exit 0 when every step and every refusal came out right, 1 otherwise
  --json        with --once: print the steps as one JSON document; secrets are masked and tokens shortened
  --port BASE   the first of eight ports; default 4000, or free ones where one of these is taken
  --no-color    no colours; NO_COLOR in the environment does the same
`

const preferredPort = 4000

/** Runs the command. Resolves to its exit code, without `--once` when the process is told to stop. */
export async function run(args: string[], io: Io): Promise<number> {
  const options = read(args)
  if (typeof options === 'string') {
    io.err(`xaa demo: ${options}\n\n${help}`)
    return 2
  }
  if (options.help) {
    io.out(help)
    return 0
  }
  const { once, json, port } = options
  const stage = await open(port, io)
  if (stage === undefined) return 1
  const stopped = once ? undefined : stopSignal(io.env)
  try {
    const scenes = await playStory(stage.cast)
    if (json) io.out(`${JSON.stringify(report(scenes), null, 2)}\n`)
    else tell(scenes, options.color && (io.env.NO_COLOR ?? '') === '', io)
    if (stopped !== undefined) {
      io.out(addresses(stage))
      await stopped
      return 0
    }
    return scenes.every(({ ok }) => ok) ? 0 : 1
  } catch (cause) {
    io.err(`xaa demo: the story could not be played: ${cause instanceof Error ? cause.message : String(cause)}\n`)
    return 1
  } finally {
    await stage.close()
  }
}

interface Options {
  help: boolean
  once: boolean
  json: boolean
  color: boolean
  /** Undefined: the preferred one, or whatever is free. */
  port: number | undefined
}

function read(args: string[]): Options | string {
  try {
    const { values } = parseArgs({
      args,
      options: {
        once: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        port: { type: 'string' },
        'no-color': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    const { once, json, port, help } = values
    if (json && !once) return '--json goes with --once'
    if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_528))
      return `--port must be a number from 0 to 65528, not ${JSON.stringify(port)}`
    return { help, once, json, color: !values['no-color'], port: port === undefined ? undefined : Number(port) }
  } catch (error) {
    const problem = usageProblem(error)
    if (problem === undefined) throw error
    return problem
  }
}

async function open(port: number | undefined, io: Io): Promise<Demo | undefined> {
  const reportTo = (message: string) => io.err(`${message}\n`)
  try {
    return await startDemo({ port: port ?? preferredPort, report: reportTo })
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    if (port !== undefined) {
      io.err(`xaa demo: ${message}\n`)
      return undefined
    }
    io.err(`The ports from ${preferredPort} on are not all free, so others are used.\n`)
    return await startDemo({ port: 0, report: reportTo })
  }
}

function tell(scenes: readonly Scene[], colours: boolean, io: Io): void {
  const paint = painter(colours)
  io.out(printOpening(paint))
  for (const [at, scene] of scenes.entries()) io.out(printScene(scene, at + 1, paint))
  io.out(printEnding(scenes, paint))
}

function addresses({ agentUrl, unmanagedUrl, cast }: Demo): string {
  const { agent, identityProvider, chat, unmanaged } = companies
  const rows: [string, string][] = [
    [agent.name, `${agentUrl}   <- click here first`],
    [identityProvider.name, `${cast.identityProvider.issuer}/.well-known/openid-configuration`],
    [`${chat.name}, API`, cast.chat.messagesUrl],
    [`${chat.name}, MCP`, cast.chat.mcpUrl],
    [`${unmanaged.name}, unmanaged`, unmanagedUrl],
  ]
  return `\nNow click through it yourself:\n\n${rows.map(([name, url]) => `  ${name.padEnd(20)} ${url}\n`).join('')}\nCtrl+C stops it.\n`
}

/** What `--json` prints. */
function report(scenes: readonly Scene[]): object {
  return {
    ok: scenes.every(({ ok }) => ok),
    steps: scenes.map(({ name, title, ok, problems, request, answer, token, audit, facts }) => ({
      name,
      title,
      ok,
      problems,
      request: request && { line: request.line, parameters: Object.fromEntries(request.parameters) },
      answer: answer && { status: answer.status, members: Object.fromEntries(answer.members) },
      decoded: token && {
        kind: token.kind,
        madeBy: token.madeBy,
        madeFor: token.madeFor,
        header: Object.fromEntries(token.header.map(({ name, value }) => [name, value])),
        claims: token.payload,
      },
      audit: audit?.event,
      facts: Object.fromEntries(facts.map(([name, value]) => [name.trim(), value])),
    })),
  }
}
