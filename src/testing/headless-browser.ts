/** A browser without a screen: cookies, redirects, pages that lead on, and forms that are sent as they stand on the page. */

/** A page that stays, or the address at which the way was to end. */
export interface Visit {
  url: URL
  /** 0 for the end of the way, which was not fetched. */
  status: number
  text: string
}

export interface HeadlessBrowser {
  /** Goes to an address, and on where it is led. Rejects when that does not end within 20 steps. */
  open(address: URL | string): Promise<Visit>
  /**
   * Presses the button of the page that has this name and value, and goes on as {@link HeadlessBrowser.open}. Rejects with what the page
   * says when it has no such button.
   */
  press(page: Visit, name: string, value: string): Promise<Visit>
}

interface Cookie {
  name: string
  value: string
  host: string
  path: string
}

const maxSteps = 20

/** A new one, without a past. It goes no further than an address that `isEnd`. */
export function headlessBrowser(isEnd: (url: URL) => boolean): HeadlessBrowser {
  const jar: Cookie[] = []

  const go = async (address: URL, form?: { body: URLSearchParams; origin: string }): Promise<Visit> => {
    let url = address
    let init: RequestInit = form === undefined ? {} : { method: 'POST', body: form.body }
    let headers: { [name: string]: string } = form === undefined ? {} : { origin: form.origin }
    for (let step = 0; step < maxSteps; step++) {
      if (isEnd(url)) return { url, status: 0, text: '' }
      const cookie = cookiesFor(url, jar)
      const answer = await fetch(url, { ...init, redirect: 'manual', headers: { ...headers, cookie } })
      keepCookies(answer, url, jar)
      const text = await answer.text()
      const next = answer.headers.get('location') ?? refreshOf(text)
      if (next === undefined) return { url, status: answer.status, text }
      url = new URL(next, url)
      init = {}
      headers = {}
    }
    throw new Error(`the sign-in at ${address.origin} did not end within ${maxSteps} steps`)
  }

  return {
    open: async (address) => await go(new URL(address)),
    async press(page, name, value) {
      const form = formWith(page, name, value)
      if (form === undefined) throw new Error(sentenceOf(page))
      const body = new URLSearchParams({ ...form.hidden, [name]: value })
      return await go(new URL(form.action, page.url), { body, origin: page.url.origin })
    },
  }
}

/** True when the page has a button with this name. */
export function hasButton({ text }: Visit, name: string): boolean {
  return buttonsOf(text).some((button) => button.name === name)
}

/** What the page says to the person: its alert, or its first paragraph. */
export function sentenceOf({ text, status, url }: Visit): string {
  const found = /role="alert">(.+?)<\/p>/s.exec(text) ?? /<p>(.+?)<\/p>/s.exec(text)
  return found === null ? `${url.origin} answered ${status} without a word` : plainText(found[1] ?? '')
}

/** HTML as it is read: without its tags, in one line, the points of a list apart. */
export function plainText(html: string): string {
  return unescaped(html.replace(/<\/li>\s*<li>/g, '; ').replace(/<[^>]+>/g, ''))
    .replace(/\s+/g, ' ')
    .trim()
}

function formWith({ text }: Visit, name: string, value: string) {
  for (const [, action = '', inside = ''] of text.matchAll(
    /<form[^>]* method="post" action="([^"]+)"[^>]*>(.*?)<\/form>/gs,
  )) {
    if (!buttonsOf(inside).some((button) => button.name === name && button.value === value)) continue
    const fields = inside.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)
    const hidden = Object.fromEntries(
      [...fields].map(([, field = '', kept = '']) => [unescaped(field), unescaped(kept)]),
    )
    return { action: unescaped(action), hidden }
  }
  return undefined
}

function buttonsOf(html: string): { name: string; value: string }[] {
  return [...html.matchAll(/<button[^>]* name="([^"]+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => ({
    name,
    value: unescaped(value),
  }))
}

function refreshOf(page: string): string | undefined {
  const found = /<meta http-equiv="refresh" content="0; url=([^"]+)">/.exec(page)?.[1]
  return found === undefined ? undefined : unescaped(found)
}

// RFC 6265 §8.5: cookies are not kept apart by port.
function cookiesFor({ hostname, pathname }: URL, jar: readonly Cookie[]): string {
  return jar
    .filter(({ host, path }) => host === hostname && isBelow(pathname, path))
    .map(({ name, value }) => `${name}=${value}`)
    .join('; ')
}

/** RFC 6265 §5.1.4. */
function isBelow(pathname: string, path: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`)
}

function keepCookies(answer: Response, { hostname: host }: URL, jar: Cookie[]): void {
  for (const line of answer.headers.getSetCookie()) {
    const [, name = '', value = ''] = /^([^=;]+)=([^;]*)/.exec(line) ?? []
    const path = /; path=([^;]+)/i.exec(line)?.[1] ?? '/'
    const known = jar.findIndex((one) => one.name === name && one.host === host && one.path === path)
    if (known >= 0) jar.splice(known, 1)
    if (value !== '') jar.push({ name, value, host, path })
  }
}

const entities: { readonly [entity: string]: string } = {
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
  '&amp;': '&',
}

function unescaped(text: string): string {
  return text.replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => entities[entity] ?? entity)
}
