/** Form bodies: good requests to every endpoint with parameters changed, doubled, renamed, or bytes broken. */

import { mutated } from '../../../test/fixture/mutations.ts'
import type { HttpFuzzer } from '../fuzzer.ts'
import { encoded, type Genuine, type Params, post } from '../genuine.ts'
import { accident } from '../hostile.ts'
import type { Random } from '../random.ts'
import { credentialsObjection, exchangeObjection, redemptionObjection } from '../rights.ts'
import type { Place } from '../target.ts'
import type { Answer } from '../wire.ts'

const extra: Params = {
  actor_token: 'e30.e30.e30',
  actor_token_type: 'urn:ietf:params:oauth:token-type:jwt',
  authorization_details: '[{"type":"x"}]',
  token_type_hint: 'access_token',
  tenant: 't1',
  sub: 'mallory',
  'assertion[]': 'x',
  '__proto__[x]': '1',
}

/** A form, and what a grant of it must be. */
interface Base {
  place: Place
  path: string
  form: Params
  /** Absent: the credentials decide alone. */
  judge?(body: string, answer: Answer): string | undefined
  /** HTTP Basic of somebody else than the client. */
  as?: { id: string; secret: string }
}

function baseOf(random: Random, genuine: Genuine): Base {
  const { idp, chat, api } = genuine.target
  const kind = random.below(10)
  if (kind <= 3) {
    // Every second assertion is no token: what stands before the token is judged without it.
    const assertion = random.oneIn(2) ? 'e30.e30.e30' : genuine.token('id-jag')
    const form = genuine.redemptionForm(assertion)
    if (random.oneIn(2)) form.scope = 'chat.read'
    return {
      place: chat,
      path: '/token',
      form,
      judge: (body, answer) => redemptionObjection(body, assertion, answer, genuine),
    }
  }
  if (kind <= 6) {
    const form = genuine.exchangeForm(random.oneIn(2) ? 'e30.e30.e30' : undefined)
    const token = form.subject_token ?? ''
    return {
      place: idp,
      path: '/token',
      form,
      judge: (body, answer) => exchangeObjection(body, token, answer, genuine),
    }
  }
  if (kind === 7) return { place: chat, path: '/revoke', form: { token: genuine.token('id-jag') } }
  if (kind === 8) {
    const judge = (_: string, { body }: Answer) =>
      body === '{"active":false}' ? undefined : 'a token that is none is active'
    return { place: chat, path: '/introspect', form: { token: genuine.token('id-jag') }, as: api, judge }
  }
  return {
    place: chat,
    path: '/discover',
    form: { issuer: idp.issuer, resource: genuine.target.resource },
    judge: discovered(idp.issuer),
  }
}

function discovered(issuer: string) {
  return (body: string, answer: Answer) =>
    answer.body === '{"accepted":false}' || new URLSearchParams(body).getAll('issuer').includes(issuer)
      ? undefined
      : 'an issuer that nobody knows is accepted'
}

export const form: HttpFuzzer = {
  name: 'form',
  title: 'Form bodies at every endpoint',
  over: 'http',
  weight: 34,
  make(random, genuine) {
    const { place, path, form, judge, as } = baseOf(random, genuine)
    const inBody = as === undefined && random.oneIn(2)
    const good = { ...form, ...(inBody ? genuine.secretParams(place) : {}) }
    const names = Object.keys(extra)
    if (random.oneIn(4)) good[random.pick(names)] = extra[random.pick(names)] ?? ''
    const text = mutated(good, random.below)
    const body = random.oneIn(6)
      ? accident(Buffer.from(random.oneIn(2) ? text : encoded(good)), random)
      : Buffer.from(text)
    const authorization = inBody ? undefined : genuine.basic(as ?? place.client)
    return {
      to: place === genuine.target.idp ? 'idp' : 'chat',
      request: post(place, path, body, { authorization }),
      contract: 'oauth',
      judge(answer) {
        const sent = body.toString()
        const shown = { body: sent, ...(authorization === undefined ? {} : { authorization }) }
        return credentialsObjection(shown, as ?? place.client) ?? judge?.(sent, answer)
      },
    }
  },
}
