/** A token on a page: what it is for, who made it for whom, and every claim with its meaning. */

import { type Html, html } from '../../testing/html.ts'
import { agentName } from './cast.ts'
import { duration } from './claim-meanings.ts'
import type { TokenAnatomy, TokenPart } from './token-anatomy.ts'

/** The card. Does NOT verify the token: it shows what {@link TokenAnatomy} holds. */
export function tokenCard({ kind, name, purpose, madeBy, madeFor, lifetime, cut, header, claims }: TokenAnatomy): Html {
  return html`<article class="token ${kind}">
<h4>${name}</h4>
<p>${purpose}</p>
<p class="made">Made by <b>${madeBy}</b> for <b>${madeFor}</b>, carried by ${agentName}, good for ${duration(lifetime)}.</p>
<p class="small">On the wire: <code>${cut}</code></p>
<h5>Header</h5>
${parts(header)}
<h5>Claims</h5>
${parts(claims)}
</article>`
}

function parts(list: readonly TokenPart[]): Html {
  return html`<dl class="rows parts">${list.map(
    ({ name, value, meaning }) =>
      html`<div><dt>${name}</dt><dd><code>${value}</code></dd>${meaning === '' ? undefined : html`<dd class="meaning">${meaning}</dd>`}</div>`,
  )}</dl>`
}
