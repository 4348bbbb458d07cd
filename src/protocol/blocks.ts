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
  tenant?: string | undefined
}

/** A block that holds no longer. What was granted before it was lifted, and outlives a request, stays ended. */
export interface LiftedBlock extends Block {
  liftedAt: Seconds
}

/** The blocks of a server as they are now. Both throw `temporarily_unavailable` when that cannot be known. */
export interface Blocks {
  /** A {@link BlockIndex} where there may be many. */
  inForce(): Iterable<Block>
  lifted(): readonly LiftedBlock[]
}

/** The first of these blocks that stops an access. A block that names nothing stops nobody. Pure. */
export function blockOf<Any extends Block>(blocks: Iterable<Any>, access: Access): Any | undefined {
  const those = blocks instanceof BlockIndex ? (blocks as BlockIndex<Any>).whichMayStop(access) : blocks
  for (const block of those) if (stops(block, access)) return block
  return undefined
}

/** Blocks found by a name in them, so that a request looks at those of its own names, however many others there are. */
export class BlockIndex<Any extends Block = Block> implements Iterable<Any> {
  readonly #blocks: readonly Any[]
  readonly #byName: { [member in keyof Block]-?: Map<string, Any[]> }

  /** What is in `blocks` now counts; what is changed in it later does not. */
  constructor(blocks: readonly Any[]) {
    this.#blocks = [...blocks]
    this.#byName = { user: new Map(), client: new Map(), audience: new Map(), tenant: new Map(), issuer: new Map() }
    for (const block of blocks) {
      // Each stands under the first member that it has: what it names besides is looked at when that one fits.
      const member = blockMembers.find((one) => block[one] !== undefined)
      if (member === undefined) continue
      const name = block[member] as string
      const there = this.#byName[member].get(name)
      if (there === undefined) this.#byName[member].set(name, [block])
      else there.push(block)
    }
  }

  get size(): number {
    return this.#blocks.length
  }

  [Symbol.iterator](): Iterator<Any> {
    return this.#blocks[Symbol.iterator]()
  }

  /** Every block that stops this access, and some that may not. */
  whichMayStop({ users, client, audiences, issuer, tenant }: Access): Any[] {
    if (this.#blocks.length === 0) return []
    const named = [
      ...users.map((user) => this.#byName.user.get(user)),
      this.#byName.client.get(client),
      ...audiences.map((audience) => this.#byName.audience.get(audience)),
      tenant === undefined ? undefined : this.#byName.tenant.get(tenant),
      this.#byName.issuer.get(issuer),
    ]
    return named.flatMap((some) => some ?? [])
  }

  /** True when one of them names exactly this, no more and no less. */
  has(names: Block): boolean {
    const member = blockMembers.find((one) => names[one] !== undefined)
    if (member === undefined) return false
    const those = this.#byName[member].get(names[member] as string) ?? []
    return those.some((block) => blockMembers.every((one) => block[one] === names[one]))
  }
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
