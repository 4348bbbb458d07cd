/** The sign-in choice and the consent in Chromium: on a phone and on a desk, light and dark, with the keyboard, without JavaScript. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { OAuthError } from '../../src/protocol/errors.ts'
import { type Application, openStage, program, type Stage, stranger, wiki } from '../interactive/sign-in/stage.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let stage: Stage
let browser: Browser
/** The application on this machine: what comes to its redirect address goes on to another origin, as some applications do. */
let local: Server
beforeAll(async () => {
  stage = await openStage('acme.example', 'beta.example')
  local = createServer((request, response) => {
    const { port } = local.address() as AddressInfo
    if (request.url?.startsWith('/callback'))
      response.writeHead(302, {
        location: `http://localhost:${port}/arrived${new URL(request.url, 'http://x').search}`,
      })
    else if (request.url?.startsWith('/frame?'))
      response
        .setHeader('content-type', 'text/html')
        .write(`<iframe src="${decodeURIComponent(request.url.slice(7))}">`)
    else response.setHeader('content-type', 'text/html').write('<h1>Arrived</h1>')
    response.end()
  }).listen(0)
  await once(local, 'listening')
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
})
afterAll(async () => {
  await browser?.close()
  local?.close()
  await stage?.close()
})
afterEach(() => {
  for (const idp of stage.idps) idp.astray = {}
  stage.accounts.of = async () => 'alice-here'
})

interface Violation {
  id: string
  nodes: { target: unknown }[]
}

/** What axe finds on the page as it stands, and whether it is wider than the window. */
async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  const violations = (await page.evaluate('axe.run().then(({ violations }) => violations)')) as Violation[]
  const overflow = (await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')) as number
  return [
    ...violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => String(target)).join(', ')}`),
    ...(overflow > 0 ? [`wider than the window by ${overflow} pixels`] : []),
  ]
}

const heading = (page: Page) => page.locator('h1').innerText()

/** The program on this machine, at the port that it listens at here. */
function listening(): Application {
  return { ...program, redirectUri: `http://127.0.0.1:${(local.address() as AddressInfo).port}/callback` }
}

/** Goes to the server with the wish of an application, in a window without a past. `bypassCSP` lets axe in. */
async function open(
  application: Application,
  window: { width?: number; colorScheme?: 'light' | 'dark'; javaScriptEnabled?: boolean } = {},
): Promise<Page> {
  const { width = 1280, colorScheme = 'light', javaScriptEnabled = true } = window
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme,
    bypassCSP: javaScriptEnabled,
    javaScriptEnabled,
  })
  const page = await context.newPage()
  await page.goto(stage.authorize(application).href)
  return page
}

/** Types the address, and waits for the page that the way to the IdP and back ends on. */
async function signIn(page: Page, email = 'alice@acme.example', end = 'wants to act for you'): Promise<void> {
  await page.getByLabel('Work e-mail address').fill(email)
  await page.getByRole('button', { name: 'Go to the sign-in' }).click()
  await page.getByRole('heading', { name: end }).waitFor()
}

describe.each([
  [390, 'light'],
  [390, 'dark'],
  [1280, 'light'],
  [1280, 'dark'],
] as const)('sign-in and consent at %i pixels, %s', (width, colorScheme) => {
  it('can be gone through without a fault that axe knows', async () => {
    const faults: { [place: string]: string[] } = {}
    const look = async (place: string, page: Page) => {
      faults[place] = await faultsOf(page)
    }
    const page = await open(listening(), { width, colorScheme })
    expect(await heading(page)).toBe('Sign in for Program')
    await look('question', page)
    await page.getByLabel('Work e-mail address').fill('alice@elsewhere.example')
    await page.getByRole('button', { name: 'Go to the sign-in' }).click()
    expect(await page.getByRole('alert').innerText()).toContain('There is no sign-in for this address here')
    await look('unknown domain', page)
    await signIn(page)
    expect(await heading(page)).toBe('Program wants to act for you')
    await look('consent', page)
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL(/arrived/)
    expect(new URL(page.url()).searchParams.get('code')).toMatch(/./)
    await page.context().close()

    const { askingClient } = stage.options
    stage.options.askingClient = async () => ({ ...stranger, name: 'x'.repeat(300), redirectHost: 'y'.repeat(200) })
    const unknown = await open(stranger, { width, colorScheme })
    await signIn(unknown)
    expect(await unknown.locator('.alert').innerText()).toContain('Nobody has checked who this is')
    await look('consent to a stranger', unknown)
    stage.options.askingClient = askingClient
    await unknown.context().close()

    for (const idp of stage.idps) idp.astray = { error: 'access_denied' }
    const turnedBack = await open(wiki, { width, colorScheme })
    await signIn(turnedBack, 'alice@acme.example', 'You were not signed in')
    await look('turned back', turnedBack)
    await turnedBack.context().close()

    expect(Object.values(faults).flat(), JSON.stringify(faults, null, 2)).toEqual([])
  }, 120_000)
})

describe('the pages', () => {
  it('work under their own content security policy, without JavaScript, also where the application sends the browser on', async () => {
    const page = await open(listening(), { javaScriptEnabled: false })
    const blocked: string[] = []
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) blocked.push(message.text())
    })
    await signIn(page, 'bob@beta.example')
    expect(await heading(page)).toBe('Program wants to act for you')
    await page.getByRole('button', { name: 'Deny' }).click()
    await page.waitForURL(/arrived/)
    expect(new URL(page.url()).searchParams.get('error')).toBe('access_denied')
    expect(blocked).toEqual([])
    await page.context().close()
  })

  it('can be gone through with the keyboard alone, and show where the focus is', async () => {
    const page = await open(listening())
    await page.keyboard.press('Tab')
    await page.keyboard.type('alice@acme.example')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Allow' }).waitFor()
    const stops: string[] = []
    for (let stop = 0; stop < 3; stop++) {
      await page.keyboard.press('Tab')
      stops.push(await page.locator(':focus').innerText())
      expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
    }
    expect(stops).toEqual(['Not you?', 'Allow', 'Deny'])
    await page.keyboard.press('Enter')
    await page.waitForURL(/arrived/)
    expect(new URL(page.url()).searchParams.get('error')).toBe('access_denied')
    await page.context().close()
  })

  it('let somebody else sign in', async () => {
    const page = await open(listening())
    await signIn(page)
    await page.getByRole('link', { name: 'Not you?' }).click()
    stage.accounts.of = async () => 'bob-here'
    await signIn(page, 'bob@beta.example')
    expect(await page.locator('dd').first().innerText()).toContain(
      'alice@beta.example, signed in at Company of beta.example',
    )
    await page.context().close()
  })

  it('say so when there is no account', async () => {
    stage.accounts.of = async () => {
      throw new OAuthError('access_denied', 'no account', { reason: 'subject_unknown' })
    }
    const page = await open(listening())
    await signIn(page, 'alice@acme.example', 'There is no account for you here')
    expect(await faultsOf(page)).toEqual([])
    await page.getByRole('button', { name: 'Cancel and go back' }).click()
    await page.waitForURL(/arrived/)
    await page.context().close()
  })

  it('are shown in no frame', async () => {
    const page = await open(listening(), { javaScriptEnabled: false })
    await signIn(page)
    const { port } = local.address() as AddressInfo
    // Another port of the same host: the cookies go along, and the origin is another.
    await page.goto(`http://127.0.0.1:${port}/frame?${encodeURIComponent(page.url())}`)
    const [, framed] = page.frames()
    expect(framed?.url()).toBe('chrome-error://chromewebdata/')
    await page.context().close()
  })
})
