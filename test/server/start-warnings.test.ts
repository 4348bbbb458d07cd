import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readConfig } from '../../src/server/config.ts'
import { configWarnings, processWarnings } from '../../src/server/start-warnings.ts'
import { changed, environment, example, exampleFolder, type Folder } from './example.ts'

let folder: Folder
beforeAll(async () => {
  folder = await exampleFolder()
})
afterAll(() => folder.remove())

const proxied = { ...example, trustedProxies: ['10.0.0.0/24'] }
const local = {
  resourceAs: { ...example.resourceAs, issuer: 'http://127.0.0.1:4001', listen: '127.0.0.1:4001' },
}
const warningsOf = async (config: object) => configWarnings(await readConfig(await folder.write(config), environment))

describe('a configuration is warned about', () => {
  it('not where proxies are listed, limits hold, and nothing else is open', async () => {
    expect(await warningsOf(proxied)).toEqual([])
    expect(await warningsOf({ ...proxied, admin: { token: { env: 'CHAT_SECRET' } } })).toEqual([])
    expect(await warningsOf(local)).toEqual([])
    expect(await warningsOf({ ...local, limits: 'off' })).toEqual([])
  })

  it('[G-20] where limits are off beyond local work', async () => {
    const sentence = expect.stringMatching(/^limits: are off/)
    expect(await warningsOf({ ...proxied, limits: 'off' })).toEqual([sentence])
    const open = changed('resourceAs.listen', '0.0.0.0:4001', local)
    expect(await warningsOf({ ...open, limits: 'off' })).toContainEqual(sentence)
  })

  it('[ATK-074] [G-20] where a proxy makes one sender of everybody', async () => {
    expect(await warningsOf(example)).toEqual([
      expect.stringMatching(/^trustedProxies: is empty, and idp leaves TLS to a proxy/),
    ])
  })

  it.each(['0.0.0.0:4010', '[::]:4010', '10.0.0.7:4010'])(
    '[G-20] where the administration listens on %s',
    async (listen) => {
      expect(await warningsOf({ ...proxied, admin: { listen, token: { env: 'CHAT_SECRET' } } })).toEqual([
        expect.stringMatching(/^admin\.listen: .* can be reached from other machines/),
      ])
    },
  )

  it('[G-20] where metrics are read over a network, and not where they are read on the machine itself', async () => {
    const token = { env: 'CHAT_SECRET' }
    expect(await warningsOf({ ...proxied, metrics: {} })).toEqual([])
    expect(await warningsOf({ ...proxied, metrics: { listen: '0.0.0.0:4020', token } })).toEqual([
      expect.stringMatching(/^metrics\.listen: .* can be reached from other machines/),
    ])
  })

  it('[G-20] where a role for local work can be reached from other machines', async () => {
    expect(await warningsOf(changed('resourceAs.listen', '0.0.0.0:4001', local))).toEqual([
      expect.stringMatching(/^resourceAs\.listen: 0\.0\.0\.0:4001 can be reached .* http:\/\/127\.0\.0\.1:4001/),
    ])
    expect(await warningsOf(changed('resourceAs.listen', '[::1]:4001', local))).toEqual([])
  })
})

describe('a process is warned about', () => {
  const user = { userId: 1000 }

  it.each(['20.20.2', '20.21.0', '22.22.2', '22.100.0', '24.14.1', '24.21.0', '25.0.0', '26.1.0'])(
    'not under Node %s',
    (nodeVersion) => {
      expect(processWarnings({ nodeVersion, ...user })).toEqual([])
      expect(processWarnings({ nodeVersion, userId: undefined })).toEqual([])
    },
  )

  it.each([
    ['20.20.1', '20.20.2'],
    ['20.19.9', '20.20.2'],
    ['22.9.11', '22.22.2'],
    ['24.14.0', '24.14.1'],
  ])('[G-20] under Node %s, which has known holes', (nodeVersion, safe) => {
    expect(processWarnings({ nodeVersion, ...user })).toEqual([
      `Node.js ${nodeVersion} has known holes in its HTTP server. Install ${safe} or newer.`,
    ])
  })

  it.each(['21.7.3', '23.11.0'])('under Node %s, which gets no fixes', (nodeVersion) => {
    expect(processWarnings({ nodeVersion, ...user })).toEqual([expect.stringContaining('gets no fixes')])
  })

  it('[G-20] that root runs', () => {
    expect(processWarnings({ nodeVersion: '24.14.1', userId: 0 })).toEqual([
      expect.stringContaining('The process runs as root'),
    ])
  })
})
