/** The rows of the table in docs/profiles.md, made of the table that the software goes by. */

import { type ProfilePlace, profileNames } from '../../src/protocol/profile-settings.ts'
import { profileTable } from '../../src/protocol/profile-table.ts'
import { profileAt } from '../../src/protocol/profiles.ts'

/** Where an entry with this profile stands. */
const entries: { readonly [Place in ProfilePlace]: string } = {
  subjectIssuer: '`idp.subjectIssuers`',
  signInIssuer: '`resourceAs.interactive.signIn`',
  idpClient: '`idp.clients`',
  idpResourceServer: '`idp.resourceServers`',
  trustedIssuer: '`resourceAs.trustedIssuers`',
  resourceAsClient: '`resourceAs.clients`',
  identityProvider: '`identityProvider` of a client',
  resourceServer: '`resourceServers` of a client',
}

/** One line of the table for each counterpart and place. */
export function profileRows(): string[] {
  return profileNames.flatMap((name) =>
    (Object.keys(profileTable[name]) as ProfilePlace[]).flatMap((place) => {
      const row = profileAt(place, name)
      if (row === undefined) return []
      const { settings, issuer, source, ranIn } = row
      const members = Object.entries(settings).map(([member, value]) => `\`${member}: ${textOf(value)}\``)
      const form = issuer === undefined ? [] : [`issuer ${issuer.is}`]
      const by = ranIn === undefined ? 'by its documentation' : `run: [${ranIn.split('/').at(-1)}](../${ranIn})`
      const says = `${source.says} ([${source.title}](${source.url}))`
      return [`| \`${name}\` | ${entries[place]} | ${[...members, ...form].join('; ')} | ${says} | ${by} |`]
    }),
  )
}

function textOf(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(', ')}]` : String(value)
}
