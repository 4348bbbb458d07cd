/** What the issuers that a role relies on must be to the role's own issuer. */

import { type Finding, type Part, repeated } from './config-part.ts'
import { isLoopbackUrl } from './config-values.ts'

/** Checks a list of entries with `issuer` and `jwksUri`: each issuer once, where `listed` is the word for it, none of them the role itself, each within reach. */
export function checkIssuers(
  list: Part,
  own: Part,
  words: { listed?: string; self: string; remedy: string },
): Finding[] {
  const issuers = list.items().map((entry) => entry.at('issuer'))
  const addresses = list.items().flatMap((entry) => [entry.at('issuer'), entry.at('jwksUri')])
  return [
    ...(words.listed === undefined ? [] : repeated(issuers, words.listed)),
    ...issuers
      .filter(({ text }) => text !== undefined && text === own.text)
      .map(({ path }) => ({ path, message: words.self, remedy: words.remedy })),
    ...(own.text === undefined || isLoopbackUrl(own.text) ? [] : addresses)
      .filter(({ text }) => text?.startsWith('http:') === true && isLoopbackUrl(text))
      .map(({ path, text }) => ({
        path,
        message: 'is for local work, and this role is not',
        found: JSON.stringify(text),
        remedy: 'keys are fetched from this machine only where the own issuer is http://127.0.0.1 or http://localhost',
      })),
  ]
}
