/** What docs/profiles.md shows is true: its table is the software's, and `--check` takes its examples, each profile among them. */

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readClientConfig } from '../../src/cli/client-config.ts'
import { run } from '../../src/cli/serve.ts'
import { type ProfilePlace, profileNames } from '../../src/protocol/profile-settings.ts'
import { profileTable } from '../../src/protocol/profile-table.ts'
import { environment, example, exampleFolder, type Folder } from '../server/example.ts'
import { profileRows } from './profile-rows.ts'

interface Roles {
  idp?: object
  resourceAs?: object
}
type Entries = readonly { profile?: string }[]

const page = readFileSync(new URL('../../docs/profiles.md', import.meta.url), 'utf8')
const examples = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(
  ([, text = '']) => parse(text) as { [part: string]: unknown },
)
const ofServers = examples.filter((one) => !('subject' in one)) as Roles[]
const ofClients = examples.filter((one) => 'subject' in one)

let folder: Folder
beforeAll(async () => {
  folder = await exampleFolder()
})
afterAll(() => folder.remove())

/** The whole configuration around an example: what the example leaves out is the same everywhere. */
function around({ idp, resourceAs }: Roles): object {
  const [client] = example.idp.clients
  const [connection] = example.idp.connections
  const both = {
    // With several subject issuers, a connection says which claim is one person's alone.
    idp: { ...example.idp, clients: [{ ...client, clientIdAt: {} }], connections: [connection], ...idp },
    resourceAs: { ...example.resourceAs, ...resourceAs },
  }
  return resourceAs === undefined ? { idp: both.idp } : { resourceAs: both.resourceAs }
}

describe('the table of profiles', () => {
  it('has exactly the rows that the software goes by', () => {
    const rows = page
      .split('\n')
      .filter((line) => /^\| `[a-z0-9-]+` \| `(idp|resourceAs|identityProvider|resourceServers)/.test(line))
    expect(rows).toEqual(profileRows())
  })
})

describe('the examples', () => {
  it.each(ofServers.map((one, at) => [at + 1, one] as const))(
    'of servers: number %i is taken by --check',
    async (_, one) => {
      const printed: string[] = []
      const io = {
        out: (text: string) => printed.push(text),
        err: (text: string) => printed.push(text),
        env: environment,
      }
      const file = await folder.write(around(one))
      expect([await run(['--check', '--config', file], io), printed.join('')]).toEqual([
        0,
        expect.stringContaining(', profile '),
      ])
    },
  )

  it('of clients are taken', async () => {
    for (const one of ofClients) {
      const config = await readClientConfig(await folder.write(one), environment)
      expect(config.identityProvider).toHaveProperty('profile')
    }
    expect(ofClients).toHaveLength(1)
  })

  it('show every profile at every one of its places', () => {
    const shown = (place: ProfilePlace): string[] => {
      const lists: { [Place in ProfilePlace]: (one: { [part: string]: unknown }) => unknown } = {
        subjectIssuer: ({ idp }) => (idp as { subjectIssuers?: Entries } | undefined)?.subjectIssuers,
        signInIssuer: ({ resourceAs }) =>
          (resourceAs as { interactive?: { signIn?: Entries } } | undefined)?.interactive?.signIn,
        idpClient: ({ idp }) => (idp as { clients?: Entries } | undefined)?.clients,
        idpResourceServer: ({ idp }) => (idp as { resourceServers?: Entries } | undefined)?.resourceServers,
        trustedIssuer: ({ resourceAs }) => (resourceAs as { trustedIssuers?: Entries } | undefined)?.trustedIssuers,
        resourceAsClient: ({ resourceAs }) => (resourceAs as { clients?: Entries } | undefined)?.clients,
        identityProvider: ({ identityProvider }) => [identityProvider],
        resourceServer: ({ resourceServers }) => resourceServers,
      }
      return examples.flatMap((one) => ((lists[place](one) ?? []) as Entries).flatMap((entry) => entry?.profile ?? []))
    }
    const missing = profileNames.flatMap((name) =>
      (Object.keys(profileTable[name]) as ProfilePlace[])
        .filter((place) => !shown(place).includes(name))
        .map((place) => `${name} as ${place}`),
    )
    expect(missing).toEqual([])
  })
})
