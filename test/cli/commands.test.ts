import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { commands, main } from '../../src/cli/commands.ts'
import { printed } from './printed.ts'

async function xaa(...args: string[]) {
  const io = printed()
  const code = await main(args, io)
  return { code, stdout: io.stdout, stderr: io.stderr }
}

describe('xaa', () => {
  it('lists every command with one line when asked for help', async () => {
    const { code, stdout } = await xaa('--help')
    expect(code).toBe(0)
    for (const [word, { summary }] of Object.entries(commands)) expect(stdout).toContain(`${word.padEnd(9)} ${summary}`)
  })

  it('without a word says how it is used, with code 2', async () => {
    expect(await xaa()).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('xaa COMMAND') })
  })

  it('proposes the command that was probably meant', async () => {
    expect(await xaa('serv')).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean "serve"?') })
    expect(await xaa('constructor')).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no command') })
  })

  it('tells the version of the package', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(await xaa('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it.each(Object.entries(commands))('%s says of itself what the list says of it', async (_, { summary, load }) => {
    const command = await load()
    expect(command.summary).toBe(summary)
    expect(command.help).toMatch(/^xaa /)
  })
})
