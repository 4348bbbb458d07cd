/** Blocks: who is stopped, named by any combination of user, client, audience, tenant and issuer. */

import type { Seconds } from './ports.ts'

/** What a block names. Each member that is there must fit; one that is absent fits everybody. */
export interface Block {
  /** A `sub`, an account, or an e-mail address. */
  user?: string
  client?: string
  /** The issuer of a resource authorization server, or a resource identifier. */
  audience?: string
  tenant?: string
  /** The issuer of the subject token or of the ID-JAG. */
  issuer?: string
}

/** The members of a block, in the order in which they are written. */
export const blockMembers = [
  'user',
  'client',
  'audience',
  'tenant',
  'issuer',
] as const satisfies readonly (keyof Block)[]

/** One access that somebody asks for or was given, under every name that it goes by here. */
export interface Access {
  /** Everything the person is called: `sub`, account, e-mail address. */
  users: readonly string[]
  client: string
  /** The authorization server and the resources. */
  audiences: readonly string[]
  issuer: string
  tenant?: string
}

/** A block that holds no longer. What was granted before it was lifted, and outlives a request, stays ended. */
export interface LiftedBlock extends Block {
  liftedAt: Seconds
}

/** The blocks of a server as they are now. Both throw `temporarily_unavailable` when that cannot be known. */
export interface Blocks {
  inForce(): readonly Block[]
  lifted(): readonly LiftedBlock[]
}

/** The first of these blocks that stops an access. A block that names nothing stops nobody. Pure. */
export function blockOf<Any extends Block>(blocks: Iterable<Any>, access: Access): Any | undefined {
  for (const block of blocks) if (stops(block, access)) return block
  return undefined
}

function stops(block: Block, { users, client, audiences, issuer, tenant }: Access): boolean {
  const { user, audience } = block
  if (blockMembers.every((member) => block[member] === undefined)) return false
  return (
    (user === undefined || users.includes(user)) &&
    (block.client === undefined || block.client === client) &&
    (audience === undefined || audiences.includes(audience)) &&
    (block.issuer === undefined || block.issuer === issuer) &&
    (block.tenant === undefined || block.tenant === tenant)
  )
}
