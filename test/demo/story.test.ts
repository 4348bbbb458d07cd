/** The story that `xaa demo` tells: it comes out right, and it says so when something does not. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { help, run } from '../../src/cli/demo.ts'
import { type Demo, startDemo } from '../../src/demo/start.ts'
import { painter, printEnding, printScene, wrapped } from '../../src/demo/story/print.ts'
import { playStory } from '../../src/demo/story/story.ts'
import { withoutCrossAppAccess } from '../../src/demo/story/without.ts'

const scenes = [
  'sign-in',
  'discovery',
  'exchange',
  'id-jag',
  'redemption',
  'access-token',
  'call',
  'another-server',
  'redeemed-twice',
  'connection-removed',
  'better-sign-in',
  'unmanaged',
  'two-records',
]

/** Runs the command and gives what it printed. */
async function demo(...args: string[]) {
  const out: string[] = []
  const err: string[] = []
  const io = { out: (text: string) => void out.push(text), err: (text: string) => void err.push(text), env: {} }
  return { code: await run(args, io), out: out.join(''), err: err.join('') }
}

describe('the story', () => {
  let stage: Demo
  beforeAll(async () => {
    stage = await startDemo({ port: 0, report: () => {} })
  })
  afterAll(() => stage.close())

  it('has seven steps, three refusals, a better sign-in and the same without Cross-App Access, each as it must be', async () => {
    const played = await playStory(stage.cast)
    expect(played.map(({ name, problems }) => [name, problems])).toEqual(scenes.map((name) => [name, []]))
    expect(played.slice(7, 10).map(({ audit }) => audit?.event.reason)).toEqual([
      'aud_mismatch',
      'replay',
      'target_unknown',
    ])
    const [better] = played.slice(10, 11)
    expect(better).toMatchObject({ audit: { event: { reason: 'step_up', error: 'insufficient_user_authentication' } } })
    expect(better?.facts).toContainEqual(['afterwards', 'exchange 200, redemption 200, call 201'])
  })

  it('shows the consent page word for word, and the records of two companies', async () => {
    const [unmanaged, records] = (await playStory(stage.cast)).slice(-2).map(({ facts }) => Object.fromEntries(facts))
    const { cast } = stage
    expect(unmanaged).toMatchObject({
      'knocks without a token': `POST ${cast.chat.mcpUrl} 401`,
      'turns the code into tokens': `POST ${cast.chat.issuer}/token 200`,
      'the consent page': 'Magpie wants to act for you',
      '  what it knows': expect.stringContaining(
        `an application of ${new URL(cast.unmanaged.origin).host}: that is proven`,
      ),
      '  You are': 'alice@acme.example, signed in at Passgate. Not you?',
    })
    expect(records?.['Passgate, Magpie']).toMatch(/^sign-in of alice-\w+ to Tidewater Chat$/)
    expect(records?.['Tidewater Chat, Magpie']).toContain(`consent, granted; client ${cast.unmanaged.clientId}`)
    expect(records?.['the connection removed']).toBe('Finch: refused. Magpie: still chat-alice')
  })

  it('says so when the person does not let the unmanaged application in', async () => {
    const footage = { observed: [], consent: undefined, caller: undefined, afterRemoval: undefined }
    for (const { ok, problems } of withoutCrossAppAccess(footage, stage.cast))
      expect([ok, problems]).toEqual([false, ['it did not come to this request']])
  })

  it('leaves the connection as it was, so that it can be told again', async () => {
    expect((await stage.cast.connections()).map(({ enabled }) => enabled)).toEqual([true, true])
    expect((await playStory(stage.cast)).every(({ ok }) => ok)).toBe(true)
  })

  it('names every step that did not come out right', async () => {
    await stage.cast.setConnection(stage.cast.chat.issuer, false)
    const played = await playStory(stage.cast)
    const wrong = played.filter(({ ok }) => !ok).map(({ name }) => name)
    // What comes before the exchange still works, and the exchange is refused as the last scene wants it.
    expect(wrong).toEqual([
      'exchange',
      'id-jag',
      'redemption',
      'access-token',
      'call',
      'another-server',
      'redeemed-twice',
      'better-sign-in',
    ])
    const ending = printEnding(played, painter(false))
    for (const name of wrong) expect(ending).toContain(`  ${name}: `)
    expect(ending).toContain('8 of 13 did not come out right')
    await stage.cast.setConnection(stage.cast.chat.issuer, true)
  })

  it('is told in lines of at most 100 columns, with no secret and no whole token', async () => {
    const played = await playStory(stage.cast)
    const text = played.map((scene, at) => printScene(scene, at + 1, painter(false))).join('')
    expect(text.split('\n').filter((line) => line.length > 100)).toEqual([])
    expect(text).not.toMatch(/\u001b/)
    expect(text).not.toMatch(/eyJ[\w-]{30}/)
    const { assistant } = stage.world.clients
    for (const { secret } of [assistant.idp, assistant.resourceAs]) expect(text).not.toContain(secret)
  })
})

describe('xaa demo --once', () => {
  it('exits 0 when everything came out right', async () => {
    const { code, out, err } = await demo('--once', '--no-color', '--port', '0')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('all as they must be')
    expect(out.split('\n').filter((line) => line.length > 100)).toEqual([])
  })

  it('prints the steps for a program with --json, without secrets', async () => {
    const { code, out } = await demo('--once', '--json', '--port', '0')
    const told = JSON.parse(out)
    expect(code).toBe(0)
    expect(told.ok).toBe(true)
    expect(told.steps.map(({ name }: { name: string }) => name)).toEqual(scenes)
    expect(told.steps[2]).toMatchObject({
      request: { parameters: { requested_token_type: 'urn:ietf:params:oauth:token-type:id-jag' } },
      answer: { status: 200, members: { token_type: 'N_A' } },
      audit: { outcome: 'granted' },
    })
    expect(told.steps[2].request.parameters.Authorization).toMatch(/^Basic assistant-[\w-]+:•+$/)
    expect(told.steps[3].decoded).toMatchObject({ kind: 'id-jag', header: { typ: 'oauth-id-jag+jwt' } })
    expect(out).not.toMatch(/eyJ[\w-]{30}/)
  })

  it('exits 1 with a sentence when the port that was asked for is taken', async () => {
    const stage = await startDemo({ port: 0, report: () => {} })
    const { port } = new URL(stage.cast.identityProvider.issuer)
    const { code, err } = await demo('--once', '--port', port)
    expect(code).toBe(1)
    // Of the eight in a row another one may be taken too, and it is tried first.
    const eight = Array.from({ length: 8 }, (_, place) => String(Number(port) + place))
    expect(eight).toContain(/: port (\d+) of 127\.0\.0\.1 cannot be used/.exec(err)?.[1])
    await stage.close()
  })
})

describe('xaa demo', () => {
  it('takes free ports where its own are taken, and says so', async () => {
    const squatter = createServer()
    // Taken by somebody else is as good.
    await Promise.race([once(squatter.listen(4006, '127.0.0.1'), 'listening'), once(squatter, 'error')].map(settled))
    const { code, err } = await demo('--once')
    expect([code, err]).toEqual([0, 'The ports from 4000 on are not all free, so others are used.\n'])
    squatter.close()
  })

  it('stays up after the story, says where to click, and stops when it is told to', async () => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/bin.ts', 'demo', '--port', '0'])
    let out = ''
    for await (const chunk of child.stdout) {
      out += chunk
      if (out.includes('Ctrl+C stops it.')) break
    }
    const address = /Finch Assistant {2,}(http:\S+)/.exec(out)?.[1] ?? ''
    expect((await fetch(address)).status).toBe(200)
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
    await expect(fetch(address)).rejects.toThrow()
  })
})

async function settled(work: Promise<unknown>): Promise<void> {
  await work.catch(() => {})
}

describe('the command line', () => {
  it('prints its help', async () => {
    expect(await demo('--help')).toEqual({ code: 0, out: help, err: '' })
  })

  it('refuses what it does not understand', async () => {
    expect((await demo('--json')).err).toContain('--json goes with --once')
    for (const args of [['--json'], ['--twice'], ['--port', 'http'], ['--port', '70000'], ['now']])
      expect((await demo(...args)).code).toBe(2)
  })
})

describe('breaking lines', () => {
  it('loses no character and makes no line too long', () => {
    const text = `one ${'x'.repeat(95)} two three`
    expect(wrapped(text, 30).every((line) => line.length <= 30)).toBe(true)
    expect(wrapped(text, 30).join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''))
    expect(wrapped('', 30)).toEqual([''])
  })
})
