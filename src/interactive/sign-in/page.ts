/** The frame of every page a person meets here, and the headers it goes out with. */

import { type Html, html } from '../../http/html.ts'

/** Whose pages they are. */
export interface Frame {
  /** The issuer's path, without a slash at its end. */
  path: string
  /** What the pages call this server: its host. */
  server: string
}

/** Where everything here is, below the issuer. */
export const signInPath = '/sign-in'

/**
 * The headers of a page. No page of another origin may frame it, no script runs, and forms go to this server alone: where the browser
 * is to leave it after a form, a page leads on ({@link onwardPage}). `same-origin` keeps the address from others; with `no-referrer`
 * browsers would send `Origin: null` with the forms, which no check could tell from another site's (Fetch, "append a request Origin header").
 */
export const pageHeaders: { readonly [name: string]: string } = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/** A whole page, as text. `head` goes into its head. */
export function page({ path, server }: Frame, title: string, content: Html, head?: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<link rel="stylesheet" href="${path}${signInPath}/style.css">
${head}
</head>
<body>
<header>${server}</header>
<main>
${content}
</main>
</body>
</html>
`.text
}

/** A page that ends the way: what happened, and what to do. With `uid`, the step can be tried again or given up. */
export function troublePage(frame: Frame, title: string, text: string, again?: { uid: string; anew: boolean }): string {
  return page(
    frame,
    title,
    html`<h1>${title}</h1>
<p>${text}</p>
${again === undefined ? undefined : html`${wayBack(frame, again)}`}`,
  )
}

function wayBack({ path }: Frame, { uid, anew }: { uid: string; anew: boolean }): Html {
  const step = `${path}${signInPath}/${uid}`
  return html`<p><a class="button first" href="${step}${anew ? '/anew' : ''}">${anew ? 'Sign in as somebody else' : 'Try again'}</a></p>
${cancelForm(step)}`
}

/** The way back to the application without an answer to its wish. */
export function cancelForm(step: string): Html {
  return html`<form method="post" action="${step}"><button class="quiet" name="cancel" value="yes">Cancel and go back to the application</button></form>`
}

/**
 * A page that leads on at once, also without JavaScript. Browsers hold a page's `form-action` against every redirect that follows its
 * form, also those of other servers later: behind this page they are free again.
 */
export function onwardPage(frame: Frame, address: string, where: string): string {
  return page(
    frame,
    'One moment',
    html`<h1>One moment</h1>
<p>You are taken to ${where}.</p>
<p><a class="button" href="${address}">Go on now</a></p>`,
    html`<meta http-equiv="refresh" content="0; url=${address}">`,
  )
}
