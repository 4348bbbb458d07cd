/** The page that asks for the work e-mail address, by whose domain the IdP is chosen. */

import { html } from '../../http/html.ts'
import { cancelForm, type Frame, page, signInPath } from './page.ts'

export interface EmailQuestion {
  uid: string
  /** What the application calls itself, made fit to be shown. */
  application: string
  /** The sign-in is to ask anew who it is. */
  anew: boolean
  /** What was typed last, and no IdP was found for. */
  typed?: string
}

/** Which domains there are is not told to anybody who does not know one. */
export function emailPage(frame: Frame, { uid, application, anew, typed }: EmailQuestion): string {
  const step = `${frame.path}${signInPath}/${uid}`
  const isWrong = typed !== undefined
  return page(
    frame,
    `Sign in for ${application}`,
    html`<h1>Sign in for <bdi>${application}</bdi></h1>
<p>Your company signs you in. Its sign-in is found by your work e-mail address.</p>
${isWrong && html`<p class="alert" role="alert" id="wrong">There is no sign-in for this address here. Look at its spelling, or ask the people who run ${frame.server}.</p>`}
<form method="post" action="${step}">
<label for="email">Work e-mail address</label>
<input id="email" type="email" name="email" autocomplete="email" required maxlength="254" value="${typed ?? ''}"${isWrong && html` aria-invalid="true" aria-describedby="wrong"`}>
${anew && html`<input type="hidden" name="anew" value="yes">`}
<button class="first">Go to the sign-in</button>
</form>
${cancelForm(step)}`,
  )
}
