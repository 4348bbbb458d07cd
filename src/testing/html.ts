/** The escaping template of the pages, for the sign-in of the harness and for the demonstration. */

export { Html, type HtmlValue, html } from '../http/html.ts'
