/** Servers whose parts answer at once, as those in memory do, decide as those do whose parts have to be waited for. */

import { expect, it } from 'vitest'
import type { AuditEvent } from '../../src/protocol/ports.ts'
import { nodeSignatures } from '../../src/protocol/signatures.ts'
import { jwtAccessTokens } from '../../src/resource-as/issue.ts'
import { StoreFullError } from '../../src/store/memory.ts'
import { type Attempt, type Enterprise, enterprise, exchangeCall, redemptionCall } from '../fixture/enterprise.ts'
import { signerOf } from '../fixture/keys.ts'
import { type Answer, send, type TokenCall } from '../fixture/requests.ts'

/** The same enterprise, none of whose parts gives a promise where it need not. */
async function atOnce(): Promise<Enterprise> {
  const world = await enterprise()
  const { trusted, policies, accounts, server } = world.chat
  const { servers, connections, users, issuers, provider } = world.idp
  const spent = new Set<string>()
  const { resolveSubject } = server
  const signatures = nodeSignatures({ threads: false })
  Object.assign(server, {
    findTrustedIssuer: (issuer: string) => trusted.get(issuer),
    findClientPolicy: (client: string) => policies.get(client),
    issue: jwtAccessTokens({ issuer: server.issuer, signingKeys: world.chat.keys, lifetime: 600, signatures }),
    resolveSubject: ({ iss, sub }: { iss: string; sub: string }, ...more: [never]) =>
      [...accounts.all].find(([, { enabled, keys }]) => enabled && keys.includes(JSON.stringify([iss, sub])))?.[0] ??
      resolveSubject({ iss, sub } as never, ...more),
  })
  Object.assign(provider, {
    findResourceServer: (audience: string) => servers.find(({ issuer }) => issuer === audience),
    findConnection: (client: string, audience: string) =>
      connections.find((one) => one.client === client && one.audience === audience),
  })
  for (const issuer of issuers.values()) issuer.findUser = ({ sub }) => users.get(sub)
  Object.assign(world.ports, {
    signatures,
    once(key: string) {
      if (world.broken.store !== undefined) throw world.broken.store
      return !spent.has(key) && spent.add(key).size > 0
    },
  })
  return world
}

/** What both say, without what is another one each time. */
function said(answer: Answer, event: AuditEvent | undefined) {
  const { access_token: _, ...body } = answer.json()
  const { at: _at, correlationId: _id, tokenId: _token, issuedTokenId: _issued, ...rest } = event ?? ({} as AuditEvent)
  return { status: answer.statusCode, body, event: rest }
}

const full = (world: Enterprise) => Object.assign(world.broken, { store: new StoreFullError('the store is full') })

it.each<[string, number, Attempt?, ((world: Enterprise, call: TokenCall) => unknown)?]>([
  ['grant', 200],
  ['refuse an issuer that nobody knows', 400, { claims: { iss: 'https://idp.unknown.example' } }],
  ['refuse a signature that is not good', 400, { token: (good) => good.replace(/.{8}$/, 'AAAAAAAA') }],
  ['refuse a key that is another one', 400, { signer: await signerOf('a1-of-somebody-else') }],
  ['refuse a person without an account', 400, { claims: { sub: 'nobody', email: undefined } }],
  ['refuse a client without a policy', 400, {}, ({ chat }) => chat.policies.clear()],
  ['refuse while the store is full', 503, {}, full],
  ['refuse what was redeemed before', 400, {}, async ({ chat }, call) => await send(chat.app, call)],
])('a redemption: both %s', async (_, status, attempt = {}, before = () => {}) => {
  const [later, now] = [await enterprise(), await atOnce()]
  const answers = []
  for (const world of [later, now]) {
    const call = redemptionCall(world, attempt)
    await before(world, call)
    answers.push(said(await send(world.chat.app, call), world.audit.at(-1)))
  }
  expect(answers[0]?.status).toBe(status)
  expect(answers[1]).toEqual(answers[0])
})

it.each<[string, number, Attempt?, ((world: Enterprise) => unknown)?]>([
  ['grant', 200],
  ['refuse a signature that is not good', 400, { token: (good) => good.replace(/.{8}$/, 'AAAAAAAA') }],
  ['refuse a person whom nobody knows', 400, { claims: { sub: 'nobody' } }],
  ['refuse an audience that nobody knows', 400, { form: { audience: 'https://as.unknown.example' } }],
  ['refuse a client without a connection', 400, {}, ({ idp }) => idp.connections.splice(0)],
])('an exchange: both %s', async (_, status, attempt = {}, before = () => {}) => {
  const [later, now] = [await enterprise(), await atOnce()]
  const answers = []
  for (const world of [later, now]) {
    await before(world)
    answers.push(said(await send(world.idp.app, exchangeCall(world, attempt)), world.audit.at(-1)))
  }
  expect(answers[0]?.status).toBe(status)
  expect(answers[1]).toEqual(answers[0])
})
