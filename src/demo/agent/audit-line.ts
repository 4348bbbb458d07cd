/** An audit event in a line: who decided what, and why. */

import type { AuditEvent } from '../../protocol/ports.ts'
import { type Html, html } from '../../testing/html.ts'

const serverOf: { [role in AuditEvent['role']]: string } = {
  idp: 'the identity provider',
  'resource-as': 'the authorization server',
  resource: 'the guard of the API',
}

/** For a page. */
export function auditLine(event: AuditEvent): Html {
  const { role, outcome, reason, correlationId } = event
  const detail = detailOf(event)
  const look = outcome === 'granted' ? 'good' : isQuestion(event) ? 'plain' : 'bad'
  return html`<p class="audit"><b>Audit</b> of ${serverOf[role]}: <span class="pill ${look}">${outcome}</span>
${outcome === 'granted' ? undefined : html`because <code>${reason}</code>`}
${detail === '' ? undefined : html`<span class="detail">${detail}</span>`}
<span class="detail">correlation id ${correlationId}</span></p>`
}

/** What the operator reads beside the reason. Empty for what was granted without a remark. */
export function detailOf({ outcome, detail, client, account, subject, audience, scope, resource }: AuditEvent): string {
  if (outcome === 'refused') return detail ?? ''
  const facts = { client, account, subject, audience, scope, resource: [resource ?? []].flat().join(' ') || undefined }
  return Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}

/** A call without a token is a question, not an offence (RFC 6750 §3.1). */
function isQuestion({ reason }: AuditEvent): boolean {
  return reason === 'token_missing'
}
