/** The pages of the unmanaged application: before it knows anybody, and after it was let in or turned away. */

import { type Html, html } from '../../testing/html.ts'
import { companies, employer } from '../agent/cast.ts'
import type { Caller } from '../agent/errands.ts'
import type { Footstep } from './footsteps.ts'

const { unmanaged, chat, identityProvider } = companies

/** Mark of the application: a bird of another feather. */
export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#33404a"/><path d="M6 20c5 1 7-1 8-4 1-4 4-6 7-6 2 0 3 1 4 2l3 1-3 2c0 6-4 10-10 10-4 0-7-2-9-5z" fill="#fff"/><path d="M10 21c4 1 8-1 9-6 2 3 0 8-5 9-2 0-3-1-4-3z" fill="#33404a"/></svg>`

/** What it knows of the world. */
export interface MagpieView {
  mcpUrl: string
  clientId: string
  /** Where the managed agent stands, with the comparison. */
  agentUrl: string
}

/** For somebody it does not know. */
export function strangerPage({ mcpUrl, clientId, agentUrl }: MagpieView): string {
  return page(
    'Hello',
    html`<section class="hero narrow">
<div>
<p class="kicker">An application from the internet</p>
<h1>${unmanaged.name} knows one address, and nobody knows ${unmanaged.name}.</h1>
<p class="lead">Nobody at ${employer} has heard of it, and the people who run ${chat.name} have not entered it. All it was told is where an MCP server is. It finds out the rest, and then it asks you.</p>
<dl class="rows told">
<div><dt>It was told</dt><dd><code>${mcpUrl}</code></dd></div>
<div><dt>It says who it is at</dt><dd><a href="${clientId}"><code>${clientId}</code></a></dd></div>
</dl>
<p><a class="button" href="/connect">Connect ${unmanaged.name} to your chat</a></p>
<p class="small">${identityProvider.name} signs you in to ${chat.name}, unless you are signed in already. Then ${chat.name} asks you whether ${unmanaged.name} may come in.</p>
<p class="small"><a href="${agentUrl}">Back to the agent that ${employer} manages</a></p>
</div>
</section>`,
  )
}

/** For somebody who let it in. `steps` are those of the first time. */
export function connectedPage(
  { agentUrl }: MagpieView,
  formToken: string,
  { account, email, name, client, scopes }: Caller,
  steps: readonly Footstep[],
): string {
  const rows: [string, string][] = [
    ['account', account],
    ['e-mail', email ?? '(none)'],
    ['through', client],
    ['scopes', scopes.join(' ')],
  ]
  return page(
    'Connected',
    html`<section>
<h1>${unmanaged.name} reaches the chat as ${name ?? email ?? account}</h1>
<p class="lead">You allowed it, and that is enough: ${employer} was not asked. ${unmanaged.name} may come back for two weeks without asking you again.</p>
<div class="answer"><dl class="rows">${rows.map(([label, value]) => html`<div><dt>${label}</dt><dd><code>${value}</code></dd></div>`)}</dl></div>
</section>
<section aria-labelledby="next">
<h2 id="next">What next</h2>
<div class="cards">
<form class="card" method="post" action="/ask">${hidden(formToken)}<h3>Ask again</h3><p>Also after ${employer} has removed its connection to the chat.</p><button>Ask whoami again</button></form>
<form class="card" method="post" action="/forget">${hidden(formToken)}<h3>Start over</h3><p>${unmanaged.name} throws its tokens away. At ${chat.name} they live on until they expire.</p><button class="second">Forget me</button></form>
</div>
<p><a href="${agentUrl}compare">What ${employer} and ${chat.name} wrote down about this</a></p>
</section>
<section aria-labelledby="steps">
<h2 id="steps">How it got in</h2>
<ol class="timeline">${steps.map(({ line, says }) => html`<li><h3>${says}</h3><p class="line"><code>${line}</code></p></li>`)}</ol>
</section>`,
  )
}

/** One sentence: it was not let in, or something did not work. */
export function turnedAwayPage(heading: string, sentence: string): string {
  return page(
    heading,
    html`<section class="hero narrow">
<h1>${heading}</h1>
<p class="lead">${sentence}</p>
<p><a class="button" href="/">Back to the start</a></p>
</section>`,
  )
}

function hidden(formToken: string): Html {
  return html`<input type="hidden" name="form_token" value="${formToken}">`
}

function page(title: string, main: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · ${unmanaged.name}</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/icon.svg">
</head>
<body>
<a class="skip" href="#main">To the content</a>
<header class="bar">
<div class="width">
<a class="brand" href="/"><img src="/icon.svg" alt="" width="28" height="28">${unmanaged.name}</a>
</div>
</header>
<main id="main" class="width">
${main}
</main>
<footer class="width">
<p>A demonstration on this machine alone. ${unmanaged.name} is made up; the tokens, signatures and refusals are real.</p>
</footer>
</body>
</html>
`.text
}
