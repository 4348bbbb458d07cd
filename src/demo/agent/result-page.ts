/** What came of an errand: the answer first, then the way it took, each token taken apart, and each server's audit line. */

import { type Html, html } from '../../testing/html.ts'
import { auditLine } from './audit-line.ts'
import { agentName, type Cast, companies, employer } from './cast.ts'
import type { Caller, Message, Outcome } from './errands.ts'
import { restore } from './home-page.ts'
import { page } from './page.ts'
import type { Deed, Result, Session } from './sessions.ts'
import { type Shown, type ShownStep, shownStep, worthShowing } from './shown-step.ts'
import { tokenCard } from './token-card.ts'

/** The page of one result, for the session whose result it is. */
export function resultPage({ deed, errand }: Result, cast: Cast, session: Session): string {
  const steps = worthShowing(errand.observed).map((one) => shownStep(one, cast))
  const last = steps.at(-1)
  const { heading, says } = verdict(deed, errand.outcome, last, session.person?.name ?? '')
  return page(
    heading,
    session,
    html`<section>
<p><a href="/">Back to what ${agentName} may do</a></p>
<h1>${heading}</h1>
<p class="lead">${says}</p>
${last?.refused === true ? refusal(last) : answer(deed, errand.outcome, cast)}
${again(errand.outcome)}
${
  deed === 'disconnect'
    ? html`${restore(session)}
${notStopped(cast)}`
    : undefined
}
</section>
<section aria-labelledby="steps">
<h2 id="steps">How it came about</h2>
<p>${deed === 'sign-in' ? `The browser brought a code back from ${companies.identityProvider.name}; this is what ${agentName} did with it.` : `${agentName} starts without a token each time, so that you see the whole way. In earnest it keeps the access token while it lives.`}</p>
<ol class="timeline">${steps.map(timelineStep)}</ol>
</section>`,
  )
}

/** The way to the sign-in that a server demands. */
function again(outcome: Outcome): Html | undefined {
  if (outcome.kind !== 'stopped' || outcome.wanted === undefined) return undefined
  return html`<p><a class="button" href="/sign-in-again">Confirm who you are at ${companies.identityProvider.name}</a></p>`
}

/** What a removed connection does not end. */
function notStopped({ unmanaged }: Cast): Html {
  const { name } = companies.unmanaged
  return html`<p class="after">It does not stop <a href="${unmanaged.origin}/">${name}</a>, which you let into the chat yourself, if you did: ${employer} has nothing to remove there. Only the operator of ${companies.chat.name} can end that. <a href="/compare">Compare the two</a></p>`
}

function verdict(deed: Deed, outcome: Outcome, last: ShownStep | undefined, person: string) {
  const { chat, files, identityProvider } = companies
  if (deed === 'sign-in')
    return { heading: `Signed in as ${person}`, says: `${identityProvider.name} gave ${agentName} an ID Token.` }
  if (deed === 'replay' && last?.refused)
    return {
      heading: 'Refused: the ID-JAG was used before',
      says: `The first time ${chat.name} gave an access token. The second time it answered ${last.answer.status}: whoever copies an ID-JAG on its way comes too late.`,
    }
  if (deed === 'elsewhere' && last?.refused)
    return {
      heading: 'Refused: it was made for somebody else',
      says: `${files.name} trusts ${identityProvider.name} too, and the signature is good. But aud names ${chat.name}, so it is worth nothing here.`,
    }
  if (outcome.kind === 'stopped' && outcome.wanted !== undefined)
    return {
      heading: `${chat.name} wants a better sign-in`,
      says: `Your sign-in is good for the rest of the chat. To write to #finance, ${chat.name} wants one that you confirmed, not older than ${(outcome.wanted.maxAge ?? 0) / 60} minutes. You sign in at ${identityProvider.name}, never at ${chat.name}; ${agentName} then posts by itself.`,
    }
  if (outcome.kind === 'stopped')
    return {
      heading: `${agentName} was stopped`,
      says:
        deed === 'disconnect'
          ? `${employer} has removed the connection, and ${identityProvider.name} gives out no ID-JAG any more. An access token given out before lives on for ten minutes at most.`
          : `${outcome.sentence}.`,
    }
  if (outcome.kind === 'posted')
    return {
      heading: 'Posted as you',
      says: `${chat.name} has your message, and knows that it came through ${agentName}.`,
    }
  if (outcome.kind === 'whoami')
    return {
      heading: `The chat knows you as ${nameOf(outcome.caller)}`,
      says: `${chat.name} answered over MCP. Nobody asked you anything.`,
    }
  return {
    heading: `${chat.name} answers ${person}`,
    says: `${agentName} read the messages as you. Nobody asked you anything.`,
  }
}

function nameOf({ name, email, account }: Caller): string {
  return name ?? email ?? account
}

function answer(deed: Deed, outcome: Outcome, cast: Cast): Html | undefined {
  if (deed !== 'errand' && deed !== 'finance') return undefined
  if (outcome.kind === 'read')
    return outcome.messages.length === 0
      ? html`<p class="answer">There are no messages yet.</p>`
      : html`<ul class="answer">${outcome.messages.slice(-10).map((one) => message(one, cast))}</ul>`
  if (outcome.kind === 'posted') return html`<ul class="answer">${message(outcome.message, cast)}</ul>`
  if (outcome.kind !== 'whoami') return undefined
  const { account, email, client, scopes } = outcome.caller
  return html`<div class="answer">${rows([
    ['account', account],
    ['e-mail', email ?? '(none)'],
    ['through', client],
    ['scopes', scopes.join(' ')],
  ])}</div>`
}

function message({ author, via, channel, text }: Message, { chat }: Cast): Html {
  const application = via === chat.credentials.id ? companies.agent.name : via
  return html`<li><p class="meta"><b>${author}</b> in #${channel}, through ${application}</p><p>${text}</p></li>`
}

function timelineStep({ title, request, answer, refused, tokens, audit }: ShownStep): Html {
  return html`<li class="${refused ? 'refused' : ''}">
<h3>${title}</h3>
<p class="line"><code>${request.line}</code> <span class="pill ${answer.status < 300 ? 'good' : refused ? 'bad' : 'plain'}">${answer.status}</span></p>
${request.parameters.length + answer.members.length === 0 ? undefined : words(request.parameters, answer.members, refused)}
${tokens.map(tokenCard)}
${audit === undefined ? undefined : auditLine(audit)}
</li>`
}

/** What the refusing server said aloud, and what it told only its operator. */
function refusal({ to, answer, audit }: ShownStep): Html {
  return html`<div class="answer">${rows([
    [`${to} says`, String(answer.status)],
    ...answer.members,
    ['its operator reads', audit === undefined ? 'nothing' : audit.reason],
  ])}</div>`
}

/** The request and the answer; folded away unless they say why something was refused. */
function words(sent: readonly Shown[], answered: readonly Shown[], open: boolean): Html {
  const content = html`<summary>Request and answer</summary>
${sent.length === 0 ? undefined : html`<h4>Sent</h4>${rows(sent)}`}
${answered.length === 0 ? undefined : html`<h4>Answered</h4>${rows(answered)}`}`
  return open ? html`<details open>${content}</details>` : html`<details>${content}</details>`
}

function rows(entries: readonly Shown[]): Html {
  return html`<dl class="rows">${entries.map(([name, value]) => html`<div><dt>${name}</dt><dd><code>${value}</code></dd></div>`)}</dl>`
}
