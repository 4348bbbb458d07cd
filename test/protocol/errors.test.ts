/** The one error, and what it lets out. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { OAuthError, unavailable } from '../../src/protocol/errors.ts'

describe('an OAuthError', () => {
  it('says only what RFC 6749 §5.2 allows in a description, whatever it was given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (description) => {
        const { message } = new OAuthError('invalid_request', description, { reason: 'malformed' })
        expect(message).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/)
        expect(message).toHaveLength(description.length)
      }),
    )
  })

  it.each([
    ['invalid_request', 400],
    ['invalid_client', 401],
    ['invalid_grant', 400],
    ['access_denied', 400],
    ['invalid_token', 401],
    ['insufficient_scope', 403],
    ['server_error', 500],
    ['temporarily_unavailable', 503],
  ] as const)('%s has status %i', (code, status) => {
    expect(new OAuthError(code, 'x', { reason: 'malformed' }).status).toBe(status)
  })

  it('has a status of its own where HTTP has a more exact one, and members beside the code', () => {
    const error = new OAuthError('insufficient_user_authentication', 'say "more"', {
      reason: 'step_up',
      status: 418,
      parameters: { max_age: 5 },
      cause: new Error('secret'),
      detail: 'secret',
    })
    expect(error.status).toBe(418)
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      error: 'insufficient_user_authentication',
      error_description: "say 'more'",
      max_age: 5,
    })
    expect(error).toMatchObject({ cause: new Error('secret'), detail: 'secret' })
  })

  it('for a dependency that is down tells the operator what, and the caller nothing', () => {
    const cause = new Error('connect ECONNREFUSED 10.0.0.1')
    const error = unavailable('fetch_blocked', 'keys of x', cause)
    expect(error).toMatchObject({ status: 503, reason: 'fetch_blocked', detail: 'keys of x', cause })
    expect(JSON.stringify(error)).not.toMatch(/10\.0|keys of x/)
    expect(unavailable('fetch_failed', 'x').cause).toBeUndefined()
  })
})
