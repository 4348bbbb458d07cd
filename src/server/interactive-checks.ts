/** What the parts of the code grant's configuration must be to each other and to the server around them. */

import { type Finding, type Part, repeated, unknownName } from './config-part.ts'
import { checkIssuerForms, checkNaming } from './config-profiles.ts'
import { isLoopbackUrl } from './config-values.ts'
import { checkIssuers } from './issuer-checks.ts'

/** What is wrong with `resourceAs.interactive`, and with clients that need it. The reach of registration is judged with that of clients. */
export function checkInteractive(server: Part): Finding[] {
  const interactive = server.at('interactive')
  if (!interactive.exists)
    return server
      .at('clients')
      .items()
      .map((client) => client.at('redirectUris'))
      .filter(({ exists }) => exists)
      .map(({ path }) => ({
        path,
        message: 'is of no use without the code grant',
        remedy: 'add resourceAs.interactive, or remove it',
      }))
  const places = interactive.at('signIn')
  const scopes = server
    .at('resources')
    .items()
    .flatMap((one) => one.at('scopes').items())
    .flatMap(({ text }) => text ?? [])
  return [
    ...checkIssuers(places, server.at('issuer'), {
      listed: 'listed',
      self: 'is this server itself',
      remedy: 'name the identity provider at which people sign in',
    }),
    ...repeated(
      places.items().flatMap((one) => one.at('emailDomains').items()),
      'listed',
    ),
    ...(places.items().length > 1 ? places.items() : [])
      .filter((one) => one.at('emailDomains').items().length === 0)
      .map((one) => ({
        path: one.at('emailDomains').path,
        message: 'is missing: nobody would find this identity provider',
        remedy: 'list the domains of its people, such as acme.example',
      })),
    ...(isLoopbackUrl(server.at('issuer').value) || interactive.at('cookieSecret').exists
      ? []
      : [
          {
            path: interactive.at('cookieSecret').path,
            message: 'is missing',
            remedy: 'add cookieSecret: { env: NAME }; a good one: openssl rand -hex 32',
          },
        ]),
    ...Object.keys((interactive.at('scopes').value as object | undefined) ?? {}).flatMap((name) =>
      unknownName(
        { ...interactive.at('scopes').at(name), text: name },
        scopes,
        'scope of a resource',
        'add it under resourceAs.resources',
      ),
    ),
    ...checkIssuerForms(places, 'signInIssuer'),
    ...checkNaming(places),
    ...samePeople(server, places),
  ]
}

/** An IdP whose ID-JAGs are redeemed here as well speaks for the same people by both ways: the rules must not differ. */
function samePeople(server: Part, places: Part): Finding[] {
  const trusted = server.at('trustedIssuers').items()
  return places.items().flatMap((place) => {
    const twin = trusted.find((one) => one.at('issuer').text === place.at('issuer').text)
    const differs =
      twin !== undefined && (twin.at('unknownUsers').text ?? 'refuse') !== (place.at('unknownUsers').text ?? 'refuse')
    return differs
      ? [
          {
            path: place.at('unknownUsers').path,
            message: 'is another than for the same issuer under trustedIssuers',
            remedy: 'write the same at both places',
          },
        ]
      : []
  })
}
