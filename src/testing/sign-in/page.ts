/** The pages of the sign-in: a choice of people, and the errors a browser may meet. They work without JavaScript. */

import { type Html, html } from '../html.ts'
import type { Person } from '../people.ts'

export const styleSheetPath = '/sign-in.css'

export interface Choice {
  /** Where the form is sent. */
  action: string
  /** The application that the person signs in to. */
  application: string
  people: readonly Person[]
  /** True: the application wants the person to confirm who they are. */
  confirm: boolean
  /** Why the last choice was refused. */
  refusal?: string
}

/** The page on which a person says who they are. */
export function choicePage({ action, application, people, confirm, refusal }: Choice): string {
  return page(
    `Sign in to ${application}`,
    html`
      <h1>Sign in to <span class="application">${application}</span></h1>
      <p>${
        confirm
          ? 'What you are about to do is worth a second look. Confirm who you are.'
          : 'Who are you? Acme manages this application, so nothing more will be asked.'
      }</p>
      ${refusal === undefined ? undefined : html`<p class="refusal" role="alert">${refusal}</p>`}
      <form method="post" action="${action}">
        <ul>${people.map(personButton)}</ul>
        <button class="cancel" name="cancel" value="yes">Cancel and go back</button>
      </form>`,
  )
}

function personButton({ name, email, claims, groups, enabled }: Person): Html {
  const fullName = String(claims.name)
  const initials = fullName
    .split(' ')
    .map((word) => word.charAt(0))
    .join('')
  const badge = enabled ? undefined : html` <span class="badge">Disabled</span>`
  return html`
          <li><button class="person${enabled ? '' : ' disabled'}" name="person" value="${name}">
            <span class="initials" aria-hidden="true">${initials}</span>
            <span class="who"><strong>${fullName}${badge}</strong><span>${email}</span> <span>${groups.at(-1)}</span></span>
          </button></li>`
}

/** A page that ends the way: what happened, and what to do. */
export function errorPage(title: string, sentence: string): string {
  return page(
    title,
    html`
      <h1>${title}</h1>
      <p>${sentence}</p>`,
  )
}

function page(title: string, content: Html): string {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title} · Passgate</title>
    <link rel="stylesheet" href="${styleSheetPath}">
  </head>
  <body>
    <header><span class="mark" aria-hidden="true"></span>Passgate <span class="for">for Acme</span></header>
    <main>${content}
    </main>
    <footer><p>Passgate is a test identity provider. Its people are made up and have no passwords.</p></footer>
  </body>
</html>
`.text
}
