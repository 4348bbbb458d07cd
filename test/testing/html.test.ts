/** HTML that cannot be injected into. */

import { expect, it } from 'vitest'
import { html } from '../../src/testing/html.ts'

it('escapes what is put into a template, in text and in attributes', () => {
  const hostile = `<img src=x onerror="alert('1')">&`
  const escaped = '&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;'
  expect(html`<p title="${hostile}">${hostile}</p>`.text).toBe(`<p title="${escaped}">${escaped}</p>`)
})

it('takes HTML, numbers and lists as they are, and nothing for undefined and false', () => {
  const items = [1, 'a&b'].map((item) => html`<li>${item}</li>`)
  expect(html`<ul>${items}</ul>${undefined}${false}`.text).toBe('<ul><li>1</li><li>a&amp;b</li></ul>')
})
