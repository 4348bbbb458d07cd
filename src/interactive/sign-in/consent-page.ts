/** The consent page: which application, who is asked, what it wants and where, and where the browser goes afterwards. */

import { type Html, html } from '../../http/html.ts'
import type { AskingClient, SignedInPerson } from './contract.ts'
import { type Frame, page, signInPath } from './page.ts'
import { strangersText } from './strangers-text.ts'

/** One thing that is asked for: a sentence, or a scope that has none. */
export interface AskedScope {
  scope: string
  text: string
}

export interface ConsentQuestion {
  uid: string
  client: AskingClient
  /** True when the browser is sent to this very machine. */
  isLoopback: boolean
  person: SignedInPerson
  account: string
  /** What the person knows the IdP by. */
  idp: string
  /** What is asked for, by the name of the resource; undefined for what belongs to none. */
  asked: readonly { resource?: string; scopes: readonly AskedScope[] }[]
}

/** What the application may be called: its own name for itself, or else its id. */
export function applicationName({ name, clientId }: Pick<AskingClient, 'name' | 'clientId'>): string {
  return strangersText(name, 60) ?? strangersText(clientId, 100) ?? 'An application'
}

/** Every word that is not ours is cut, cleaned and escaped. */
export function consentPage(frame: Frame, question: ConsentQuestion): string {
  const { uid, client, person, account, idp, asked } = question
  const step = `${frame.path}${signInPath}/${uid}`
  const name = applicationName(client)
  return page(
    frame,
    `${name} wants to act for you`,
    html`<h1><bdi>${name}</bdi> wants to act for you</h1>
${proof(frame, question)}
<dl>
<div><dt>You are</dt><dd><strong><bdi>${strangersText(person.email, 254) ?? strangersText(account, 254)}</bdi></strong>, signed in at <bdi>${idp}</bdi>. <a href="${step}/anew">Not you?</a></dd></div>
${asked.length === 0 ? html`<div><dt>It wants to</dt><dd>have no particular right</dd></div>` : asked.map(wish)}
<div><dt>Afterwards you are sent to</dt><dd>${destination(question)}</dd></div>
</dl>
<p>Allow this only if you have just begun it yourself. Nobody at work asks you to allow it for them.</p>
<form class="buttons" method="post" action="${step}/consent">
<button class="first" name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button>
</form>`,
  )
}

/** What is known of the application beyond what it says of itself. */
function proof({ server }: Frame, { client: { kind, clientId, redirectHost }, isLoopback }: ConsentQuestion): Html {
  // RFC 8252 §8.6: any program here can listen at an address of this machine, and begin this in the name of another.
  const byAnyProgram = isLoopback && hostOf(clientId) !== redirectHost
  const warning = html`<p class="alert">A program on this computer asks, and any program here can pass itself off as this one.</p>`
  if (kind === 'registered')
    return html`<p class="proof">The people who run ${server} know this application and have entered it here.</p>${byAnyProgram && warning}`
  if (kind === 'metadata-document')
    return byAnyProgram
      ? html`<p class="proof">It calls itself an application of <strong>${hostOf(clientId)}</strong>. The people who run ${server} have not looked at it.</p>${warning}`
      : html`<p class="proof">It is an application of <strong>${hostOf(clientId)}</strong>: that is proven, by <code>${strangersText(clientId, 255)}</code>. Its name is what it calls itself, and the people who run ${server} have not looked at it.</p>`
  return html`<p class="alert">Nobody has checked who this is. It has registered itself, and can call itself whatever it likes.</p>`
}

function wish({ resource, scopes }: ConsentQuestion['asked'][number]): Html {
  const place = strangersText(resource, 120)
  return html`<div><dt>${place === undefined ? 'It wants to' : html`At <bdi>${place}</bdi> it wants to`}</dt><dd><ul>${scopes.map(
    ({ scope, text }) =>
      html`<li>${text === scope ? html`use the right <code>${strangersText(scope, 80)}</code>` : strangersText(text, 200)}</li>`,
  )}</ul></dd></div>
`
}

function destination({ isLoopback, client }: ConsentQuestion): Html {
  const host = strangersText(client.redirectHost, 260)
  if (isLoopback) return html`<strong>a program on this computer</strong> (${host})`
  return html`<strong>${host}</strong>`
}

function hostOf(address: string): string {
  return URL.canParse(address) ? new URL(address).host : 'an address that cannot be read'
}
