/** One scene of the story: what is seen of it, and whether it came out as it must. */

import type { AuditEvent } from '../../protocol/ports.ts'
import type { Cast } from '../agent/cast.ts'
import type { Observed } from '../agent/observed.ts'
import { type Shown, type ShownStep, shownStep } from '../agent/shown-step.ts'
import type { TokenAnatomy } from '../agent/token-anatomy.ts'

/** What one scene promises: a sentence, and whether it holds. */
export type Promised = readonly [says: string, holds: boolean]

/** A judged scene, for a terminal and for a program. Secrets are masked in it. */
export interface Scene {
  name: string
  title: string
  /** Two or three sentences for somebody who hears of this for the first time. */
  says: string
  ok: boolean
  /** The promises that were not kept. */
  problems: string[]
  request?: ShownStep['request']
  answer?: ShownStep['answer']
  token?: TokenAnatomy
  /** What the server that decided wrote down, and whose server it was. */
  audit?: { of: string; event: AuditEvent }
  /** What came of it, for the end of the story. */
  facts: Shown[]
}

/** What a scene is made of. */
export interface SceneOptions {
  name: string
  title: string
  says: string
  /** The request that the scene is about; undefined when it never happened, which is a problem. */
  observed: Observed | undefined
  cast: Cast
  /** What is shown of it. */
  show: { words?: boolean; token?: boolean }
  promises(step: ShownStep): Promised[]
  facts?: Shown[]
}

/** Judges a scene. */
export function sceneOf({ name, title, says, observed, cast, show, promises, facts = [] }: SceneOptions): Scene {
  if (observed === undefined)
    return { name, title, says, ok: false, problems: ['it did not come to this request'], facts }
  const step = shownStep(observed, cast)
  const problems = promises(step)
    .filter(([, holds]) => !holds)
    .map(([sentence]) => `not so: ${sentence}`)
  const [token] = step.tokens
  return {
    name,
    title,
    says,
    ok: problems.length === 0,
    problems,
    ...(show.words === true ? { request: step.request, answer: step.answer } : {}),
    ...(show.token === true && token !== undefined ? { token } : {}),
    ...(step.audit === undefined || show.words !== true ? {} : { audit: { of: step.to, event: step.audit } }),
    facts,
  }
}

/** A member of what was answered, as it came. */
export function answered({ answer }: ShownStep, member: string): string | undefined {
  return answer.members.find(([name]) => name === member)?.[1]
}

/** A parameter of what was asked, as it was sent. */
export function asked({ request }: ShownStep, parameter: string): string | undefined {
  return request.parameters.find(([name]) => name === parameter)?.[1]
}
