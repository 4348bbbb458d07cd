/** JSON that strangers wrote: what is read, and what is refused although JSON.parse would take it. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson, parseJsonObject } from '../../src/protocol/json.ts'

const read = (text: string | Uint8Array) => parseJsonObject(Buffer.from(text))

describe('a JSON object', () => {
  it.each<[string, string | Uint8Array, string]>([
    ['with a member twice', '{"a":1,"a":2}', 'holds a member twice'],
    ['with a member twice, once escaped', '{"a":1,"\\u0061":2}', 'holds a member twice'],
    ['with a member twice, apart', '{"a":{"b":1},"c":[{"a":1}],"a":2}', 'holds a member twice'],
    ['with a member twice inside', '{"x":[{"a":1,"b":2, "a" :3}]}', 'holds a member twice'],
    ['with a blank before the colon', '{"a" \t\n\r:1,"a":2}', 'holds a member twice'],
    ['with __proto__', '{"__proto__":{"x":1}}', 'never a claim'],
    ['with __proto__ inside, escaped', '{"a":{"\\u005f_proto__":1}}', 'never a claim'],
    ['with a length that is an object', '{"sub":{"length":{"valueOf":1,"toString":1}}}', 'length that is no number'],
    ['with a length that is an array', '{"length" : []}', 'length that is no number'],
    ['with a byte order mark', '\ufeff{}', 'is not JSON'],
    ['in UTF-16', Buffer.from('{"a":"é"}', 'utf16le'), 'is not'],
    ['with broken UTF-8', Buffer.from('{"a":"\xff"}', 'latin1'), 'is not UTF-8'],
    ['with an overlong NUL', Buffer.from([0x7b, 0xc0, 0x80, 0x7d]), 'is not UTF-8'],
    ['nested 33 deep', `{"a":${'['.repeat(32)}${']'.repeat(32)}}`, 'nested deeper than 32'],
    ['nested 20 000 deep', `{"a":${'['.repeat(20_000)}`, 'nested deeper than 32'],
    ['with bytes after it', '{}x', 'is not JSON'],
    ['that does not end', '{"a":"b', 'is not JSON'],
    ['that ends after a name', '{"a"', 'is not JSON'],
    ['that ends after a name and spaces', '{"a" \t\r\n', 'is not JSON'],
    ['that ends in an escape', '{"a":"b\\', 'is not JSON'],
    ['with a broken escape in a name', '{"\\x":1}', 'is not JSON'],
    ['with a name that is not quoted', '{a:1}', 'is not JSON'],
    ['that is nothing', '', 'is not JSON'],
    ['that is an array', '[]', 'is not a JSON object'],
    ['that is null', 'null', 'is not a JSON object'],
    ['that is a string', '"{}"', 'is not a JSON object'],
    ['that is a number', '1', 'is not a JSON object'],
    ['with closing brackets too many', '}}]{}', 'is not JSON'],
  ])('%s is refused', (_, text, message) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({ name: 'JsonError', message: expect.stringContaining(message) }),
    )
  })

  it.each<[string, string]>([
    ['nested 32 deep', `{"a":${'['.repeat(31)}${']'.repeat(31)}}`],
    ['with one name in two objects', '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]}'],
    ['with a name that is a value too', '{"a":"a","b":["a","a","b"]}'],
    ['with quotes and brackets in strings', '{"a\\"}":"{\\"a\\":[","b\\\\":"}]:"}'],
    ['with blanks', ' {\n"a" : 1 }\r\n'],
  ])('%s is read', (_, text) => {
    expect(read(text)).toEqual(JSON.parse(text))
  })

  it('is what JSON.parse says of every object without a member twice', () => {
    const depth = { maxDepth: 5 }
    const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(depth), { noNullPrototype: true })
    fc.assert(
      fc.property(object, fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent)
        fc.pre(!text.includes('__proto__') && text.isWellFormed() && !/"length":\s*[[{]/.test(text))
        expect(read(text)).toEqual(JSON.parse(text))
      }),
    )
  })

  it('with any of its members twice is refused, wherever the second stands', () => {
    const names = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(names, fc.nat(), fc.nat(), (all, which, where) => {
        const name = all[which % all.length] ?? ''
        fc.pre(!all.includes('__proto__'))
        const escaped = `"${[...name].map((one) => (one.length === 1 ? `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}` : one)).join('')}":0`
        const members = all.map((one) => `${JSON.stringify(one)}:1`).toSpliced(where % (all.length + 1), 0, escaped)
        expect(() => read(`{${members.join(',')}}`)).toThrow('holds a member twice')
      }),
    )
  })

  it('is read or refused with a JsonError, whatever the bytes', () => {
    const text = fc.oneof(
      fc.uint8Array(),
      fc.string({ unit: fc.constantFrom(...'{}[]":,\\u0a1 ') }).map((one) => Buffer.from(one)),
    )
    fc.assert(
      fc.property(text, (bytes) => {
        try {
          expect(parseJsonObject(bytes)).toBeTypeOf('object')
        } catch (error) {
          expect(error).toMatchObject({ name: 'JsonError' })
        }
      }),
      { numRuns: 2000 },
    )
  })
})

it('a JSON value may be of any kind, and is read by the same rules', () => {
  expect(parseJson(Buffer.from('[{"a":1},"b",null]'))).toEqual([{ a: 1 }, 'b', null])
  expect(() => parseJson(Buffer.from('[{"a":1,"a":2}]'))).toThrow('holds a member twice')
  expect(() => parseJson(Buffer.from('['.repeat(33) + ']'.repeat(33)))).toThrow('is nested deeper than 32')
})
