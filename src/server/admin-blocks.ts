/** Blocks over HTTP: see who is stopped, stop somebody, and lift it. */

import * as z from 'zod'
import { type Block, blockMembers } from '../protocol/blocks.ts'
import type { AdminContext, Routes } from './admin-context.ts'
import { AdminError, parsed } from './admin-request.ts'
import { namesOfBlock } from './policy/policy-records.ts'

const name = z.string().trim().min(1).max(1024).optional()
const names = { user: name, client: name, audience: name, tenant: name, issuer: name }
const NewBlock = z.strictObject({ ...names, note: z.string().max(1024).optional() })
const LiftedBlock = z.strictObject(names)

/** `/blocks`. One is named by everything that it names: to lift it, in the query. */
export function blockRoutes(context: AdminContext): Routes {
  const { policy } = context.options
  const shownOf = (wanted: Block) =>
    [...policy.blocks.inForce()].find((one) => blockMembers.every((member) => one[member] === wanted[member])) ?? wanted
  return {
    '/blocks': {
      async GET() {
        await context.refreshed()
        return [...policy.blocks.inForce()]
      },
      async POST(request, reply) {
        const { note, ...given } = parsed(NewBlock, request.body)
        const wanted = namedIn(given)
        await context.refreshed()
        const facts = { ...factsOf(wanted), detail: `block made: ${textOf(wanted)}` }
        const { changed } = await context.change(request, facts, (acts, actor) => acts.block(wanted, actor), note)
        reply.code(changed ? 201 : 200)
        return shownOf(wanted)
      },
      async DELETE(request) {
        const wanted = namedIn(parsed(LiftedBlock, request.query))
        await context.refreshed()
        if (!context.isOff(wanted)) throw new AdminError(404, 'there is no block with exactly these names')
        const shown = shownOf(wanted)
        const facts = { ...factsOf(wanted), detail: `block lifted: ${textOf(wanted)}` }
        await context.change(request, facts, (acts, actor) => acts.unblock(wanted, actor))
        return shown
      },
    },
  }
}

function namedIn(given: { [member in keyof Block]: string | undefined }): Block {
  const wanted = namesOfBlock(given as Block)
  if (Object.keys(wanted).length === 0)
    throw new AdminError(400, `a block names somebody: ${blockMembers.join(', ')}, or several of them`)
  return wanted
}

function factsOf({ user, client, audience, issuer }: Block) {
  return {
    ...(user === undefined ? {} : { subject: user }),
    ...(client === undefined ? {} : { client }),
    ...(audience === undefined ? {} : { audience }),
    ...(issuer === undefined ? {} : { issuer }),
  }
}

function textOf(block: Block): string {
  return blockMembers
    .flatMap((member) => (block[member] === undefined ? [] : [`${member} ${block[member]}`]))
    .join(', ')
}
