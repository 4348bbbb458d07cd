/** Puts a token of one kind into an otherwise good request, and says where it must not be accepted. */

import type { Shot } from './fuzzer.ts'
import { encoded, type Genuine, type Kind, type Params, post } from './genuine.ts'
import { accessObjection, grantedIn, idJagObjection } from './rights.ts'
import type { Answer } from './wire.ts'

/** What is known about the token. */
export interface ShotToken {
  kind: Kind
  token: string
  /** True when a server may take it. */
  good: boolean
  /** Whom an ID Token of it is about. */
  subject?: unknown
}

/** The request; an answer 2xx is right only for a good token, and only when it grants what a genuine one would. */
export function shotWith({ kind, token, good, subject = 'alice' }: ShotToken, genuine: Genuine): Shot {
  const { idp, chat } = genuine.target
  const atIdp = kind === 'id-token' || kind.endsWith('-at-idp')
  const place = atIdp ? idp : chat
  const form = { ...formFor(kind, token, genuine), scope: 'chat.read' }
  const headers = {
    authorization: kind.startsWith('assertion-') ? undefined : genuine.basic(place.client),
    dpop: kind.startsWith('proof-') ? asHeader(token) : undefined,
  }
  const judge = (answer: Answer): string | undefined => {
    if (!good) return 'accepted'
    const granted = grantedIn(answer)
    return atIdp
      ? idJagObjection(granted, subject, ['chat.read'], genuine.target)
      : accessObjection(granted, ['chat.read'], chat.client.id, genuine.target.resource)
  }
  return {
    to: atIdp ? 'idp' : 'chat',
    request: post(place, '/token', encoded(form), headers),
    contract: 'oauth',
    judge,
  }
}

function formFor(kind: Kind, token: string, genuine: Genuine): Params {
  if (kind === 'id-jag') return genuine.redemptionForm(token)
  if (kind === 'id-token') return genuine.exchangeForm(token)
  const form = kind.endsWith('-at-idp') ? genuine.exchangeForm() : genuine.redemptionForm()
  return kind.startsWith('assertion-') ? { ...form, ...genuine.assertionParams(token) } : form
}

/** What can stand in a header line: other characters would end the line, or the request. */
export function asHeader(token: string): string {
  return Buffer.from(token)
    .toString('latin1')
    .replace(/[\0-\x08\x0a-\x1f\x7f]/g, '')
}
