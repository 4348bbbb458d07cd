/** People over HTTP: who is in the directory, and a switch for each. */

import type { AdminContext, Routes } from './admin-context.ts'
import { Switch } from './admin-entries.ts'
import type { AdministeredIdp, AdministeredUser } from './admin-options.ts'
import { AdminError, parsed } from './admin-request.ts'

/** `/users` of one identity provider. Whoever is in no directory is stopped by a block alone. */
export function userRoutes(context: AdminContext, { definition, users, enableUser }: AdministeredIdp): Routes {
  const wider = ({ email }: AdministeredUser) => (email === undefined ? [] : [{ user: email }])
  const shown = (user: AdministeredUser) => {
    const { sub, name, email, groups } = user
    return { sub, name, email, groups, enabled: user.enabled && !context.isOff({ user: sub }, ...wider(user)) }
  }
  return {
    '/users': {
      async GET() {
        await context.refreshed()
        return users.map(shown)
      },
    },
    '/users/:sub': {
      async PATCH(request) {
        const { sub } = request.params as { sub: string }
        const user = users.find((one) => one.sub === sub)
        if (user === undefined) throw new AdminError(404, 'nobody has this sub')
        const { enabled } = parsed(Switch, request.body)
        await context.refreshed()
        if (enabled && !user.enabled && enableUser === undefined)
          throw new AdminError(409, 'the directory itself has disabled this person: enable them there')
        if (enabled && context.isOff(...wider(user)))
          throw new AdminError(
            409,
            'a block on their e-mail address stops this person too: lift it with DELETE /blocks',
          )
        const facts = { server: definition.issuer, subject: sub, detail: `user ${enabled ? 'enabled' : 'disabled'}` }
        await context.change(request, facts, (acts, actor) =>
          enabled ? acts.unblock({ user: sub }, actor) : acts.block({ user: sub }, actor),
        )
        if (enabled && !user.enabled) enableUser?.(sub)
        return shown(user)
      },
    },
  }
}
