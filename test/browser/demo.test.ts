/** The demonstration in Chromium: clicked through from the welcome page to a refusal, on a phone and on a desk, light and dark. */

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, startDemo } from '../../src/demo/start.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let stage: Demo
let browser: Browser
beforeAll(async () => {
  stage = await startDemo({ port: 0, report: () => {} })
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
  await stage?.close()
})

interface Violation {
  id: string
  nodes: { target: unknown; failureSummary?: string }[]
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

/** Opens the welcome page in a window without a past. `bypassCSP` lets axe in, which the pages' own policy forbids. */
async function open(width: number, colorScheme: 'light' | 'dark', javaScriptEnabled = true): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width, height: 900 },
    colorScheme,
    bypassCSP: javaScriptEnabled,
    javaScriptEnabled,
  })
  const page = await context.newPage()
  await page.goto(stage.agentUrl)
  return page
}

describe.each([
  [390, 'light'],
  [390, 'dark'],
  [1280, 'light'],
  [1280, 'dark'],
] as const)('the demonstration at %i pixels, %s', (width, scheme) => {
  it('can be clicked through without a fault that axe knows', async () => {
    const page = await open(width, scheme)
    const faults: { [place: string]: string[] } = {}
    const look = async (place: string) => {
      faults[place] = await faultsOf(page)
    }
    const back = () => page.getByRole('link', { name: 'Back to what Finch may do' }).click()
    const press = (name: string) => page.getByRole('button', { name }).click()

    expect(await heading(page)).toContain('Sign in once at work')
    await look('welcome')
    await page.getByRole('link', { name: 'Sign in with your company' }).click()
    expect(page.url()).toContain(stage.cast.identityProvider.issuer)
    await look('Passgate')
    await press('Mallory Miller')
    expect(await page.getByRole('alert').innerText()).toContain('disabled')
    await look('Passgate, refused')
    await press('Alice Archer')
    expect(await heading(page)).toBe('Hello, Alice Archer')
    await look('home')
    await page.getByRole('link', { name: 'Look at it' }).click()
    expect(await heading(page)).toBe('Signed in as Alice Archer')
    await look('ID Token')
    await back()

    await page.getByLabel('Post a message').fill('Hello from Chromium')
    await press('Post it')
    expect(await heading(page)).toBe('Posted as you')
    await back()
    await press('Read the chat')
    expect(await heading(page)).toBe('Tidewater Chat answers Alice Archer')
    expect(await page.locator('.answer').innerText()).toContain('Hello from Chromium')
    for (const summary of await page.locator('summary').all()) await summary.click()
    await look('read')
    await back()
    await press('Ask whoami over MCP')
    expect(await heading(page)).toBe('The chat knows you as Alice Archer')
    await look('whoami')
    await back()

    await press('Post to #finance')
    expect(await heading(page)).toBe('Tidewater Chat wants a better sign-in')
    await look('better sign-in')
    await page.getByRole('link', { name: 'Confirm who you are at Passgate' }).click()
    await press('Alice Archer')
    expect(await heading(page)).toBe('Posted as you')
    await back()

    await press('Show it twice')
    expect(await heading(page)).toBe('Refused: the ID-JAG was used before')
    await look('replay')
    await back()
    await press('Send it elsewhere')
    expect(await heading(page)).toBe('Refused: it was made for somebody else')
    await back()
    await press('Remove the connection')
    expect(await heading(page)).toBe('Finch was stopped')
    await look('removed')
    await press('Restore the connection')
    expect(await page.getByText('removed by Acme').count()).toBe(0)

    await page.getByRole('link', { name: 'Try Magpie' }).click()
    expect(await heading(page)).toBe('Magpie knows one address, and nobody knows Magpie.')
    await look('Magpie')
    await page.getByRole('link', { name: 'Connect Magpie to your chat' }).click()
    expect(await heading(page)).toBe('Magpie wants to act for you')
    expect(await page.getByText('that is proven').innerText()).toContain(new URL(stage.unmanagedUrl).host)
    await look('consent')
    await press('Deny')
    await page.waitForURL(`${stage.unmanagedUrl}/**`)
    expect(await heading(page)).toBe('Magpie was not let in')
    await look('Magpie, denied')
    await page.getByRole('link', { name: 'Back to the start' }).click()
    await page.getByRole('link', { name: 'Connect Magpie to your chat' }).click()
    await press('Allow')
    await page.waitForURL(`${stage.unmanagedUrl}/**`)
    expect(await heading(page)).toBe('Magpie reaches the chat as Alice Archer')
    await look('Magpie, let in')
    await page.getByRole('link', { name: 'What Acme and Tidewater Chat wrote down' }).click()
    expect(await heading(page)).toBe('Who sees what, and who can end it')
    expect(await page.getByText('Not one line names Magpie').count()).toBe(1)
    await look('comparison')
    await press('Remove the connection')
    expect(await heading(page)).toBe('Finch was stopped')
    await page.getByRole('link', { name: 'Magpie', exact: true }).click()
    await press('Ask whoami again')
    expect(await heading(page)).toBe('Magpie reaches the chat as Alice Archer')
    await page.goto(stage.agentUrl)
    await press('Restore the connection')
    await press('Sign out')
    expect(await heading(page)).toContain('Sign in once at work')

    expect(Object.values(faults).flat(), JSON.stringify(faults, null, 2)).toEqual([])
    await page.context().close()
    // axe looks at fifteen pages.
  }, 180_000)
})

describe('the pages', () => {
  it('work under their own content security policy, without JavaScript', async () => {
    const page = await open(1280, 'light', false)
    const blocked: string[] = []
    page.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) blocked.push(message.text())
    })
    await page.getByRole('link', { name: 'Sign in with your company' }).click()
    await page.getByRole('button', { name: 'Bob Baker' }).click()
    expect(await heading(page)).toBe('Hello, Bob Baker')
    await page.getByRole('button', { name: 'Ask whoami over MCP' }).click()
    expect(await heading(page)).toBe('The chat knows you as Bob Baker')
    await page.goto(stage.unmanagedUrl)
    await page.getByRole('link', { name: 'Connect Magpie to your chat' }).click()
    await page.getByRole('button', { name: 'Allow' }).click()
    await page.waitForURL(`${stage.unmanagedUrl}/**`)
    expect(await heading(page)).toBe('Magpie reaches the chat as Bob Baker')
    await page.getByRole('link', { name: 'What Acme and Tidewater Chat wrote down' }).click()
    expect(await heading(page)).toBe('Who sees what, and who can end it')
    expect(blocked).toEqual([])
    await page.context().close()
  })

  it('can be reached with the keyboard alone, and show where the focus is', async () => {
    const page = await open(1280, 'light')
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus').innerText()).toBe('To the content')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus').innerText()).toBe('Sign in with your company')
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Carol Carter' }).press('Enter')
    expect(await heading(page)).toBe('Hello, Carol Carter')
    await page.getByRole('link', { name: 'What each company wrote down about both' }).press('Enter')
    expect(await heading(page)).toBe('Who sees what, and who can end it')
    await page.goto(stage.unmanagedUrl)
    await page.keyboard.press('Tab')
    expect(await page.locator(':focus').innerText()).toBe('To the content')
    await page.getByRole('link', { name: 'Connect Magpie to your chat' }).press('Enter')
    for (const stop of ['Not you?', 'Allow']) {
      await page.keyboard.press('Tab')
      expect(await page.locator(':focus').innerText()).toBe(stop)
    }
    await page.keyboard.press('Enter')
    await page.waitForURL(`${stage.unmanagedUrl}/**`)
    expect(await heading(page)).toBe('Magpie reaches the chat as carol@acme.example')
    await page.context().close()
  })
})
