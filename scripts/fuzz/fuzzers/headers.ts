/** Header lines as bytes on a socket: credentials, media types, proofs, hosts, proxies, certificates, and requests that are broken as HTTP. */

import { certified } from '../../../test/fixture/certificate.ts'
import type { HttpFuzzer, Shot } from '../fuzzer.ts'
import { encoded, type Genuine } from '../genuine.ts'
import { accident, hostileText } from '../hostile.ts'
import type { Random } from '../random.ts'
import { credentialsObjection, redemptionObjection } from '../rights.ts'

const formType = 'application/x-www-form-urlencoded'
const certificate = certified()
  .certificate.replace(/-----[^-]+-----/g, '')
  .replace(/\s/g, '')

interface Lines {
  /** Above the headers. */
  start: string
  headers: [string, string][]
  /** What a lenient reader takes as the credentials; absent: those of the client. */
  authorization?: string
  /** True when nothing of it may be granted, whatever else stands there. */
  never?: boolean
  /** What is right instead of a grant. */
  judge?: Shot['judge']
  contract?: Shot['contract']
  body?: string
}

export const headers: HttpFuzzer = {
  name: 'headers',
  title: 'Header lines, request lines and framing',
  over: 'http',
  weight: 15,
  make(random, genuine) {
    const { chat } = genuine.target
    // With a token that is good, so that a wrong header is what stands in the way; or with none, which costs less.
    const assertion = random.oneIn(3) ? genuine.token('id-jag') : 'e30.e30.e30'
    const form = encoded(genuine.redemptionForm(assertion))
    const basic = genuine.basic(chat.client)
    const good: Lines = {
      start: 'POST /token HTTP/1.1',
      headers: [
        ['host', `127.0.0.1:${chat.port}`],
        ['authorization', basic],
        ['content-type', formType],
        ['content-length', String(Buffer.byteLength(form))],
      ],
    }
    const {
      start,
      headers: lines,
      authorization = basic,
      never,
      contract = 'oauth',
      body = form,
      judge,
    } = random.pick(ways)(good, random, genuine)
    const head = [start, ...lines.map(([name, value]) => `${name}: ${value}`)].join('\r\n')
    return {
      to: 'chat',
      request: Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), Buffer.from(body)]),
      contract,
      last: contract === 'http',
      judge(answer) {
        if (judge !== undefined) return judge(answer)
        if (never === true) return `accepted with ${JSON.stringify(head.slice(0, 200))}`
        return (
          credentialsObjection({ body, authorization }, chat.client) ??
          redemptionObjection(body, assertion, answer, genuine)
        )
      },
    }
  },
}

type Way = (good: Lines, random: Random, genuine: Genuine) => Lines

const ways: readonly Way[] = [
  credentials,
  credentials,
  doubled,
  mediaType,
  proof,
  proof,
  clientCertificate,
  surroundings,
  surroundings,
  address,
  framing,
  raw,
]

/** Replaces a header, or adds it. */
function put(lines: Lines, name: string, value: string): Lines {
  return { ...lines, headers: [...lines.headers.filter(([other]) => other !== name), [name, value]] }
}

/** Text as a header value: one line of Latin-1. */
function line(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replace(/[\0-\x08\x0a-\x1f\x7f]/g, '')
    .slice(0, 8000)
}

function credentials(good: Lines, random: Random, { target }: Genuine): Lines {
  const { id, secret } = target.chat.client
  const basic = `Basic ${btoa(`${id}:${secret}`)}`
  const pair = Buffer.from(
    random.pick([
      `${hostileText(id, random)}:${secret}`,
      `${id}:${hostileText(secret, random)}`,
      hostileText(`${id}:${secret}`, random),
    ]),
  ).toString('base64')
  const value = line(
    random.pick([
      `Basic ${pair}`,
      `basic  ${pair}`,
      hostileText(basic, random),
      accident(Buffer.from(basic), random).toString('latin1'),
      `Bearer ${pair}`,
      `DPoP ${pair}`,
      `Basic ${pair}, ${basic}`,
      `${basic}, ${basic}`,
      'Basic',
      '',
    ]),
  )
  return { ...put(good, 'authorization', value), authorization: value.trim() }
}

function doubled(good: Lines, random: Random): Lines {
  const [name = '', value = ''] = random.pick(good.headers)
  const other = random.pick([value, line(hostileText(value, random)), 'x'])
  const all = random.oneIn(2)
    ? [...good.headers, [name, other] as [string, string]]
    : [[name, other] as [string, string], ...good.headers]
  return { ...good, headers: all, never: true, contract: 'http' }
}

function mediaType(good: Lines, random: Random): Lines {
  const type = line(
    random.pick([
      hostileText(formType, random),
      accident(Buffer.from(formType), random).toString('latin1'),
      `${formType}; charset=utf-16`,
      `${formType}\t; charset=utf-8`,
      `${formType}; charset=utf-8; charset=utf-8`,
      'application/json',
      'multipart/form-data; boundary=x',
      'text/plain',
      `${formType}, application/json`,
      '',
    ]),
  )
  // What is still a plain form, however spelt, may be read.
  const isForm = /^\s*application\/x-www-form-urlencoded *(; *charset="?utf-8"? *)?$/i.test(type)
  return { ...put(good, 'content-type', type), never: !isForm }
}

function proof(good: Lines, random: Random, genuine: Genuine): Lines {
  const right = genuine.token('proof-at-chat')
  const text = random.pick([
    hostileText(right, random),
    accident(Buffer.from(right), random).toString('latin1'),
    `${right}, ${right}`,
    `${right},`,
    genuine.token('proof-at-idp'),
    genuine.token('id-jag'),
    '',
  ])
  const value = line(text)
  return { ...put(good, 'dpop', value), never: value.trim() !== right }
}

function clientCertificate(good: Lines, random: Random): Lines {
  const text = random.pick([
    hostileText(certificate, random),
    accident(Buffer.from(certificate), random).toString('latin1'),
    accident(Buffer.from(certificate, 'base64'), random).toString('base64'),
    accident(accident(Buffer.from(certificate, 'base64'), random), random).toString('base64'),
    `:${certificate}:`,
    encodeURIComponent(certificate),
  ])
  return put(good, 'x-client-cert', line(text))
}

/** What must change nothing, or be refused. */
function surroundings(good: Lines, random: Random): Lines {
  const names = [
    'host',
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-forwarded-for',
    'forwarded',
    'x-real-ip',
    'x-original-url',
  ]
  const more = [
    'x-http-method-override',
    'origin',
    'referer',
    'cookie',
    'accept',
    'accept-encoding',
    'user-agent',
    'via',
    'range',
    'if-match',
    'te',
  ]
  const name = random.pick([...names, ...more])
  const value = random.pick([
    'evil.example',
    '127.0.0.1',
    'https',
    'for=127.0.0.1;host=evil.example',
    'DELETE',
    '*',
    'gzip',
    'bytes=0-1',
    hostileText('127.0.0.1', random),
  ])
  return { ...put(good, name, line(value)), contract: name === 'host' ? 'http' : 'oauth' }
}

function address(good: Lines, random: Random): Lines {
  const method = random.pick([
    'GET',
    'PUT',
    'PATCH',
    'DELETE',
    'OPTIONS',
    'HEAD',
    'post',
    'POST',
    'POST',
    'TRACE',
    'LINK',
    'QUERY',
    'X',
  ])
  const target = random.pick([
    '/token',
    '/token/',
    '//token',
    '/token?assertion=x',
    '/TOKEN',
    '/%74oken',
    '/token%00',
    '/./token',
    '/x/../token',
    'http://evil.example/token',
    '*',
    '/token;x=y',
    '/token#x',
    '/jwks',
    '/revoke/..',
    `/${'x'.repeat(3000)}`,
    line(hostileText('/token', random)).replace(/\s/g, '') || '/',
  ])
  if (method === 'POST' && target === '/token') return good
  return {
    ...good,
    start: `${method} ${target} HTTP/1.1`,
    contract: 'http',
    // A public document is for everybody to read; nothing else is answered without a form.
    judge: ({ status, body }) =>
      method !== 'POST' && (status === 204 || body === '' || /^{"keys":\[/.test(body)) ? undefined : 'accepted',
    body: '',
    headers: [...good.headers.filter(([name]) => name !== 'content-length'), ['content-length', '0']],
  }
}

/** Two readers would see two requests. The first answer is a refusal, and the connection is over. */
function framing(good: Lines, random: Random): Lines {
  const length = good.headers.find(([name]) => name === 'content-length')?.[1] ?? '0'
  const lines: [string, string][] = random.pick([
    [['transfer-encoding', 'chunked']],
    [['transfer-encoding', 'identity']],
    [['transfer-encoding', 'chunked, chunked']],
    [['content-length', `${Number(length) + 1}`]],
    [['content-length', `+${length}`]],
    [['Content-Length ', length]],
    [['x', `y\r\n z`]],
    [['x', 'y\n z: 1']],
    [['x\0', 'y']],
    [['', 'y']],
    [['x y', 'z']],
    [['x', 'y'.repeat(20_000)]],
    [['content-encoding', 'gzip']],
    [['content-encoding', random.pick(['br', 'deflate', 'identity, gzip', 'x'])]],
    [['expect', 'nothing-that-is-known']],
  ])
  return { ...good, headers: [...good.headers, ...lines], never: true, contract: 'http' }
}

/** Anything in the place of a line. The body is left out where its length is no longer known. */
function raw(good: Lines, random: Random): Lines {
  const start = random.pick([
    '',
    'POST',
    'POST /token',
    'POST /token HTTP/9.9',
    'POST /token HTTP/1.0x',
    'GET /token HTTP/0.9',
    '\x16\x03\x01\x02',
    `POST\t/token HTTP/1.1`,
    'PRI * HTTP/2.0',
    accident(Buffer.from(good.start), random).toString('latin1'),
  ])
  if (start === good.start) return good
  return {
    ...good,
    start,
    never: true,
    contract: 'http',
    headers: [
      ...good.headers.filter(([name]) => name !== 'content-length'),
      ['content-length', '0'],
      ['connection', 'close'],
    ],
    body: '',
  }
}
