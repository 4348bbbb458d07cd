/** Reads the Bearer or DPoP challenge of a 401 or 403: where to find the metadata, which scope is missing, what was wrong. */

/** The parameters of a challenge, names in lower case. */
export type Challenge = ReadonlyMap<string, string>

const token = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y
const separator = /[\s,]*/y
const equals = /[ \t]*=[ \t]*/y
const quoted = /"((?:[^"\\]|\\[\s\S])*)"/y
const token68 = /[ \t]+[A-Za-z0-9\-._~+/]+=*(?=[ \t]*(?:,|$))/y

/**
 * The first challenge of the scheme that was `used`, else the first Bearer challenge, else the first DPoP challenge, among all the
 * challenges of an answer (RFC 9110 §11.6.1, RFC 6750 §3, RFC 9449 §7.1). Undefined when there is none, when the header cannot be read to
 * its end, or when a parameter stands twice in one.
 */
export function tokenChallenge({ headers }: Response, used: 'Bearer' | 'DPoP' = 'Bearer'): Challenge | undefined {
  const challenges = parse(headers.get('www-authenticate') ?? '') ?? []
  const of = (name: string) => challenges.find(({ scheme }) => scheme === name)?.parameters
  return of(used.toLowerCase()) ?? of('bearer') ?? of('dpop')
}

function parse(header: string): { scheme: string; parameters: Map<string, string> }[] | undefined {
  let at = 0
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at
    const found = pattern.exec(header)
    if (found !== null) at = pattern.lastIndex
    return found
  }
  const challenges: { scheme: string; parameters: Map<string, string> }[] = []
  for (take(separator); at < header.length; take(separator)) {
    const word = take(token)?.[0].toLowerCase()
    if (word === undefined) return undefined
    if (take(equals) === null) {
      challenges.push({ scheme: word, parameters: new Map() })
      take(token68)
      continue
    }
    const value = take(quoted)?.[1]?.replace(/\\([\s\S])/g, '$1') ?? take(token)?.[0]
    const parameters = challenges.at(-1)?.parameters
    if (value === undefined || parameters === undefined || parameters.has(word)) return undefined
    parameters.set(word, value)
  }
  return challenges
}
