/** The other companies of the world: the chat and the files, each with an authorization server, its accounts and whom it trusts. */

import { answerNowhere } from '../http/nowhere.ts'
import { resourceAsPlugin } from '../http/resource-as-plugin.ts'
import type { Seconds } from '../protocol/ports.ts'
import { codeGrantOf } from '../server/interactive-role.ts'
import { resourceAsRole } from '../server/resource-as-role.ts'
import { chatDefinition, filesDefinition, type VendorDefinition } from './enterprise.ts'
import type { KeyPairs } from './keys.ts'
import { serveAt } from './origin.ts'
import type { Stage } from './stage.ts'

export const accessTokenLifetime: Seconds = 600

/** One resource authorization server, before it is known in which process it runs. */
export interface Vendor {
  name: 'chat' | 'files'
  definition: VendorDefinition
  keys: KeyPairs
}

/** Both of them. */
export interface Vendors {
  chat: Vendor
  files: Vendor
}

/** Makes the keys of both. With `registration`, clients may register themselves at the chat. */
export async function makeVendors(
  { addresses, chatSignIn: signIn, clients, directory, folder }: Stage,
  registration: boolean,
): Promise<Vendors> {
  return {
    chat: {
      name: 'chat',
      definition: chatDefinition(addresses, clients, directory, { signIn, registration }),
      keys: await folder.make('chat', ['ES256']),
    },
    files: {
      name: 'files',
      definition: filesDefinition(addresses, clients, directory),
      keys: await folder.make('files', ['ES256']),
    },
  }
}

/** Starts one in this process, at its own address: the role that `xaa serve` runs, with the clock of the world. */
export async function serveVendor({ name, definition, keys }: Vendor, stage: Stage): Promise<void> {
  const { at, policyVersion, portsFor, report, state, surroundings } = stage
  const { hostname, port } = new URL(at[name].url)
  const config = {
    ...definition,
    listen: { host: hostname, port: Number(port) },
    keys: keys.read,
    protectedResources: [],
    accounts: definition.accounts.map(({ links = [], disabled = false, ...account }) => ({
      ...account,
      disabled,
      links: [...links],
    })),
    accessTokenLifetime,
  }
  const role = resourceAsRole(config, surroundings(), state.store.records, keys.signingKeys)
  const limits = stage.limitsFor(definition.issuer)
  const shared = { ports: portsFor(definition.issuer), policyVersion, report, limits }
  const interactive = await codeGrantOf(
    config,
    { ...role, ...shared },
    { store: state.store, config: { outbound: { allowAddresses: [] } } },
  )
  const options = { ...role, ...shared, signingKeys: keys.signingKeys }
  await serveAt(
    at[name],
    async (app) => {
      answerNowhere(app)
      await app.register(resourceAsPlugin, { ...options, ...(interactive === undefined ? {} : { interactive }) })
    },
    report,
  )
}
