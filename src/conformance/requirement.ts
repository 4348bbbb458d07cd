/** What a row of the requirements table says: one rule, where it comes from, and whether this implementation keeps it. */

import type { Branch } from '../protocol/branches.ts'

/** The four roles of the draft, by the names of their rooms (ID-JAG §2). */
export type Role = 'idp' | 'resource-as' | 'resource' | 'client'

/**
 * How binding a rule is: the word of its source (RFC 2119); `needed` where the source has no such word and the protocol does not work
 * without; `dialect` for what another revision or a deployed product does.
 */
export type Level =
  | 'MUST'
  | 'MUST NOT'
  | 'SHOULD'
  | 'SHOULD NOT'
  | 'RECOMMENDED'
  | 'MAY'
  | 'OPTIONAL'
  | 'needed'
  | 'dialect'

interface Rule {
  /** Stable: an id is never given to another rule. The titles of the tests carry it in brackets. */
  id: string
  /** Whose duty it is. */
  roles: readonly Role[]
  level: Level
  /** Where it is written. A section without a name is one of the revision of the draft that `draftRevision` names. */
  source: string
  /** The rule in one sentence of our own. */
  says: string
  /** The switch that the rule is kept behind. Absent: there is none, and the rule is kept always or never. */
  branch?: Branch
}

/**
 * One rule with its state. `implemented` means that the code keeps the rule and a test shows it. Refusing counts only where the rule
 * itself is kept by refusing, and then `why` says so; on other implemented rows it says how far the rule goes here.
 */
export type Requirement = Rule &
  ({ status: 'implemented'; why?: string } | { status: 'not implemented' | 'does not concern us'; why: string })
