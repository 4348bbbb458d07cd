/** The two applications side by side: what each asked of the person, what two companies wrote down, and who can end it. */

import { type Html, html } from '../../testing/html.ts'
import type { Note, RecordOfBoth, TwoAudits } from '../two-audits.ts'
import { type AgentConnection, agentName, type Cast, companies, employer } from './cast.ts'
import { clockTime } from './claim-meanings.ts'
import { restore } from './home-page.ts'
import { formToken, page } from './page.ts'
import type { Session } from './sessions.ts'

const { identityProvider, chat, unmanaged } = companies
/** Of each record, the latest lines are shown. */
const mostNotes = 5

/** For somebody who has signed in. `audits` are those of this moment. */
export function comparePage(
  cast: Cast,
  session: Session,
  { employer: atEmployer, vendor }: TwoAudits,
  connections: readonly AgentConnection[],
): string {
  const isRemoved = connections.some(({ audience, enabled }) => audience === cast.chat.issuer && !enabled)
  const used = vendor.unmanaged.length > 0
  return page(
    'Who sees what',
    session,
    html`<section>
<p><a href="/">Back to what ${agentName} may do</a></p>
<h1>Who sees what, and who can end it</h1>
<p class="lead">Both applications reach the same chat for you. ${agentName} comes with a letter of ${employer}’s identity provider; ${unmanaged.name} comes with your click.</p>
${used ? undefined : html`<p><a class="button" href="${cast.unmanaged.origin}/">Let ${unmanaged.name} in first</a></p>`}
</section>
<section aria-labelledby="employer">
<h2 id="employer">What ${identityProvider.name} wrote down: ${employer}’s IT reads this</h2>
${records(atEmployer, { managed: `${agentName} has asked for nothing yet.`, unmanaged: 'Nothing.' })}
<p class="verdict">${atEmployer.namingUnmanaged === 0 ? html`Not one line names ${unmanaged.name}. ${employer} sees that somebody signed in to ${chat.name}, as people do every day, and not for whom.` : html`${atEmployer.namingUnmanaged} lines name ${unmanaged.name}.`}</p>
</section>
<section aria-labelledby="vendor">
<h2 id="vendor">What ${chat.name} wrote down: its operator reads this</h2>
${records(vendor, { managed: `${agentName} has not been there yet.`, unmanaged: `${unmanaged.name} has not been there yet.` })}
</section>
<section aria-labelledby="end">
<h2 id="end">If ${employer} changes its mind</h2>
<div class="cards">
<div class="card"><h3>${agentName} stops</h3><p>${employer}’s administrator removes the connection, and ${identityProvider.name} gives out no ID-JAG any more.</p></div>
<div class="card"><h3>${unmanaged.name} goes on</h3><p>${employer} has nothing to remove: ${unmanaged.name} holds tokens of ${chat.name}, and a refresh token for two weeks. Only the operator of ${chat.name} can end that, by blocking ${unmanaged.name} or you there.</p></div>
</div>
${isRemoved ? restore(session) : remove(session)}
<p>Then ask again: <a href="${cast.unmanaged.origin}/">${unmanaged.name}</a> still answers.</p>
</section>`,
  )
}

function remove(session: Session): Html {
  return html`<form class="try" method="post" action="/disconnect">${formToken(session)}
<button class="second">Remove the connection</button></form>`
}

function records({ managed, unmanaged: other }: RecordOfBoth, none: { managed: string; unmanaged: string }): Html {
  return html`<div class="cards wide">
<div class="card"><h3>About ${agentName}, managed</h3>${notes(managed, none.managed)}</div>
<div class="card"><h3>About ${unmanaged.name}, unmanaged</h3>${notes(other, none.unmanaged)}</div>
</div>`
}

function notes(all: readonly Note[], none: string): Html {
  if (all.length === 0) return html`<p>${none}</p>`
  const shown = all.slice(-mostNotes)
  return html`${all.length > shown.length ? html`<p class="small">The latest ${shown.length} of ${all.length} lines.</p>` : undefined}
<ul class="record">${shown.map(({ at, text }) => html`<li><b>${clockTime(at)}</b> ${text}</li>`)}</ul>`
}
