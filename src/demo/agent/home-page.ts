/** The first page: what this is, the picture, the way in; and after sign-in what the agent may reach. */

import { type Html, html } from '../../testing/html.ts'
import { type AgentConnection, agentName, type Cast, companies, companyAt, employer } from './cast.ts'
import { formToken, page } from './page.ts'
import { picture } from './picture.ts'
import type { Person } from './relying-party.ts'
import type { Session } from './sessions.ts'

const { identityProvider, chat, agent, files, unmanaged } = companies

/** For somebody who has not signed in. */
export function welcomePage(cast: Cast, session: Session | undefined): string {
  return page(
    'Welcome',
    session,
    html`<section class="hero">
<div>
<p class="kicker">Cross-App Access, on your own machine</p>
<h1>Sign in once at work. ${agentName} reaches your chat as you.</h1>
<p class="lead">No second sign-in, no consent screen, no copied key. ${employer} decides in one place what ${agentName} may reach, sees every use of it, and can stop it.</p>
<p><a class="button" href="/sign-in">Sign in with your company</a></p>
<p class="small">You work at ${employer} today. You will choose who you are; nobody asks for a password.</p>
</div>
<figure>${picture()}</figure>
</section>
${way()}
${roles(cast)}`,
  )
}

/** For somebody who has. `connections` are those of the agent, from the administration. */
export function homePage(
  cast: Cast,
  session: Session,
  person: Person,
  connections: readonly AgentConnection[],
): string {
  const toChat = connections.find(({ audience }) => audience === cast.chat.issuer)
  return page(
    'What you can do',
    session,
    html`<section>
<h1>Hello, ${person.name}</h1>
<p class="lead">${identityProvider.name} has told ${agentName} who you are. That ID Token is all ${agentName} holds: it has no key to the chat yet. <a href="/id-token">Look at it</a></p>
${toChat?.enabled === false ? restore(session) : undefined}
</section>
<section aria-labelledby="reach">
<h2 id="reach">What ${agentName} may reach for you</h2>
<ul class="cards">${connections.map((one) => connectionCard(one, cast))}</ul>
</section>
<section aria-labelledby="work">
<h2 id="work">Put ${agentName} to work</h2>
<div class="cards">
<form class="card" method="post" action="/read">${formToken(session)}
<h3>Read the chat</h3><p>Over the chat’s HTTP API.</p><button>Read the chat</button></form>
<form class="card" method="post" action="/whoami">${formToken(session)}
<h3>Ask who you are there</h3><p>The tool <code>whoami</code> of the chat’s MCP server.</p><button>Ask whoami over MCP</button></form>
<form class="card" method="post" action="/post">${formToken(session)}
<h3><label for="text">Post a message</label></h3>
<input id="text" name="text" required maxlength="200" autocomplete="off" value="Hello from ${agentName}">
<fieldset><legend>By which way</legend>
<label><input type="radio" name="by" value="mcp" checked> MCP tool</label>
<label><input type="radio" name="by" value="api"> HTTP API</label></fieldset>
<button>Post it</button></form>
<form class="card" method="post" action="/finance">${formToken(session)}
<h3><label for="finance">Post to #finance</label></h3>
<p>${chat.name} wants a confirmed, recent sign-in for that.</p>
<input id="finance" name="text" required maxlength="200" autocomplete="off" value="The quarterly numbers are in.">
<button>Post to #finance</button></form>
</div>
</section>
${sideBySide(cast)}
<section aria-labelledby="what-if">
<h2 id="what-if">What if …</h2>
<p>A key that others can use is no key. Try to break this one.</p>
<div class="cards">
${whatIf(session, '/replay', '… somebody uses the ID-JAG twice?', `${agentName} reads the chat, then shows the same ID-JAG once more.`, 'Show it twice')}
${whatIf(session, '/elsewhere', '… it is sent to another company?', `${agentName} shows ${files.name} the ID-JAG that was made for ${chat.name}.`, 'Send it elsewhere')}
${whatIf(session, '/disconnect', `… ${employer} changes its mind?`, `${employer}’s administrator removes the connection, then ${agentName} tries to read the chat.`, 'Remove the connection')}
<div class="card"><h3>… you no longer work there?</h3><p>Sign out, and sign in as Mallory, whose account at ${employer} is disabled.</p></div>
</div>
</section>
${way()}
${roles(cast)}`,
  )
}

function connectionCard({ audience, enabled, scopes }: AgentConnection, cast: Cast): Html {
  return html`<li class="card"><h3>${companyAt(audience, cast)}</h3>
<p class="pill ${enabled ? 'good' : 'bad'}">${enabled ? `connected by ${employer}` : `removed by ${employer}`}</p>
<p>Scopes: ${scopes.map((scope) => html`<code>${scope}</code> `)}</p></li>`
}

/** The managed application and the unmanaged one. */
function sideBySide(cast: Cast): Html {
  return html`<section aria-labelledby="beside">
<h2 id="beside">Beside it: an application that nobody manages</h2>
<div class="cards wide">
<div class="card"><h3>${agentName}, managed</h3>
<ul><li>Nobody is asked anything: ${employer} has decided.</li>
<li>${employer}’s IT sees every token that ${identityProvider.name} lets out: for whom, through whom, to where, with which scopes.</li>
<li>${employer} stops it in one place.</li></ul></div>
<div class="card"><h3>${unmanaged.name}, unmanaged</h3>
<ul><li>You click Allow on a page of ${chat.name}.</li>
<li>${employer}’s IT sees that you signed in to ${chat.name}, and nothing of ${unmanaged.name}.</li>
<li>${employer} cannot stop it. Only the operator of ${chat.name} can.</li></ul>
<p><a class="button" href="${cast.unmanaged.origin}/">Try ${unmanaged.name}</a></p></div>
</div>
<p class="after"><a href="/compare">What each company wrote down about both</a></p>
</section>`
}

function whatIf(session: Session, action: string, heading: string, says: string, button: string): Html {
  return html`<form class="card" method="post" action="${action}">${formToken(session)}
<h3>${heading}</h3><p>${says}</p><button class="second">${button}</button></form>`
}

/** The way back for a connection that was removed. */
export function restore(session: Session): Html {
  return html`<form class="notice" method="post" action="/reconnect">${formToken(session)}
<p>${employer}’s administrator has removed the connection from ${agentName} to ${chat.name}.</p>
<button class="second">Restore the connection</button></form>`
}

function way(): Html {
  return html`<section aria-labelledby="way">
<h2 id="way">The way of the token</h2>
<ol class="way-list">
<li><b>You sign in at ${identityProvider.name}</b>, as every morning. ${agentName} gets an <em>ID Token</em>: who you are, for ${agentName} alone.</li>
<li><b>${agentName} asks ${identityProvider.name} for an ID-JAG.</b> ${identityProvider.name} looks whether ${employer} lets ${agentName} into ${chat.name} for you, and signs an <em>ID-JAG</em> for that one company: good for five minutes, and once.</li>
<li><b>${agentName} shows it to ${chat.name}</b>, which trusts ${identityProvider.name}’s signature, finds your account, and gives an <em>access token</em>.</li>
<li><b>${agentName} calls the chat</b> with the access token. The chat sees you, and that you came through ${agentName}.</li>
</ol>
</section>`
}

function roles(cast: Cast): Html {
  const row = (company: { name: string; part: string; does: string }, address: string) =>
    html`<div><dt>${company.name}</dt><dd>plays <b>${company.part}</b></dd><dd>${company.does}</dd><dd><code>${address}</code></dd></div>`
  return html`<section aria-labelledby="who">
<h2 id="who">Who plays whom</h2>
<dl class="rows">
${row(identityProvider, cast.identityProvider.issuer)}
${row(agent, new URL(cast.redirectUri).origin)}
${row(chat, cast.chat.mcpUrl)}
${row(files, cast.files.issuer)}
${row(unmanaged, cast.unmanaged.origin)}
</dl>
</section>`
}
