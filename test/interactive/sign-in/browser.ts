/** A browser without a screen: cookies by path and for every port of a host, redirects, pages that lead on, and forms. */

export interface Visit {
  url: URL
  status: number
  headers: Headers
  text: string
}

interface Cookie {
  name: string
  value: string
  host: string
  path: string
}

const maxSteps = 20

export class Browser {
  /** Each address that was asked for, in order. */
  readonly asked: URL[] = []
  #cookies: Cookie[] = []
  readonly #stops: string[]

  /** It goes no further when it is sent to an address that begins with one of these. */
  constructor(...stops: string[]) {
    this.#stops = stops
  }

  /** Goes to an address and on from there, until a page stays or an address of the stops is reached (status 0). */
  async open(address: URL | string, init: RequestInit = {}): Promise<Visit> {
    let url = new URL(address)
    let sent = init
    for (let step = 0; step < maxSteps; step++) {
      if (this.#stops.some((stop) => url.href.startsWith(stop)))
        return { url, status: 0, headers: new Headers(), text: '' }
      const visit = await this.ask(url, sent)
      const next = visit.headers.get('location') ?? refreshOf(visit.text)
      if (next === undefined) return visit
      url = new URL(next, url)
      sent = {}
    }
    throw new Error(`${address} leads on and on`)
  }

  /** One request, and its answer as it comes. */
  async ask(url: URL, init: RequestInit = {}): Promise<Visit> {
    this.asked.push(url)
    const answer = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { ...(init.headers as { [name: string]: string }), cookie: this.#sentTo(url) },
    })
    for (const line of answer.headers.getSetCookie()) this.#keep(line, url)
    return { url, status: answer.status, headers: answer.headers, text: await answer.text() }
  }

  /** Sends the form of the page that has the button or field `name`, with `value` in it. */
  async submit(page: Visit, name: string, value: string, headers: { [name: string]: string } = {}): Promise<Visit> {
    const forms = [...page.text.matchAll(/<form[^>]* action="([^"]+)"[^>]*>(.*?)<\/form>/gs)]
    const form = forms.find(([, , inside = '']) => inside.includes(`name="${name}"`))
    if (form === undefined) throw new Error(`no form with ${name} is on ${page.url}: ${page.text}`)
    const [, action = '', inside = ''] = form
    const body = new URLSearchParams({ [name]: value })
    for (const [, hidden = '', kept = ''] of inside.matchAll(/type="hidden" name="([^"]+)" value="([^"]*)"/g))
      body.set(hidden, kept)
    return await this.open(new URL(unescaped(action), page.url), {
      method: 'POST',
      body,
      headers: { origin: page.url.origin, 'sec-fetch-site': 'same-origin', ...headers },
    })
  }

  /** The values of its cookies of a name. */
  cookies(name: string): string[] {
    return this.#cookies.filter((one) => one.name === name).map(({ value }) => value)
  }

  /** The Cookie header that it would send to an address. */
  cookieLine(url: URL): string {
    return this.#sentTo(url)
  }

  // RFC 6265 §8.5: cookies are not kept apart by port.
  #sentTo({ hostname, pathname }: URL): string {
    return this.#cookies
      .filter(
        ({ host, path }) => host === hostname && `${pathname}/`.startsWith(path.endsWith('/') ? path : `${path}/`),
      )
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }

  #keep(line: string, { hostname: host }: URL): void {
    const [, name = '', value = ''] = /^([^=;]+)=([^;]*)/.exec(line) ?? []
    const path = /; path=([^;]+)/i.exec(line)?.[1] ?? '/'
    const others = this.#cookies.filter((one) => !(one.name === name && one.host === host && one.path === path))
    this.#cookies = value === '' ? others : [...others, { name, value, host, path }]
  }
}

function refreshOf(page: string): string | undefined {
  const found = /<meta http-equiv="refresh" content="0; url=([^"]+)">/.exec(page)?.[1]
  return found === undefined ? undefined : unescaped(found)
}

function unescaped(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
