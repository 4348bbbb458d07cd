/** `sub_id` as a SAML name: how it is read and written. */

import { describe, expect, it } from 'vitest'
import { readSamlName, subjectIdentifierOf } from '../../src/protocol/subject-identifier.ts'

const whole = {
  format: 'saml-nameid',
  issuer: 'https://saml.acme.example',
  nameid: 'alice@acme.example',
  nameid_format: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
  name_qualifier: 'https://saml.acme.example',
  sp_name_qualifier: 'https://chat.example/saml',
  sp_provided_id: 'a-17',
}
const least = { format: 'saml-nameid', issuer: 'https://saml.acme.example', nameid: 'n-1' }

describe('a SAML name in sub_id', () => {
  it('[SAML-04] [SAML-05] is read as it was written, with every member or with the least', () => {
    for (const wire of [whole, least]) {
      const name = readSamlName(wire)
      expect(name).toBeDefined()
      if (name !== undefined) expect(subjectIdentifierOf(name)).toEqual(wire)
    }
    expect(readSamlName(least)).toMatchObject({ samlIssuer: 'https://saml.acme.example', nameId: 'n-1' })
  })

  it.each<[string, object]>([
    ['no issuer', { issuer: undefined }],
    ['no name', { nameid: undefined }],
    ['an empty name', { nameid: '' }],
    ['a name that is a number', { nameid: 7 }],
    ['a name with NUL', { nameid: 'alice\u0000' }],
    ['an issuer as a list', { issuer: ['https://saml.acme.example'] }],
    ['a name format that is null', { nameid_format: null }],
    ['a name without end', { nameid: 'x'.repeat(1025) }],
    ['a member of another format', { email: 'alice@acme.example' }],
  ])('[SAML-07] with %s is none', (_, change) => {
    expect(readSamlName({ ...whole, ...change })).toBeUndefined()
  })
})
