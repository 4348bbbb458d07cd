/** The part of the configuration about the code grant: where people sign in, and what clients that nobody entered may be given. */

import * as z from 'zod'
import { isUsableRedirect } from '../interactive/redirects.ts'
import { signInIssuerNaming } from './config-profiles.ts'
import { count, duration, emailDomain, foreignIssuer, foreignName, resource, scope } from './config-values.ts'
import { type Sources, secret } from './references.ts'
import { judged, mapping } from './schema-problems.ts'

const day = 24 * 3600

/** The schema of `resourceAs.interactive`. Absent: managed only. */
export function interactiveSchema(sources: Sources, development: boolean) {
  return mapping({
    signIn: z
      .array(
        mapping({
          issuer: foreignIssuer,
          clientId: foreignName,
          clientSecret: secret(sources, { development, clientSecret: false }).optional(),
          emailDomains: z.array(emailDomain).default([]),
          name: peopleName,
          unknownUsers: z.enum(['refuse', 'create']).default('refuse'),
          ...signInIssuerNaming,
        }),
      )
      .min(1),
    cookieSecret: secret(sources, { development, clientSecret: false }).optional(),
    refreshTokenLifetime: duration(60, 90 * day).default(14 * day),
    /** RFC 9700 §4.14.2 wants 0: a token that was replaced and comes again was stolen. */
    refreshTokenReuse: duration(0, 30).default(0),
    scopes: z.record(z.string(), sentence(200)).default({}),
    registration: mapping({
      scopes: z.array(scope).min(1),
      resources: z.array(resource).min(1),
      perMinute: count(10_000).default(60),
      perAddress: count(10_000).default(10),
    }).optional(),
  }).optional()
}

/** What people know something by. */
export const peopleName = sentence(60).optional()

/** What a client of the code grant has beside. Entries of the configuration and of run time are the same. */
export const codeGrantMembers = {
  redirectUris: z
    .array(
      judged((text) =>
        isUsableRedirect(text)
          ? undefined
          : {
              message: 'must be an https address without a fragment',
              remedy: 'for programs on a computer: http://127.0.0.1/path, and any port will do',
            },
      ),
    )
    .min(1)
    .optional(),
  /** What the consent page calls it. */
  name: peopleName,
}

function sentence(longest: number) {
  return judged((text) =>
    text.trim() !== '' && text.length <= longest && text.isWellFormed() && !/[\u0000-\u001f\u007f]/.test(text)
      ? undefined
      : { message: `must be a text of 1 to ${longest} characters` },
  )
}
