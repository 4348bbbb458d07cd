/** The certificate of a client: read from a proxy's header, and good only in its time. */

import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { certificateOfHeader, certificateThumbprint } from '../../src/protocol/client-certificate.ts'
import { certified } from '../fixture/certificate.ts'

const { certificate } = certified()
const line = encodeURIComponent(certificate)

describe("a proxy's header", () => {
  it('holds the certificate, or is empty where none came', () => {
    expect(certificateOfHeader([line], 'pem-urlencoded')?.raw).toBeDefined()
    expect(certificateOfHeader([''], 'pem-urlencoded')).toBeUndefined()
    expect(certificateOfHeader([], 'pem-urlencoded')).toBeUndefined()
  })

  it.each([
    ['twice', [line, line]],
    ['with more than a certificate', [`${line}${'A'.repeat(100_000)}`]],
    ['with something else', ['nothing of that kind']],
  ])('%s is refused', (_, lines) => {
    expect(() => certificateOfHeader(lines, 'pem-urlencoded')).toThrow(
      expect.objectContaining({ code: 'invalid_request', reason: 'pop_malformed' }),
    )
  })
})

describe('a certificate', () => {
  const from = Date.UTC(2020, 0, 1) / 1000
  const to = Date.UTC(2050, 0, 1) / 1000
  const shown = new X509Certificate(certificate)
  const thumbprint = (now: number) => certificateThumbprint(shown, now, 30)

  it('is good in its time, give or take the difference of two clocks', () => {
    for (const now of [from - 29, from, Date.UTC(2030, 0, 1) / 1000, to - 86_400])
      expect(thumbprint(now)).toMatch(/^[\w-]{43}$/)
  })

  it.each([
    ['before its time', from - 31],
    ['after its time', Date.UTC(2051, 0, 1) / 1000],
  ])('%s is refused', (_, now) => {
    expect(() => thumbprint(now)).toThrow(expect.objectContaining({ code: 'invalid_request', reason: 'pop_malformed' }))
  })

  it('with anything behind it in its own encoding is refused', () => {
    const der = (bytes: Buffer) => () => certificateOfHeader([bytes.toString('base64')], 'der-base64')
    expect(der(shown.raw)()?.raw).toEqual(shown.raw)
    for (const bytes of [Buffer.concat([shown.raw, Buffer.alloc(3)]), Buffer.concat([shown.raw, shown.raw])])
      expect(der(bytes)).toThrow(expect.objectContaining({ code: 'invalid_request', reason: 'pop_malformed' }))
  })
})
