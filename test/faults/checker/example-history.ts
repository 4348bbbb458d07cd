/** Histories made by hand for the checker's own tests: good ones, with real access tokens, that a test then spoils in one place. */

import { createHash } from 'node:crypto'
import { exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose'
import type { AuditEvent } from '../../../src/protocol/ports.ts'
import { newChain } from '../../../src/server/audit-chain.ts'
import type { History, Presentation } from './history.ts'

export const server = 'https://auth.chat.example'
const issuer = 'https://id.acme.example'
export const secret = 'marked-secret-0123456789'

const { privateKey, publicKey } = await generateKeyPair('ES256')
export const jwks: JSONWebKeySet = { keys: [{ ...(await exportJWK(publicKey)), kid: 'as-1', alg: 'ES256' }] }

export type Outcome = 'granted' | 'replay' | 'unavailable' | 'lost'

/** One request to be: what came of it, where, and when by the generator's clock. */
export interface Draft {
  jti: string
  instance: string
  sent: number
  outcome: Outcome
}

/** A history with one window in which the store of every instance and every instance itself may be away. */
export async function historyOf(drafts: readonly Draft[], window?: { from: number; to: number }): Promise<History> {
  const requests = await Promise.all(drafts.map((draft, at) => requestOf(draft, at)))
  const instances = [...new Set(drafts.map(({ instance }) => instance))]
  const between = window === undefined ? [] : [window]
  return {
    server,
    presentations: requests.map(({ presentation }) => presentation),
    audits: instances.map((instance) => ({
      instance,
      text: chained(
        instance,
        requests.filter((one) => one.presentation.instance === instance).map(({ event }) => event),
      ),
      interrupted: false,
    })),
    faults: between.flatMap((one) => (['store', 'instance'] as const).map((dependency) => ({ dependency, ...one }))),
    revocations: [],
    keys: [{ from: 0, jwks }],
    policyVersions: ['p1'],
    logs: instances.map((instance) => ({ instance, text: 'resource authorization server\n' })),
    secrets: [{ name: 'the secret of the client', value: secret }],
    grace: 2,
  }
}

type Event = { [member: string]: unknown }

async function requestOf(
  { jti, instance, sent, outcome }: Draft,
  at: number,
): Promise<{ presentation: Presentation; event: Event }> {
  const correlationId = `c-${at}`
  const sentBy = { issuer, jti, keyId: 'idp-1', subject: 'alice', client: 'assistant', instance }
  const presentation = { ...sentBy, due: sent, sent, ended: sent + 0.01 }
  const facts = { issuer, subject: 'alice', client: 'assistant', tokenId: hashOf(issuer, jti), policyVersion: 'p1' }
  const event = { at: sent, role: 'resource-as', server, action: 'redeem', correlationId, ...facts }
  const refused = (reason: string, error: string) => ({ ...event, outcome: 'refused', reason, error })
  if (outcome === 'lost') return { presentation, event: refused('replay_store_unavailable', 'temporarily_unavailable') }
  if (outcome === 'unavailable')
    return {
      presentation: { ...presentation, correlationId, status: 503, code: 'temporarily_unavailable' },
      event: refused('replay_store_unavailable', 'temporarily_unavailable'),
    }
  if (outcome === 'replay')
    return {
      presentation: { ...presentation, correlationId, status: 400, code: 'invalid_grant' },
      event: refused('replay', 'invalid_grant'),
    }
  const scope = 'chat.read'
  const issued = { outcome: 'granted', reason: 'granted', scope, issuedTokenId: hashOf(server, `t-${at}`) }
  return {
    presentation: {
      ...presentation,
      correlationId,
      status: 200,
      scope,
      accessToken: await accessToken(`t-${at}`, sent),
    },
    event: { ...event, ...issued },
  }
}

async function accessToken(jti: string, at: number): Promise<string> {
  const iat = Math.floor(at)
  return await new SignJWT({ iss: server, sub: 'a-1', aud: 'https://api.chat.example', jti, iat, exp: iat + 600 })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'as-1' })
    .sign(privateKey)
}

/** The events as a process writes them into its file, from its opening line to its closing one. */
export function chained(instance: string, events: readonly Event[]): string {
  const chain = newChain(instance)
  return [
    chain.opening(1),
    ...events.map((event) => chain.event(event as unknown as AuditEvent)),
    chain.closing(2),
  ].join('')
}

/** The events of a file again, without their places in the chain. */
export function eventsOf(text: string): Event[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const { instance: _, sequence: __, previous: ___, ...event } = JSON.parse(line) as Event
      return event
    })
    .filter(({ correlationId }) => correlationId !== undefined)
}

function hashOf(by: string, jti: string): string {
  return createHash('sha256')
    .update(JSON.stringify([by, jti]))
    .digest('base64url')
    .slice(0, 22)
}
