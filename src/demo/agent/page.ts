/** The frame around every page of the agent. */

import { type Html, html } from '../../testing/html.ts'
import { companies, employer } from './cast.ts'
import type { Session } from './sessions.ts'

/** A whole page, as text. The name of whoever is signed in and the way out stand in its bar. */
export function page(title: string, session: Session | undefined, main: Html): string {
  const { name } = companies.agent
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · ${name}</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/icon.svg">
</head>
<body>
<a class="skip" href="#main">To the content</a>
<header class="bar">
<div class="width">
<a class="brand" href="/"><img src="/icon.svg" alt="" width="28" height="28">${name}</a>
${session?.person === undefined ? undefined : who(session, session.person.name)}
</div>
</header>
<main id="main" class="width">
${main}
</main>
<footer class="width">
<p>A demonstration of Cross-App Access on this machine alone. ${employer}, ${Object.values(companies)
    .map((one) => one.name)
    .slice(0, 3)
    .join(', ')} and their people are made up; the tokens, signatures and refusals are real.</p>
</footer>
</body>
</html>
`.text
}

function who(session: Session, name: string): Html {
  return html`<form class="who" method="post" action="/sign-out">
${formToken(session)}
<span>${name}</span>
<button class="quiet">Sign out</button>
</form>`
}

/** The hidden field that proves a form to be ours. */
export function formToken({ formToken }: Session): Html {
  return html`<input type="hidden" name="form_token" value="${formToken}">`
}

/** A page that holds one sentence: something did not work. */
export function sorryPage(heading: string, sentence: string, session: Session | undefined): string {
  return page(
    heading,
    session,
    html`<section class="hero narrow">
<h1>${heading}</h1>
<p class="lead">${sentence}</p>
<p><a class="button" href="/">Back to the start</a></p>
</section>`,
  )
}
