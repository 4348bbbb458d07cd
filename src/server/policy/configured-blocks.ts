/** What a configuration has switched off, as blocks: so that tokens issued before it was switched off end too. */

import type { Block } from '../../protocol/blocks.ts'
import type { Config } from '../config.ts'

/** The disabled users, clients, connections, accounts and trusted issuers of a configuration. */
export function switchedOff({ idp, resourceAs }: Pick<Config, 'idp' | 'resourceAs'>): Block[] {
  const off = <Entry extends { disabled: boolean }>(entries: readonly Entry[] = []) =>
    entries.filter(({ disabled }) => disabled)
  return [
    ...off(idp?.users).map(({ sub }) => ({ user: sub })),
    ...off(idp?.clients).map(({ id }) => ({ client: id })),
    ...off(idp?.connections).map(({ client, audience }) => ({ client, audience })),
    ...off(resourceAs?.clients).map(({ id }) => ({ client: id })),
    ...off(resourceAs?.trustedIssuers).map(({ issuer }) => ({ issuer })),
    ...off(resourceAs?.accounts).map(({ id }) => ({ user: id })),
  ]
}
