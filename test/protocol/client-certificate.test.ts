import { describe, expect, it } from 'vitest'
import { certificateOfHeader } from '../../src/protocol/client-certificate.ts'
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
