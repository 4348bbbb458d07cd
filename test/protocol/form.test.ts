/** Forms and scope strings. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OAuthError } from '../../src/protocol/errors.ts'
import { parseForm, parseScope } from '../../src/protocol/form.ts'

const plain = fc
  .string({ unit: 'grapheme' })
  .filter((text) => text.isWellFormed() && !/[\u0000-\u0008\u000a-\u001f\u007f\ufffd]/.test(text))

describe('a form', () => {
  it('gives back what URLSearchParams wrote', () => {
    const pairs = fc.uniqueArray(fc.tuple(plain, plain), { selector: ([name]) => name, maxLength: 20 })
    fc.assert(
      fc.property(pairs, (all) => {
        const form = parseForm(new URLSearchParams(all).toString())
        for (const [name, value] of all) expect(form.optional(name)).toBe(value === '' ? undefined : value)
      }),
    )
  })

  it('is read or refused with an OAuthError, whatever the text', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'ab=&%+41cz\u0000') }))
    fc.assert(
      fc.property(text, (body) => {
        try {
          parseForm(body, ['b'])
        } catch (error) {
          expect(error).toBeInstanceOf(OAuthError)
          expect(error).toMatchObject({
            code: 'invalid_request',
            message: expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/),
          })
        }
      }),
      { numRuns: 2000 },
    )
  })

  it.each<[string, string, string]>([
    ['a parameter twice', 'a=1&a=2', 'a must not be sent more than once'],
    ['an empty parameter twice', 'a=&a', 'a must not be sent more than once'],
    ['a parameter twice, once escaped', 'a=1&%61=2', 'a must not be sent more than once'],
    ['an odd parameter twice', '%22=1&%22=2', 'a parameter must not be sent more than once'],
    ['an endless name twice', `${'x'.repeat(99)}=1&${'x'.repeat(99)}=2`, 'a parameter must not be sent more than once'],
    ['a broken escape', 'a=%zz', 'a is not form-encoded UTF-8'],
    ['an escape cut short', 'a=%2', 'a is not form-encoded UTF-8'],
    ['bytes that are no UTF-8', 'a=%C0%AF', 'a is not form-encoded UTF-8'],
    ['half of a pair', 'a=%ED%A0%80', 'a is not form-encoded UTF-8'],
    ['a broken name', '%ff=1', 'the name of a parameter is not form-encoded UTF-8'],
    ['NUL', 'a=x%00', 'a holds a control character or broken UTF-8'],
    ['NUL in a name', 'a%00=x', 'the name of a parameter holds a control character'],
    ['a replacement character', 'a=\ufffd', 'a holds a control character or broken UTF-8'],
    ['65 parameters', Array.from({ length: 65 }, (_, n) => `p${n}`).join('&'), 'the form has more than 64 parameters'],
  ])('with %s is refused', (_, body, message) => {
    expect(() => parseForm(body)).toThrow(message)
  })

  it('may have empty parts, blanks as plus, a tab, and parameters nobody asks for', () => {
    const form = parseForm('&a=1+2%2B3&&b=x%09y&c=d=e&')
    expect([form.optional('a'), form.optional('b'), form.optional('c'), form.optional('z')]).toEqual([
      '1 2+3',
      'x\ty',
      'd=e',
      undefined,
    ])
  })

  it('may have a parameter several times where it is allowed, and empty ones count for nothing', () => {
    const form = parseForm('resource=a&resource=&resource=b', ['resource'])
    expect(form.all('resource')).toEqual(['a', 'b'])
    expect(form.all('other')).toEqual([])
  })

  it('is read the same each time, and refused the same, also where a value is one that every request has', () => {
    const bodies = ['scope=a%20b', 'scope=%61+b', 'scope=a%20ä', 'audience=https%3A%2F%2Fa', 'audience=https://a']
    const read = () =>
      bodies.map((body) => parseForm(body)).map((form) => form.optional('scope') ?? form.optional('audience'))
    expect(read()).toEqual(['a b', 'a b', 'a ä', 'https://a', 'https://a'])
    expect(read()).toEqual(read())
    for (const body of ['scope=a%00', 'scope=%zz', 'audience=%C0%AF'])
      for (const _ of [1, 2]) expect(() => parseForm(body)).toThrow(OAuthError)
  })

  it('with 64 parameters is read', () => {
    const body = Array.from({ length: 64 }, (_, n) => `p${n}=${n}`).join('&')
    expect(parseForm(body).required('p63')).toBe('63')
  })

  it('has no parameters by the names that every object has', () => {
    const form = parseForm('__proto__=x')
    expect(form.optional('constructor')).toBeUndefined()
    expect(form.optional('__proto__')).toBe('x')
    expect(() => form.required('toString')).toThrow('toString is required')
  })
})

describe('a scope', () => {
  const token = fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 1,
  })

  it('is its tokens, each once, in order', () => {
    const tokens = fc.array(
      token.filter((one) => !/["\\]/.test(one)),
      { minLength: 1 },
    )
    fc.assert(
      fc.property(tokens, (all) => {
        expect(parseScope(all.join(' '))).toEqual([...new Set(all)])
        expect(parseScope(` ${all.join('   ')} `)).toEqual([...new Set(all)])
      }),
    )
  })

  it('of spaces alone is refused, and is not taken as a request for everything; without a value it was not sent', () => {
    for (const spaces of [' ', '   '])
      expect(() => parseScope(spaces)).toThrow(
        expect.objectContaining({ code: 'invalid_scope', reason: 'scope_denied' }),
      )
    expect(parseScope('')).toEqual([])
  })

  it('with any other character is refused', () => {
    const other = fc
      .string({ unit: 'binary', minLength: 1 })
      .filter((one) => /[^\x20-\x21\x23-\x5b\x5d-\x7e]/u.test(one))
    fc.assert(
      fc.property(other, (text) => {
        expect(() => parseScope(`a ${text}`)).toThrow(
          expect.objectContaining({ code: 'invalid_scope', reason: 'scope_denied' }),
        )
      }),
    )
  })
})
