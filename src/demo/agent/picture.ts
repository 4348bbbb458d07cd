/** The one picture: three companies and the way of the token, as SVG that scales to a phone. */

import { type Html, html } from '../../testing/html.ts'
import { companies } from './cast.ts'

/** Mark of the agent: a small bird, for the tab and the bar. */
export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#0f766e"/><path d="M6 20c5 1 7-1 8-4 1-4 4-6 7-6 2 0 3 1 4 2l3 1-3 2c0 6-4 10-10 10-4 0-7-2-9-5z" fill="#fff"/><circle cx="21.5" cy="13.6" r="1.3" fill="#0f766e"/></svg>`

function box(x: number, y: number, kind: string, company: { name: string; part: string }): Html {
  return html`<g class="box ${kind}"><rect x="${x}" y="${y}" width="162" height="66" rx="14"/>
<text class="name" x="${x + 81}" y="${y + 29}">${company.name}</text>
<text class="part" x="${x + 81}" y="${y + 49}">plays ${company.part}</text></g>`
}

function numbered(x: number, y: number, number: number): Html {
  return html`<g class="number"><circle cx="${x}" cy="${y}" r="12"/><text x="${x}" y="${y + 5}">${number}</text></g>`
}

/** The triangle. The numbers are those of the list beside it, which says the same in words. */
export function picture(): Html {
  const { identityProvider, agent, chat } = companies
  return html`<svg class="picture" viewBox="0 0 400 306" role="img" aria-labelledby="picture-says">
<title id="picture-says">${agent.name} gets an ID-JAG from ${identityProvider.name}, shows it to ${chat.name}, and calls the chat with the access token it gets for it. ${chat.name} trusts the signature of ${identityProvider.name}.</title>
<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0 10 5 0 10z"/></marker></defs>
<path class="way" d="M48 230 C 48 150, 72 88, 114 48" marker-start="url(#tip)" marker-end="url(#tip)"/>
<path class="way" d="M110 230 C 112 180, 136 116, 172 76" marker-start="url(#tip)"/>
<path class="trust" d="M336 230 C 338 150, 318 92, 286 48" marker-end="url(#tip)"/>
<text class="note" x="308" y="136">trusts its</text><text class="note" x="312" y="153">signature</text>
<path class="way" d="M168 252 H 232" marker-end="url(#tip)"/>
<path class="way" d="M168 284 H 232" marker-end="url(#tip)"/>
${box(119, 6, 'idp', identityProvider)}
${box(3, 234, 'agent', agent)}
${box(235, 234, 'chat', chat)}
${numbered(64, 132, 1)}${numbered(126, 154, 2)}${numbered(196, 252, 3)}${numbered(196, 284, 4)}
</svg>`
}
